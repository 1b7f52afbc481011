"""What is looked at again on the day of an infusion, as content: each look with its words, and coded reasons to hold or stop an order."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.reading import Table, by_id, fault

LOOKS = ("weight", "creatinine", "thrombosis", "allergy", "temperature", "record")
MOVES = ("hold", "stop")


@dataclass(frozen=True, slots=True)
class LookWords:
    """One look: what it is called and asks of the nurse, the checks whose findings it goes by, the coded reason where it holds.

    `held`, `fine` and `open` are sentences with {named} values.
    """

    id: str
    title: str
    ask: str
    checks: tuple[str, ...]
    reason: str
    held: str
    fine: str
    open: str
    source: Basis


@dataclass(frozen=True, slots=True)
class CourseReason:
    """A coded reason, for which moves it is one, and the code of FHIR R4 that says the same ("" where none does)."""

    id: str
    label: str
    moves: tuple[str, ...]
    status_reason: str
    source: Basis


@dataclass(frozen=True, slots=True)
class CourseGuide:
    """All of it."""

    looks: Mapping[str, LookWords]
    reasons: Mapping[str, CourseReason]

    def for_move(self, move: str) -> Mapping[str, tuple[str, str]]:
        """The reasons of one move: the code with its display and the code of FHIR R4."""
        return {r.id: (r.label, r.status_reason) for r in self.reasons.values() if move in r.moves}


def read_course(data: Mapping[str, Any], file: str, citations: Collection[str], checks: Collection[str]) -> CourseGuide:
    """The guide; ContentError when a look is missing, unknown or in another order, or names a check or reason that there is not."""
    root = Table(data, file, citations)
    reasons = by_id([_reason(row) for row in root.tables("reason")], lambda r: r.id, file)
    looks = by_id([_look(row) for row in root.tables("look")], lambda x: x.id, file)
    if tuple(looks) != LOOKS:
        raise fault(file, "look", f"are not {', '.join(LOOKS)}, in this order")
    for look in looks.values():
        unknown = next((c for c in look.checks if c not in checks), None)
        if unknown:
            raise fault(file, f"look[{look.id}].checks", f"names the check {unknown!r}, which index.toml does not have")
        if look.reason not in reasons or "hold" not in reasons[look.reason].moves:
            raise fault(file, f"look[{look.id}].reason", f"is {look.reason!r}, which is no reason to hold")
    root.end()
    return CourseGuide(looks, reasons)


def _look(row: Table) -> LookWords:
    id_ = row.one_of("id", LOOKS)
    words = (row.text("held"), row.text("fine"), row.text("open"))
    return LookWords(id_, row.text("title"), row.text("ask"), row.words("checks"), row.id("reason"), *words, row.basis())


def _reason(row: Table) -> CourseReason:
    moves = row.words("moves", some=True)
    if not set(moves) <= set(MOVES):
        raise row.fault("moves", f"are not {', '.join(MOVES)}")
    return CourseReason(row.id(), row.text("label"), moves, row.optional("status_reason"), row.basis())
