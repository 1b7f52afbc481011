"""Matching: facts of the chart against a value set, and the evidence that says whether a code or only words matched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Generic, TypeVar

from ivig_fhir.chart.facts import Allergy, Drug, Event, Measurement, Problem
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.proposal.case import Case, evidence
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.weight import contradicted

Item = TypeVar("Item", Problem, Allergy, Drug, Event)
BY_TEXT = "by text, confirm"
_SUSPECTED = "suspected"


@dataclass(frozen=True)
class Match(Generic[Item]):
    """A fact that belongs to a value set; `by_text` when only its words do, which a person has to confirm."""

    item: Item
    by_text: bool

    @property
    def evidence(self) -> Evidence:
        """What the chart said, with how it was recognised and what is doubtful about it."""
        soft = isinstance(self.item, Problem) and self.item.soft
        doubts = self.item.doubts if isinstance(self.item, Problem | Drug) else ()
        return remarked(evidence(self.item), *((_SUSPECTED,) if soft else ()), *((BY_TEXT,) if self.by_text else ()), *doubts)


def remarked(said: Evidence, *remarks: str) -> Evidence:
    """Evidence with remarks behind what the chart said."""
    return replace(said, said=", ".join((said.said, *remarks))) if remarks else said


def measured(item: Measurement) -> Evidence:
    """Evidence from a measurement, with its doubts; one that is not final is called preliminary."""
    return remarked(evidence(item), *((item.status,) if item.preliminary else ()), *item.doubts)


def problems(case: Case, *set_ids: str, active_only: bool = True) -> tuple[Match[Problem], ...]:
    """Conditions in any of the value sets, each once."""
    return tuple(Match(p, by_text) for p, by_text in case.recognised.problems.of(_known(case, set_ids)) if p.active or not active_only)


def allergies(case: Case, *set_ids: str) -> tuple[Match[Allergy], ...]:
    """Allergies in any of the value sets, active or not; entries that say "none known" or "not asked" are no allergies."""
    found = case.recognised.allergies.of(_known(case, set_ids))
    return tuple(Match(a, by_text) for a, by_text in found if not (a.negation or a.not_asked))


def drugs(case: Case, *set_ids: str) -> tuple[Match[Drug], ...]:
    """Entries about medicines in any of the value sets, in every state."""
    return tuple(Match(d, by_text) for d, by_text in case.recognised.drugs.of(_known(case, set_ids)))


def events(case: Case, types: Iterable[str], *set_ids: str) -> tuple[Match[Event], ...]:
    """Procedures, service requests, devices and the like in any of the value sets."""
    wanted = tuple(types)
    return tuple(Match(e, by_text) for e, by_text in case.recognised.events.of(_known(case, set_ids)) if e.type in wanted)


def _known(case: Case, set_ids: tuple[str, ...]) -> tuple[str, ...]:
    """The ids as they are; KeyError for one that the content does not have, which would look like an empty chart."""
    for id_ in set_ids:
        case.content.value_sets[id_]
    return set_ids


def happened(item: Problem) -> FhirTime | None:
    """When a condition began, else when it was recorded."""
    return item.onset or item.recorded


def recent_problems(case: Case, set_id: str, days: Decimal, active_only: bool = True) -> tuple[Match[Problem], ...]:
    """Conditions that began within `days`; those without any date count, because nothing shows that they are old."""
    return tuple(m for m in problems(case, set_id, active_only=active_only) if case.within(happened(m.item), days, undated=True))


def taken(case: Case, set_id: str, days: Decimal) -> tuple[Match[Drug], ...]:
    """Medicines of a set that are active, or were given or ended within `days`. Orders that wait and dispenses are no treatment."""
    return tuple(m for m in drugs(case, set_id) if m.item.kind != "dispense" and _current(case, m.item, days))


def _current(case: Case, item: Drug, days: Decimal) -> bool:
    if item.state == "active":
        return True
    if item.state == "given":
        return case.within(item.time, days, undated=True)
    return item.state == "recent" and case.within(item.ended or item.time, days)


def says(case: Case, item: Measurement, set_id: str) -> bool:
    """Whether a coded or worded result is in a value set ("positive", "detected")."""
    chosen = case.content.value_sets[set_id]
    return bool(chosen.by_code(item.codes) or chosen.by_text((item.text,)))


def newest(case: Case, panel: str, fit: Callable[[Measurement], bool] = bool) -> tuple[Measurement, ...]:
    """The newest number of a panel, and the newest final one where that is another: a preliminary result may add a finding, never end one.

    Only those that are `fit`. Where values of one instant contradict each other, none is taken.
    """
    numbers = [m for m in case.chart.panel(panel) if m.time is not None and m.value is not None and fit(m)]
    firsts = (next(iter(numbers), None), next((m for m in numbers if not m.preliminary), None))
    return tuple(dict.fromkeys(m for m in firsts if m is not None and not contradicted(case.chart, m, case.content)))


def below(value: Decimal, comparator: str, limit: Decimal) -> bool | None:
    """Whether a result is below a limit; None when "<" or ">" leaves it open."""
    if comparator in ("<", "<="):
        return True if value < limit or (comparator == "<" and value == limit) else None
    if comparator in (">", ">="):
        return False if value >= limit else None
    return value < limit


def is_below(item: Measurement, limit: Decimal) -> bool | None:
    """Whether a measurement is below a limit; None when its comparator leaves it open."""
    return None if item.value is None else below(item.value, item.comparator, limit)


def is_above(item: Measurement, limit: Decimal) -> bool | None:
    """Whether a measurement is above a limit, the limit itself not; None when its comparator leaves it open."""
    if item.value is None:
        return None
    if item.comparator in (">", ">="):
        return True if item.value > limit or (item.comparator == ">" and item.value == limit) else None
    if item.comparator in ("<", "<="):
        return False if item.value <= limit else None
    return item.value > limit
