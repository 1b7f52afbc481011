"""An IVIG MedicationRequest as a server returns it, read from raw JSON into exact fractions; nothing is assumed to be there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from ivig_fhir.fhir.codes import codings
from ivig_fhir.fhir.dates import parse_date
from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME, RATE_BASIS, RATE_STEP, SERIES, VIAL, read
from ivig_fhir.fhir.quantity import Quantity, plain
from ivig_fhir.fhir.reading import part, parts, word
from ivig_fhir.fhir.references import pointed_to
from ivig_fhir.fhir.units import UnitError, code_of, convert

Resource = Mapping[str, Any]


class StoredOrder:
    """What the order says: grams, mL, mg/mL, kg as fractions (None where it does not say), its dates, rate steps and vials in order.

    An order with another number of dosages than one says nothing.
    """

    def __init__(self, order: Resource) -> None:
        dosages = order.get("dosageInstruction")
        self.order = order
        self.dosage: Resource = dosages[0] if isinstance(dosages, list) and len(dosages) == 1 and isinstance(dosages[0], dict) else {}
        self.ordered, self.calculated = (_typed(self.dosage, kind) for kind in ("ordered", "calculated"))
        self.basis = next(iter(read(self.calculated, DOSE_BASIS)), {})
        self.rating = next(iter(read(self.dosage, RATE_BASIS)), {})
        self.series = next(iter(read(self.dosage, SERIES)), {})
        self.steps = sorted(read(self.dosage, RATE_STEP), key=lambda s: count(s.get("sequence")))
        self.vials = [(number(v.get("grams"), "g"), v.get("count")) for v in read(order.get("dispenseRequest"), VIAL)]
        held = next(iter(read(self.dosage, INFUSION_VOLUME)), {})
        self.grams = number(self.ordered.get("doseQuantity"), "g")
        self.exact = number(self.calculated.get("doseQuantity"), "g")
        self.kg = number(self.basis.get("dosingWeight"), "kg")
        self.volume, self.concentration = number(held.get("volume"), "mL"), number(held.get("concentration"), "mg/mL")
        written = part(self.dosage, "timing").get("event")
        self.written = [str(e) for e in written] if isinstance(written, list) else []

    @cached_property
    def dates(self) -> list[date]:
        """The days of the infusions; fewer than `written` where one is not a date."""
        return [d for d in (parse_date(e[:10]) for e in self.written) if d is not None]

    @property
    def repeat(self) -> Any:
        """What stands as a repeat beside the dates; None where nothing does."""
        return part(self.dosage, "timing").get("repeat")

    @property
    def patient(self) -> str:
        """`Patient/id`."""
        return pointed_to(self.order.get("subject"))

    @property
    def product_codes(self) -> frozenset[str]:
        """Every code of the product, in any system."""
        return frozenset(c.code for c in codings(self.order.get("medicationCodeableConcept")))

    @cached_property
    def supported_by(self) -> tuple[str, ...]:
        """The resources that the order names in support."""
        return tuple(pointed_to(r) for r in parts(self.order, "supportingInformation"))

    @property
    def weighed_in(self) -> str:
        """The Observation that the dosing weight comes from."""
        return pointed_to(self.basis.get("weightSource"))


def _typed(dosage: Resource, kind: str) -> Resource:
    items = parts(dosage, "doseAndRate")
    return next((i for i in items if kind in {word(c, "code") for c in parts(part(i, "type"), "coding")}), {})


def number(quantity: Any, code: str) -> Fraction | None:
    """The value of a Quantity in exactly this UCUM unit, else None."""
    value = quantity.get("value") if isinstance(quantity, dict) and quantity.get("code") == code else None
    return Fraction(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def count(value: Any) -> int:
    """A whole number, however a server spells it (5 or 5.0); 0 for anything else."""
    whole = isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value)
    return int(value) if whole else 0


def in_unit(observation: Resource | None, code: str) -> Fraction | None:
    """The value of an Observation in a unit; None when it has none that can be converted exactly."""
    held = part(observation, "valueQuantity")
    unit = held.get("code") or code_of(str(held.get("unit") or ""))
    if not unit or not isinstance(held.get("value"), int | Decimal) or isinstance(held["value"], bool):
        return None
    try:
        return Fraction(convert(Quantity(Decimal(held["value"]), str(unit)), code).value)
    except UnitError:
        return None


def said(value: Fraction | None, unit: str = "") -> str:
    """The number as a person writes it, with its unit; "nothing" where there is none."""
    if value is None:
        return "nothing"
    shown = str(value.numerator) if value.denominator == 1 else plain(Decimal(value.numerator) / Decimal(value.denominator))
    return f"{shown} {unit}" if unit else shown
