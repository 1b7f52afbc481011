"""The gate before vials leave the pharmacy, as content: its conditions, which of them a reason excuses, and the reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.reading import Table, by_id, fault

CONDITIONS = ("authorization", "product", "quantity", "interval")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a dispense; `excusable` where a coded reason may stand in its place."""

    id: str
    title: str
    excusable: bool
    source: Basis


@dataclass(frozen=True, slots=True)
class DispenseGate:
    """The conditions by id, in the order in which they are asked, and the reasons: code to label."""

    conditions: Mapping[str, Condition]
    reasons: Mapping[str, str]


def read_dispense(data: Mapping[str, Any], file: str, citations: Collection[str]) -> DispenseGate:
    """The gate; ContentError when a condition is missing, unknown or in another order."""
    root = Table(data, file, citations)
    rows = [Condition(r.one_of("id", CONDITIONS), r.text("title"), r.flag("excusable"), r.basis()) for r in root.tables("condition")]
    conditions = by_id(rows, lambda c: c.id, file)
    if tuple(conditions) != CONDITIONS:
        raise fault(file, "condition", f"are not {', '.join(CONDITIONS)}, in this order")
    reasons = by_id([(r.id("code"), r.text("label")) for r in root.tables("reason", naming="code")], lambda r: r[0], file)
    if not reasons:
        raise fault(file, "reason", "is missing")
    root.end()
    return DispenseGate(conditions, dict(reasons.values()))
