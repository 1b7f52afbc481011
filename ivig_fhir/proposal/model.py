"""Proposal and its parts: dose, rate, vials and series as computed, step by step, before anybody signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from ivig_fhir.chart.facts import Person
from ivig_fhir.content.model import OrderSet, Product, Regimen
from ivig_fhir.proposal.findings import Evidence, Finding, NotAssessed
from ivig_fhir.proposal.selections import ChosenOverride, Selections

SCHEMA = "ivig-fhir/proposal/1"


@dataclass(frozen=True, slots=True)
class WeightCalculation:
    """How the dosing weight was reached, in kg. used: actual, ideal, adjusted or stated; `dosing_kg` None: no usable weight."""

    actual_kg: Decimal | None
    ideal_kg: Decimal | None
    adjusted_kg: Decimal | None
    bmi: Decimal | None
    height_cm: Decimal | None
    dosing_kg: Decimal | None
    used: str | None
    policy: str
    policy_version: str
    why: str
    basis: str
    reason: str
    source: str | None
    version: str | None
    effective: str | None
    said: str | None


@dataclass(frozen=True, slots=True)
class Rounding:
    """Vial rounding: increments in grams in the order they are tried, and the tolerated fraction of the dose.

    `policy` is its id; `site` where the site narrowed it, `stated` where the clinician did.
    """

    increments_g: tuple[Decimal, ...]
    tolerance: Decimal
    policy: str
    version: str


@dataclass(frozen=True, slots=True)
class Infusion:
    """One infusion: its date and its grams."""

    date: date
    grams: Decimal


@dataclass(frozen=True, slots=True)
class DoseCalculation:
    """Grams before and after rounding, for the course and for one infusion; `working` are the lines a person can check."""

    per_kg: Decimal | None
    calculated_course_g: Decimal
    calculated_per_infusion_g: Decimal
    per_infusion_g: Decimal
    deviation_percent: Decimal
    course_g: Decimal
    infusions: tuple[Infusion, ...]
    increment_g: Decimal | None
    working: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vial:
    """Vials of one size: grams in each, and how many."""

    grams: Decimal
    count: int


@dataclass(frozen=True, slots=True)
class Step:
    """One rate step for the pump: mL/kg/h as content has it, mL/h rounded down, minutes, mL."""

    ml_kg_h: Decimal
    ml_h: Decimal
    minutes: Decimal
    volume_ml: Decimal


@dataclass(frozen=True, slots=True)
class RateSchedule:
    """The pump's steps for one infusion. mode: steps, hours or none; basis: label, maker, illustrative, site or none.

    `notes` have to be read with the steps: for whom the table is, and how contradictions of the label were resolved.
    """

    mode: str
    basis: str
    ladder: str | None
    cap_ml_kg_h: Decimal | None
    cap_reason: str | None
    total_minutes: int | None
    steps: tuple[Step, ...]
    label_max_ml_kg_h: Decimal | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """A course repeated: weeks between first days, cycles, the day of every infusion, the last of them, the review day, total grams."""

    interval_weeks: Decimal
    cycles: int
    dates: tuple[date, ...]
    last: date
    review_on: date
    total_g: Decimal


@dataclass(frozen=True, slots=True)
class CompanionAmount:
    """One dose of a companion for this patient: low and high in `unit`, never above `most`; `said` where it was computed or looked up."""

    low: Decimal
    high: Decimal
    unit: str
    most: Decimal | None
    said: str


@dataclass(frozen=True, slots=True)
class CompanionOrder:
    """A companion as proposed: chosen or not, required or not, with its sentence and dose for this patient.

    `against` are the checks whose findings speak against it here; `due` is from when until when a follow-up is due.
    """

    id: str
    kind: str
    title: str
    text: str
    selected: bool
    required: bool
    codes: tuple[str, ...]
    offset_minutes: int | None
    citations: tuple[str, ...]
    confidence: str
    against: tuple[str, ...] = ()
    as_needed: bool = False
    dose: CompanionAmount | None = None
    due: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """What one formula says: rounded `value` in `unit`, for an assumed `sex` where the record has none, from the Observations `sources`."""

    id: str
    title: str
    value: Decimal
    unit: str
    note: str
    sex: str
    sources: tuple[str, ...]
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenBefore:
    """Grams of other courses within `days` before now, with the evidence of each dose.

    `counted`; `elsewhere` (another entry stands for it, or nothing was given); `not_counted` (perhaps given, and not countable).
    `with_course_g_kg` adds this course, before vial rounding. `rules` are the sentences by which it was counted.
    """

    days: Decimal
    grams: Decimal
    with_course_g_kg: Decimal | None
    counted: tuple[Evidence, ...]
    elsewhere: tuple[Evidence, ...]
    not_counted: tuple[Evidence, ...]
    rules: tuple[str, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was counted, then what may have been given beside it."""
        return (*self.counted, *self.not_counted)


@dataclass(frozen=True)
class Proposal:
    """A complete proposal for one patient: pure data, nothing written. outcome: proposed, stopped or data-required.

    `digest` covers everything that a signature would cover; the same chart, selections, content, site and moment give the same digest.
    """

    outcome: str
    digest: str
    run: str | None
    now: datetime
    patient: Person
    age: str
    order_set: OrderSet
    regimen: Regimen | None
    product: Product
    on_label: bool
    content_version: str
    review: str
    defaulted: tuple[str, ...]
    selections: Selections
    overrides: tuple[ChosenOverride, ...]
    weight: WeightCalculation
    dose: DoseCalculation | None
    rounding: Rounding | None
    series: Series | None
    concentration_mg_ml: Decimal
    vials: tuple[Vial, ...]
    waste_g: Decimal | None
    volume_ml: Decimal | None
    rate: RateSchedule
    findings: tuple[Finding, ...]
    not_assessed: tuple[NotAssessed, ...]
    clear: tuple[str, ...]
    companions: tuple[CompanionOrder, ...]
    vaccine_interval_months: int | None
    condition: str | None
    start: datetime
    chart_digest: str
    used: Mapping[str, str | None]
    figures: tuple[Figure, ...] = ()
    given_before: GivenBefore | None = None

    @property
    def hard_stops(self) -> tuple[Finding, ...]:
        """Findings that forbid an order; they are never overridden."""
        return tuple(f for f in self.findings if f.severity == "hard-stop")

    @property
    def open_overrides(self) -> tuple[Finding, ...]:
        """Findings that still need a coded reason and a note."""
        given = {o.check for o in self.overrides}
        return tuple(f for f in self.findings if f.severity == "override" and f.check not in given)
