"""Depletion: is the patient short of volume, which has to be corrected first?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

from ivig_fhir.chart.facts import Measurement, Problem
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import Match, is_above, measured, recent_problems
from ivig_fhir.proposal.recent import Recent, recent

DEPLETION = "volume.depletion"
_LOWER_BOUND, _UPPER_BOUND = (">", ">="), ("<", "<=")


def depletion_diagnoses(case: Case) -> tuple[Match[Problem], ...]:
    """Active volume depletion of the last days, or without a date."""
    return recent_problems(case, "volume-depletion", case.check(DEPLETION).number("dx_days"))


def depletion(case: Case) -> Result:
    """Volume depletion by diagnosis, or by a high urea nitrogen with a wide ratio to creatinine."""
    check = case.check(DEPLETION)
    window = timedelta(days=int(check.number("lab_days")))
    nitrogen, creatinine = recent(case, "bun", window), recent(case, "creatinine", window)
    hits = [Hit("diagnosis", (m.evidence,), {"said": m.item.said, "days": check.number("dx_days")}) for m in depletion_diagnoses(case)]
    hits += _laboratory(case, nitrogen, creatinine)
    if hits:
        return finding(case, DEPLETION, hits)
    if nitrogen.ends(lambda m: is_above(m, check.number("bun")) is False) or _narrow(case, nitrogen, creatinine):
        return case.clear(DEPLETION)
    return case.unknown(DEPLETION, check.messages["no-laboratory"].format(days=check.number("lab_days")))


def _laboratory(case: Case, nitrogen: Recent, creatinine: Recent) -> Iterable[Hit]:
    check = case.check(DEPLETION)
    for high in nitrogen.shown:
        for base in creatinine.shown:
            if is_above(high, check.number("bun")) and _is_wide(case, high, base):
                yield Hit("laboratory", (measured(high), measured(base)), {"bun": check.number("bun"), "ratio": check.number("ratio")})


def _is_wide(case: Case, nitrogen: Measurement, creatinine: Measurement) -> bool:
    """The ratio is above the limit, at least; both in mg/dL."""
    if not nitrogen.value or not creatinine.value or nitrogen.comparator in _UPPER_BOUND or creatinine.comparator in _LOWER_BOUND:
        return False
    return nitrogen.value / creatinine.value > case.check(DEPLETION).number("ratio")


def _narrow(case: Case, nitrogen: Recent, creatinine: Recent) -> bool:
    """The ratio is known, and not above the limit."""
    known = nitrogen.ends(lambda m: not m.comparator) and creatinine.ends(lambda m: not m.comparator)
    return known and not any(_is_wide(case, n, c) for n in nitrogen.settled for c in creatinine.settled)


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = ((DEPLETION, depletion),)
