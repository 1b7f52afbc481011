"""Alteration: what of a stored order is not, or no longer, what it was: against what was approved, and against what was on screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ivig_fhir.order.comparison import compare
from ivig_fhir.order.receipt import SAME, SAME_MEANING, Line, Receipt
from ivig_fhir.order.recompute import Recalculated
from ivig_fhir.order.transaction import Transaction, sent_in
from ivig_fhir.proposal.context import MAIN

Resource = Mapping[str, Any]
UNCHANGED = (SAME, SAME_MEANING)


def since_approval(sent: Transaction, receipt: Receipt | None, now: Resource) -> tuple[Line, ...]:
    """Every field of a stored order that means something else than what was approved, essential ones first."""
    return tuple(line for line in against(sent, receipt, now) if line.result not in UNCHANGED)


def against(sent: Transaction, receipt: Receipt | None, stored: Resource, status: str = "draft") -> tuple[Line, ...]:
    """The approved order against a stored one, each reference within the run as the EHR stored it; `status` is what it has by now."""
    main = (sent_in(sent, receipt.mode) if receipt else sent).entry(MAIN)
    if main is None:
        return ()
    where = {p.role: p.reference for p in receipt.parts if p.reference} if receipt else {}
    known = {e.full_url: where[e.role] for e in sent.entries if e.role in where}
    return compare({**main.resource, "status": status}, stored, known)


def since(before: Resource, now: Resource) -> tuple[Line, ...]:
    """Every field of a stored order that means something else than it did, essential ones first; `sent` is before, `stored` now."""
    return tuple(line for line in compare(before, now) if line.result not in UNCHANGED)


def recalculated_since(before: Sequence[Recalculated], now: Iterable[Recalculated]) -> tuple[tuple[str, str, str], ...]:
    """The lines of the second calculation that come out otherwise: what, before, now."""
    was = {line.what: line for line in before}
    return tuple(
        (line.what, _said(was[line.what]) if line.what in was else "", _said(line))
        for line in now
        if line.what not in was or _said(was[line.what]) != _said(line)
    )


def _said(line: Recalculated) -> str:
    return f"ordered {line.ordered}, recalculated {line.recomputed}"
