"""Pressure: is the blood pressure too high to begin?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import is_below, measured
from ivig_fhir.proposal.recent import Recent, recent

PRESSURE = "volume.hypertension"
_SIDES = ("sbp", "dbp")


def hypertension(case: Case) -> Result:
    """The newest systolic and diastolic pressure of the last hours, each against two limits: one can fire, both are needed to be clear."""
    check = case.check(PRESSURE)
    window = timedelta(hours=int(check.number("hours")))
    values = {side: recent(case, side, window) for side in _SIDES}
    hits = [hit for side in _SIDES for hit in _high(case, side, values[side])]
    if hits:
        return finding(case, PRESSURE, hits)
    if all(_is_harmless(case, side, values[side]) for side in _SIDES):
        return case.clear(PRESSURE)
    return case.unknown(PRESSURE, check.messages["no-pressure"].format(hours=check.number("hours")))


def _is_harmless(case: Case, side: str, values: Recent) -> bool:
    limit = case.check(PRESSURE).number(f"{side}_warn")
    return values.ends(lambda m: is_below(m, limit))


def _high(case: Case, side: str, values: Recent) -> Iterable[Hit]:
    check = case.check(PRESSURE)
    for item in values.shown:
        for branch in ("override", "warn"):
            limit = check.number(f"{side}_{branch}")
            if is_below(item, limit) is False:
                yield Hit("very-high" if branch == "override" else "high", (measured(item),), {"said": item.said, "limit": limit})
                break


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((PRESSURE, hypertension),)
