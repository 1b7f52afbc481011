"""Age: is the patient of an age at which dose, rate or premedication need more care?"""

from __future__ import annotations

from collections.abc import Callable

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.renal_risk import age_evidence
from ivig_fhir.proposal.findings import Result

OLDER, CHILD = "age.over-65", "age.pediatric"


def over_65(case: Case) -> Result:
    """65 completed years or more, on the day of the proposal."""
    check, age = case.check(OLDER), case.age_years
    if age is None:
        return case.unknown(OLDER, check.messages["age-unknown"])
    limit = check.number("age_years")
    if age < limit:
        return case.clear(OLDER)
    return finding(case, OLDER, [Hit("older", (age_evidence(case),), {"age": age, "limit": limit})])


def pediatric(case: Case) -> Result:
    """Fewer than 18 completed years, on the day of the proposal."""
    check, age = case.check(CHILD), case.age_years
    if age is None:
        return case.unknown(CHILD, check.messages["age-unknown"])
    if age >= check.number("age_years"):
        return case.clear(CHILD)
    return finding(case, CHILD, [Hit("child", (age_evidence(case),), {"age": case.age_text})])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (OLDER, over_65),
    (CHILD, pediatric),
)
