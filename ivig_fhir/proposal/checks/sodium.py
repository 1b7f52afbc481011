"""Sodium: is it low, truly or only in appearance, or too high for the salt of the infusion?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Result
from ivig_fhir.proposal.matching import is_above, is_below, measured
from ivig_fhir.proposal.recent import recent

LOW, HIGH = "sodium.low", "sodium.high"
Beyond = Callable[[Measurement, Decimal], bool | None]


def low(case: Case) -> Result:
    """The newest sodium below either limit."""
    return _beyond(case, LOW, is_below)


def high(case: Case) -> Result:
    """The newest sodium above either limit."""
    return _beyond(case, HIGH, is_above)


def _beyond(case: Case, id_: str, beyond: Beyond) -> Result:
    check = case.check(id_)
    values = recent(case, "sodium", timedelta(days=int(check.number("days"))))
    for branch in ("warn", "info"):
        limit = check.number(branch)
        hits = [Hit(branch, (measured(m),), {"said": m.said, "limit": limit}) for m in values.shown if beyond(m, limit)]
        if hits:
            return finding(case, id_, hits)
    if values.ends(lambda m: beyond(m, check.number("info")) is False):
        return case.clear(id_)
    return case.unknown(id_, check.messages["no-sodium"].format(days=check.number("days")))


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (LOW, low),
    (HIGH, high),
)
