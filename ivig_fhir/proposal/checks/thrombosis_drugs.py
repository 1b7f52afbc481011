"""Thrombosis drugs: which drugs that promote clotting does the patient take?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ivig_fhir.chart.facts import Drug
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import Match, taken

DRUGS = "thrombosis.thrombogenic-drugs"


def thrombogenic_classes(case: Case) -> Mapping[str, tuple[Match[Drug], ...]]:
    """Drugs that promote clotting, active or given within the last weeks, by class."""
    check = case.check(DRUGS)
    found = {name: taken(case, name, check.number("med_window_days")) for name in check.thresholds["classes"]}
    return {name: matches for name, matches in found.items() if matches}


def thrombogenic_drugs(case: Case) -> Result:
    """Every drug that promotes clotting, listed; together they count once among the risk factors for thrombosis."""
    classes, names = thrombogenic_classes(case), case.check(DRUGS).thresholds["classes"]
    if not classes:
        return case.clear(DRUGS)
    shown = tuple(m.evidence for matches in classes.values() for m in matches)
    return finding(case, DRUGS, [Hit("taken", shown, {"classes": ", ".join(names[c] for c in classes)})])


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((DRUGS, thrombogenic_drugs),)
