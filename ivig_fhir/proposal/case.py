"""Case: one chart, one planned order and the content, as every check sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.facts import Measurement, Problem, Source
from ivig_fhir.chart.observations import FUTURE_TOLERANCE
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Check, Content, OrderSet, Product, Regimen
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.dates import FhirTime, completed_months, completed_years
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.findings import Clear, Evidence, Finding, NotAssessed, Result
from ivig_fhir.proposal.model import Series
from ivig_fhir.proposal.recognition import Recognition
from ivig_fhir.proposal.selections import Selections

_SHOWN = "0.01"


@dataclass(frozen=True)
class PlannedOrder:
    """The order that is being checked, as far as it could be computed (None where a number is missing).

    Grams: `course_exact_g` before and `course_g` after vial rounding; `per_infusion_g` rounded. `dosing_kg` is what the dose was computed
    on, `actual_kg` the newest usable actual weight. `dates` one per infusion of the course, `series` where it is repeated. Volumes in mL.
    """

    indication: OrderSet
    regimen: Regimen | None
    product: Product
    days: int
    dates: tuple[date, ...]
    start: datetime
    course_exact_g: Decimal | None
    course_g: Decimal | None
    per_infusion_exact_g: Decimal | None
    per_infusion_g: Decimal | None
    dosing_kg: Decimal | None
    actual_kg: Decimal | None
    height_cm: Decimal | None
    volume_ml: Decimal | None
    weight_stated: bool
    weight_basis: str
    weight_used: Measurement | None
    interval_weeks: Decimal | None
    series: Series | None
    rate_minutes: int | None
    rate_basis: str
    rate_max_ml_kg_h: Decimal | None
    label_max_ml_kg_h: Decimal | None
    rate_ml_kg_h: Decimal | None

    @property
    def course_g_kg(self) -> Decimal | None:
        """Grams per kilogram of the course before vial rounding; the number that thresholds in g/kg are compared with."""
        return self.course_exact_g / self.dosing_kg if self.course_exact_g is not None and self.dosing_kg else None

    @property
    def per_infusion_g_kg(self) -> Decimal | None:
        """Grams per kilogram of one infusion before vial rounding."""
        return self.per_infusion_exact_g / self.dosing_kg if self.per_infusion_exact_g is not None and self.dosing_kg else None


@dataclass(frozen=True)
class Case:
    """Everything a check may look at. `earlier` holds the results of the checks that ran before it, by id."""

    chart: ChartSnapshot
    content: Content
    selections: Selections
    site: Site
    order: PlannedOrder
    earlier: Mapping[str, Result] = field(default_factory=dict)
    recognised: Recognition = field(default=None, compare=False, repr=False)  # type: ignore[assignment]  # made below

    def __post_init__(self) -> None:
        if self.recognised is None or self.recognised.chart is not self.chart:
            object.__setattr__(self, "recognised", Recognition(self.chart, self.content.lexicon))

    @property
    def now(self) -> datetime:
        """The moment of the proposal, aware."""
        return self.chart.now

    @property
    def age_years(self) -> int | None:
        """Completed years today, or None without a birth date."""
        born = self.chart.patient.birth_date
        return None if born is None else completed_years(born, self.now.date())

    @property
    def age_months(self) -> int | None:
        """Completed months today, or None without a birth date."""
        born = self.chart.patient.birth_date
        return None if born is None else completed_months(born, self.now.date())

    @property
    def age_text(self) -> str:
        """Completed years, months below two years; "" without a birth date."""
        years, months = self.age_years, self.age_months
        return "" if years is None else f"{years} years" if years >= 2 else f"{months} months"

    @property
    def adult(self) -> bool:
        """18 completed years or more; an unknown age is not adult."""
        return self.age_years is not None and self.age_years >= self.content.constants["adult_years"]

    def check(self, id_: str) -> Check:
        """The content entry of a check."""
        return self.content.checks[id_]

    def fire(self, id_: str, branch: str, evidence: Iterable[Evidence], severity: str = "", **values: object) -> Finding:
        """The finding of a branch, with the words of the content filled in; `severity` only where a rule lowers it (soft diagnoses)."""
        entry = self.check(id_)
        return Finding(
            id_,
            entry.ref,
            severity or entry.severity[branch],
            branch,
            entry.messages[branch].format(**{k: _said(v) for k, v in values.items()}),
            tuple(dict.fromkeys(evidence)),
            entry.mitigation,
            entry.source.citations,
            (branch,),
            threshold=entry.threshold,
        )

    def clear(self, id_: str) -> Clear | NotAssessed:
        """Clear, unless a type that the check depends on was not read completely: then not assessed."""
        unread = self.chart.unread(self.check(id_).depends_on)
        if unread is None:
            return Clear(id_)
        return NotAssessed(id_, unread.problem or Reason.NOT_READABLE, unread.said or f"{unread.type} could not be read.")

    def unknown(self, id_: str, message: str, reason: Reason = Reason.NOT_FOUND) -> NotAssessed:
        """Not assessed, because something that the check needs is missing; an unread type is the better reason where there is one."""
        unread = self.chart.unread(self.check(id_).depends_on)
        if unread is not None:
            return NotAssessed(id_, unread.problem or Reason.NOT_READABLE, unread.said or f"{unread.type} could not be read.")
        return NotAssessed(id_, reason, message)

    def fired(self, id_: str, above: str = "") -> Finding | None:
        """The earlier finding of a check, or None; with `above="info"` only if it is more severe than information."""
        result = self.earlier.get(id_)
        if not isinstance(result, Finding) or (above and result.severity == above):
            return None
        return result

    def problems(self, set_id: str, active_only: bool = True) -> tuple[Problem, ...]:
        """Conditions whose code or words are in a value set; excluded words win."""
        found = self.recognised.problems.of((self.content.value_sets[set_id].id,))
        return tuple(item for item, _ in found if item.active or not active_only)

    def days_ago(self, time: FhirTime | None) -> Decimal | None:
        """Days from the earliest instant that `time` can mean until now (for staleness: the oldest it may be)."""
        return None if time is None else _days(self.now, time.earliest)

    def known_age(self, time: FhirTime | None) -> Decimal | None:
        """Days from the earliest instant, of what has to be recent; None for a year or a month alone, which never is."""
        return None if time is None or time.is_partial else self.days_ago(time)

    def days_ago_latest(self, time: FhirTime | None) -> Decimal | None:
        """Days from the latest instant that `time` can mean (for "recent" windows: the most recent it may be)."""
        return None if time is None else _days(self.now, min(time.latest, max(self.now, time.earliest)))

    def days_before_start(self, time: FhirTime) -> Decimal:
        """Days from the earliest instant that `time` can mean until the first infusion planned starts."""
        return _days(self.order.start, time.earliest)

    def within(self, time: FhirTime | None, days: Decimal | int, undated: bool = False) -> bool:
        """Whether an event may lie in the last `days` days, far end included; `undated` is the answer without a date."""
        if time is None:
            return undated
        ago = self.days_ago_latest(time)
        return ago is not None and ago <= days

    def less_than(self, time: FhirTime | None, days: Decimal) -> bool:
        """Whether an event that is not in the future may be fewer than `days` days ago, far end left out; never without a date."""
        ago = self.days_ago_latest(time)
        return ago is not None and not self.in_future(time) and ago < days

    def in_future(self, time: FhirTime | None) -> bool:
        """Dated more than an hour after now; nothing that is said to have happened then is believed. See: CONTRACTS, precise point 9."""
        return time is not None and time.earliest > self.now + FUTURE_TOLERANCE


def _days(now: datetime, then: datetime) -> Decimal:
    return Decimal((now - then) // timedelta(seconds=1)) / Decimal(timedelta(days=1) // timedelta(seconds=1))


def _said(value: object) -> object:
    """A number as a message shows it: at most two decimals, which a converted unit may exceed, and no zeros behind them."""
    if not isinstance(value, Decimal):
        return value
    return plain(half_up(value, _SHOWN))


class Sourced(Protocol):
    """Any fact of the chart: where it stands and what it said."""

    @property
    def source(self) -> Source: ...

    @property
    def said(self) -> str: ...


def evidence(item: Sourced) -> Evidence:
    """Evidence from any fact of the chart."""
    return Evidence(item.source.reference, item.said, item.source.time, item.source.version)
