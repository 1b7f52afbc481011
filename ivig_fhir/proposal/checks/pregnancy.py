"""Pregnancy: is the patient pregnant, or breast-feeding?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.matching import BY_TEXT, happened, measured, problems, recent_problems, remarked, says

CURRENT, LACTATION = "pregnancy.current", "pregnancy.lactation"
_STATUS, _TEST = "pregnancy-status", "hcg"


@dataclass(frozen=True, slots=True)
class _Sign:
    """Something that speaks for a pregnancy, and when it was so."""

    branch: str
    time: FhirTime | None
    said: str
    evidence: Evidence


def current(case: Case) -> Result:
    """Pregnancy by a diagnosis of the last months, a recent status or a recent positive test, unless "not pregnant" is newer.

    A woman of childbearing age of whom nothing recent is recorded is not taken for "not pregnant".
    """
    check, signs = case.check(CURRENT), _signs(case)
    ended = [happened(m.item) for m in problems(case, "not-pregnant")]
    standing = [s for s in signs if all(_newer(s.time, t) for t in ended)]
    if standing:
        values = {"days": check.number("test_days")}
        return finding(case, CURRENT, [Hit(s.branch, (s.evidence,), {**values, "said": s.said}) for s in standing])
    unsure = [s.said for s in signs if not any(_newer(t, s.time) for t in ended)]
    if unsure:
        return case.unknown(CURRENT, check.messages["contradiction"].format(said="; ".join(unsure)))
    if not _may_be(case) or ended or any(_denies(case, m) for m in _recent(case)):
        return case.clear(CURRENT)
    unclear = "; ".join(m.said for m in _recent(case))
    branch = "unclear" if unclear else "no-data"
    return case.unknown(CURRENT, check.messages[branch].format(said=unclear, days=check.number("test_days")))


def _newer(one: FhirTime | None, other: FhirTime | None) -> bool:
    return one is not None and other is not None and one.latest > other.latest


def _signs(case: Case) -> list[_Sign]:
    days = case.check(CURRENT).number("days")
    found = [_Sign("condition", happened(m.item), m.item.said, m.evidence) for m in recent_problems(case, "pregnancy", days)]
    for item in _recent(case, preliminary=True):
        by_code = case.content.value_sets["pregnancy"].by_code(item.codes) is not None
        if item.panel == _STATUS and (by_code or _is_word(case, item, "said_pregnant")):
            found.append(_Sign("status", item.time, item.said, remarked(measured(item), *(() if by_code else (BY_TEXT,)))))
        elif item.panel == _TEST and says(case, item, "result-positive"):
            found.append(_Sign("test", item.time, item.said, measured(item)))
    return found


def _recent(case: Case, preliminary: bool = False) -> Iterable[Measurement]:
    days = case.check(CURRENT).number("test_days")
    items = (*case.chart.panel(_STATUS), *case.chart.panel(_TEST))
    return [m for m in items if case.within(m.time, days) and (preliminary or not m.preliminary)]


def _is_word(case: Case, item: Measurement, threshold: str) -> bool:
    """Whether the whole answer is one of the words of a threshold."""
    return any(part.strip().lower() in case.check(CURRENT).thresholds[threshold] for part in item.text.split(";"))


def _denies(case: Case, item: Measurement) -> bool:
    if item.panel == _TEST:
        return says(case, item, "result-negative")
    return case.content.value_sets["not-pregnant"].by_code(item.codes) is not None or _is_word(case, item, "said_not_pregnant")


def _may_be(case: Case) -> bool:
    """Not recorded as male, and of an age at which it is possible, or of unknown age."""
    check, age = case.check(CURRENT), case.age_years
    possible = age is None or check.number("from_years") <= age <= check.number("to_years")
    return case.chart.patient.sex != "male" and possible


def lactation(case: Case) -> Result:
    """An active record of breast-feeding."""
    hits = [Hit("breast-feeding", (m.evidence,), {"said": m.item.said}) for m in problems(case, "lactation")]
    return finding(case, LACTATION, hits) if hits else case.clear(LACTATION)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (CURRENT, current),
    (LACTATION, lactation),
)
