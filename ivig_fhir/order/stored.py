"""What the EHR holds of an IVIG order, read from its raw JSON into exact fractions, with the tables to recalculate it by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from ivig_fhir.content.model import Content, Product, WeightPolicy
from ivig_fhir.fhir.codes import LOINC, codings
from ivig_fhir.fhir.dates import parse_date
from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME, RATE_BASIS, RATE_STEP, VIAL, read
from ivig_fhir.fhir.quantity import Quantity, plain
from ivig_fhir.fhir.units import UnitError, code_of, convert

Resource = Mapping[str, Any]
_USABLE = frozenset({"final", "amended", "corrected"})


@dataclass(frozen=True)
class Tables:
    """What the second calculation takes from content: products with their label tables, weight policies, code sets, limits."""

    products: Mapping[str, Product]
    policies: Mapping[str, WeightPolicy]
    weight_codes: frozenset[str]
    height_codes: frozenset[str]
    adult_years: int
    min_height_cm: Fraction
    tolerance: Fraction


def tables_of(content: Content) -> Tables:
    """The tables of one content version."""
    panels, limits = content.panels, content.constants
    return Tables(
        content.products,
        content.weight_policies,
        frozenset(panels["body-weight"].loinc),
        frozenset(panels["body-height"].loinc),
        int(limits["adult_years"]),
        Fraction(limits["min_height_cm"]),
        max(Fraction(p.tolerance) for p in content.rounding_policies.values()),
    )


class StoredOrder:
    """What the stored order says, read once."""

    def __init__(self, order: Resource, record: Sequence[Resource], tables: Tables) -> None:
        dosages = order.get("dosageInstruction") or []
        self.order, self.tables, self.record = order, tables, {f"{r.get('resourceType')}/{r.get('id')}": r for r in record}
        self.dosage: Resource = dosages[0] if len(dosages) == 1 else {}
        self.ordered, self.calculated = (_typed(self.dosage, k) for k in ("ordered", "calculated"))
        self.basis = next(iter(read(self.calculated, DOSE_BASIS)), {})
        self.held = next(iter(read(self.dosage, INFUSION_VOLUME)), {})
        self.rating = next(iter(read(self.dosage, RATE_BASIS)), {})
        self.steps = sorted(read(self.dosage, RATE_STEP), key=lambda s: int(s.get("sequence") or 0))
        self.grams = number(self.ordered.get("doseQuantity"), "g")
        self.exact = number(self.calculated.get("doseQuantity"), "g")
        self.kg = number(self.basis.get("dosingWeight"), "kg")
        self.volume = number(self.held.get("volume"), "mL")
        self.concentration = number(self.held.get("concentration"), "mg/mL")
        self.dates = [parse_date(str(e)[:10]) for e in (self.dosage.get("timing") or {}).get("event") or []]
        ids = {c.code for c in codings(order.get("medicationCodeableConcept"))}
        self.product = next((p for i, p in tables.products.items() if i in ids), None)

    def observation(self, codes: frozenset[str]) -> tuple[str, Resource | None]:
        """The newest usable Observation with one of these LOINC codes that the order names, and its reference."""
        named = [plain_reference(str(r.get("reference"))) for r in self.order.get("supportingInformation") or []]
        found = [(n, self.record[n]) for n in named if n in self.record and _is(self.record[n], codes)]
        return max(found, key=lambda pair: str(pair[1].get("effectiveDateTime")), default=("", None))

    @property
    def patient(self) -> Resource:
        """The Patient of the order."""
        return self.record.get(plain_reference(str((self.order.get("subject") or {}).get("reference"))), {})


def _typed(dosage: Resource, kind: str) -> Resource:
    items = [i for i in dosage.get("doseAndRate") or [] if isinstance(i, dict)]
    return next((i for i in items if kind in {str(c.get("code")) for c in (i.get("type") or {}).get("coding") or []}), {})


def number(quantity: Any, code: str) -> Fraction | None:
    value = quantity.get("value") if isinstance(quantity, dict) and quantity.get("code") == code else None
    return Fraction(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def in_unit(observation: Resource | None, code: str) -> Fraction | None:
    """The value of an Observation in a unit; None when it has none that can be converted exactly."""
    held = (observation or {}).get("valueQuantity") or {}
    unit = held.get("code") or code_of(str(held.get("unit") or ""))
    if not unit or not isinstance(held.get("value"), int | Decimal):
        return None
    try:
        return Fraction(convert(Quantity(Decimal(held["value"]), str(unit)), code).value)
    except UnitError:
        return None


def _is(resource: Resource, codes: frozenset[str]) -> bool:
    if resource.get("resourceType") != "Observation" or resource.get("status") not in _USABLE:
        return False
    return any(c.system == LOINC and c.code in codes for c in codings(resource.get("code")))


def plain_reference(reference: str) -> str:
    return "/".join(reference.split("/_history/", 1)[0].split("/")[-2:])


def half_up(value: Fraction, step: Fraction) -> Fraction:
    return floor(value / step + Fraction(1, 2)) * step


def said(value: Fraction | None, unit: str = "") -> str:
    if value is None:
        return "nothing"
    return f"{plain(Decimal(value.numerator) / Decimal(value.denominator))} {unit}".strip()


def kilograms(value: Fraction | None) -> str:
    return said(value, "kg")


def grams(value: Fraction | None) -> str:
    return said(value, "g")


def milliliters(value: Fraction | None) -> str:
    return said(value, "mL")


def pump_rate(value: Fraction | None) -> str:
    return said(value, "mL/h")
