"""Findings of the second calculation, held against those that the order was approved with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.lines import Recalculated

INFO, WARNING, OVERRIDE, STOP = "info", "warning", "override", "hard-stop"


@dataclass(frozen=True, slots=True)
class Found:
    """Something that speaks against the order: how severe it is, and where it stands."""

    severity: str
    said: str


def against(f: Facts, check: str, hits: Sequence[Found]) -> Recalculated:
    """One check: what was found here needs a finding of the order that is as severe, and an override needs its reason.

    A stop has no answer. A finding of the order that is not found here stands: the first calculation sees more of the record. What could
    not be read is not taken for nothing: without a hit the line then says so and judges nothing.
    """
    rank = f.tables.severities.index
    missing = "" if hits else f.not_read(check)
    worst = max((h.severity for h in hits), key=rank, default="")
    stored = f.approved.severity(check) if f.approved else ""
    reason = f.approved is not None and f.approved.has_reason(check)
    answered = bool(stored) and bool(worst) and rank(stored) >= rank(worst) and (worst != OVERRIDE or reason)
    agrees = None if missing else not worst or (worst != STOP and answered)
    ordered = f"{stored}{', with a reason' if reason else ''}" if stored else "no finding" if f.approved else "not kept"
    working = "; ".join(h.said for h in hits) or missing or "nothing found in the record"
    return Recalculated(f.tables.titles[check], ordered, worst or missing or "nothing found", agrees, "as approved", working)
