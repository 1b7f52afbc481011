"""One indication's order set as types: regimens, limits, target of treatment, evidence, what has to be documented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.governance import Governance
from ivig_fhir.fhir.codes import ValueSet

Range = tuple[Decimal, Decimal]
Years = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Regimen:
    """One way of giving IVIG for an indication. `dose_g_kg` low and high, in the meaning of `basis`; days and interval low and high.

    `usual_g_kg` and `usual_interval_weeks` are proposed; without them the lower end is. A regimen with an interval is a series: of
    `cycles`, else of as many as fit before its review, `review_months` after the start (None: as the policy says). One infusion takes
    `infusion_hours`. `label_days` and `label_g_kg` map a product id to what its label prints; of `label_days_either` it prints the two
    numbers of days and none between. `exception` marks a regimen that must be
    chosen, never defaulted, `not_for` the value set of diagnoses for which it is none; `tier` a grade of its own (empty: that of the
    order set); `age_years` whom it is for, completed years, both included; `repeat` says in words whether and when it may be given again.
    """

    id: str
    title: str
    phase: str
    dose_g_kg: Range
    usual_g_kg: Decimal | None
    basis: str
    days: tuple[int, int]
    default_days: int
    interval_weeks: Range | None
    usual_interval_weeks: Decimal | None
    cycles: int | None
    review_months: int | None
    infusion_hours: Range | None
    label_range_g_kg: Range | None
    label_g_kg: Mapping[str, Range]
    label_days: Mapping[str, tuple[int, int]]
    label_days_either: tuple[str, ...]
    exception: bool
    not_for: str
    tier: str
    age_years: Years
    repeat: str
    source: Basis


@dataclass(frozen=True, slots=True)
class Trough:
    """The IgG that replacement aims at just before the next infusion, in mg/dL; a usual range open at an end is None there."""

    minimum_mg_dl: Decimal
    usual_from_mg_dl: Decimal | None
    usual_to_mg_dl: Decimal | None
    recheck: str
    source: Basis


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a body says about an indication, in the project's words."""

    body: str
    says: str
    source: Basis


@dataclass(frozen=True, slots=True)
class PayerCriterion:
    """What a payer asks for, of the order sets that it names, or of all (none named)."""

    id: str
    says: str
    order_sets: tuple[str, ...]
    source: Basis


@dataclass(frozen=True)
class OrderSet:
    """An indication's order set: tier, codes, regimens, limits, documentation. FHIR: PlanDefinition of type order-set.

    tier A on-label, B recommended off-label, C selected cases, D not recommended. `maximum` keys: course_g_kg, per_day_g_kg,
    per_infusion_g_kg, per_week_g_kg, per_month_g_kg (four weeks), course_g, per_infusion_g (absent: no limit of its own).
    """

    id: str
    name: str
    governance: Governance
    tier: str
    label_code: str
    on_label: str
    codes: ValueSet
    regimens: tuple[Regimen, ...]
    maximum: Mapping[str, Decimal]
    maximum_source: Basis | None
    trough: Trough | None
    evidence: tuple[Evidence, ...]
    documentation: tuple[str, ...]
    response: str
    stop: str
    target: str
    duration: str
    weight_note: str
    default_product: str
    age_years: Years
    guidance: str
    source: Basis
    content_hash: str

    def regimen(self, id_: str) -> Regimen | None:
        """The regimen of that id."""
        return next((r for r in self.regimens if r.id == id_), None)
