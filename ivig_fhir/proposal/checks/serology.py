"""Serology: were the blood tests drawn that immunoglobulin makes unreadable, and does a positive one come from it?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.proposal.absence import nothing_usable
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence, Result
from ivig_fhir.proposal.history import infusions
from ivig_fhir.proposal.matching import measured, says, taken

BASELINE, PASSIVE = "serology.baseline", "serology.passive-anti-hbc"
_BEFORE_FIRST_DOSE = ("hbsag", "anti-hbc-total")
_CORE = "anti-hbc-total"


def baseline(case: Case) -> Result:
    """No immunoglobulin so far, and hepatitis B serology missing or old; more urgent before drugs that wake hepatitis B."""
    check = case.check(BASELINE)
    days = check.number("days")
    missing = [p for p in _BEFORE_FIRST_DOSE if not any(_answers(case, m, days) for m in case.chart.panel(p))]
    if infusions(case) or not missing or case.chart.unread(check.depends_on):
        return case.clear(BASELINE)
    shown = tuple(e for p in missing for e in _left(case, p))
    values = {"what": " and ".join(case.content.panels[p].title for p in missing), "days": days}
    drugs = taken(case, check.thresholds["drugs"], check.number("med_window_days"))
    if not drugs:
        return finding(case, BASELINE, [Hit("first-dose", shown, values)])
    values["drugs"] = ", ".join(m.item.said for m in drugs)
    return finding(case, BASELINE, [Hit("before-immunosuppression", (*shown, *(m.evidence for m in drugs)), values)])


def _answers(case: Case, item: Measurement, days: Decimal) -> bool:
    """A final result of the last days that is positive, negative or a number; "not tested" is no result."""
    ago = case.known_age(item.time)
    decided = says(case, item, "result-positive") or says(case, item, "result-negative") or any(c.isdigit() for c in item.text)
    return ago is not None and ago <= days and decided and not item.preliminary


def _left(case: Case, panel: str) -> tuple[Evidence, ...]:
    return tuple(measured(m) for m in case.chart.panel(panel)) or nothing_usable(case, panel)


def passive_anti_hbc(case: Case) -> Result:
    """A positive total antibody to hepatitis B core whose sample was drawn within weeks after immunoglobulin, or may have been."""
    weeks = case.check(PASSIVE).number("weeks")
    hits = []
    for result in case.chart.panel(_CORE):
        before = [i for i in infusions(case) if _shortly_before(i.time, result.time, weeks)]
        if before and says(case, result, "result-positive"):
            shown = (measured(result), *(i.evidence for i in before))
            hits.append(Hit("passive", shown, {"weeks": weeks, "said": result.said}))
    return finding(case, PASSIVE, hits) if hits else case.clear(PASSIVE)


def _shortly_before(given: FhirTime | None, drawn: FhirTime | None, weeks: Decimal) -> bool:
    """Whether the infusion may lie in the weeks before the sample; without a date it may."""
    if given is None or drawn is None:
        return True
    return given.earliest <= drawn.latest and drawn.earliest - given.latest <= timedelta(weeks=int(weeks))


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (BASELINE, baseline),
    (PASSIVE, passive_anti_hbc),
)
