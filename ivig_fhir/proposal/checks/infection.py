"""Infection: does the patient have fever or sepsis, which should be treated first?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from ivig_fhir.chart.facts import Problem
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import Match, is_below, measured, recent_problems
from ivig_fhir.proposal.recent import recent

FEVER, SEPSIS = "infection.fever", "infection.sepsis"


def fever(case: Case) -> Result:
    """The newest temperature of the last hours; in diseases that come with fever it is only information."""
    check = case.check(FEVER)
    values = recent(case, "temperature", timedelta(hours=int(check.number("hours"))))
    hot = [m for m in values.shown if is_below(m, check.number("temp_c")) is False]
    branch = "expected" if case.order.indication.id in check.thresholds["exempt_indications"] else "fever"
    if hot:
        return finding(case, FEVER, [Hit(branch, (measured(m),), {"said": m.said, "limit": check.number("temp_c")}) for m in hot])
    if values.ends(lambda m: is_below(m, check.number("temp_c"))):
        return case.clear(FEVER)
    return case.unknown(FEVER, check.messages["no-temperature"].format(hours=check.number("hours")))


def sepsis_diagnoses(case: Case) -> tuple[Match[Problem], ...]:
    """Active sepsis of the last weeks, or without a date."""
    return recent_problems(case, "sepsis", case.check(SEPSIS).number("days"))


def sepsis(case: Case) -> Result:
    """Active sepsis; where it belongs to the indication it is only information."""
    check = case.check(SEPSIS)
    branch = "expected" if case.order.indication.id in check.thresholds["exempt_indications"] else "sepsis"
    hits = [Hit(branch, (m.evidence,), {"said": m.item.said, "days": check.number("days")}) for m in sepsis_diagnoses(case)]
    return finding(case, SEPSIS, hits) if hits else case.clear(SEPSIS)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (FEVER, fever),
    (SEPSIS, sepsis),
)
