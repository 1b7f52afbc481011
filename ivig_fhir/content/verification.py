"""What a pharmacist verifies, as content: the steps of work, when a second person calculates apart, and the notes that go with a step."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.reading import Table, by_id, fault

STEPS = (
    "patient", "indication", "weight", "dose", "product", "volume", "history", "laboratory", "interactions", "medicines", "monitoring",
    "preparation", "billing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VerificationStep:
    """One step: what it is called and asks; `panels` and `checks` are what it shows beside, `notes` what holds for it."""

    id: str
    title: str
    ask: str
    panels: tuple[str, ...]
    checks: tuple[str, ...]
    notes: tuple[str, ...]
    source: Basis


@dataclass(frozen=True, slots=True)
class SecondPerson:
    """When a second person calculates without seeing the first result, and the words for each reason."""

    children: bool
    course_g_kg_from: Decimal
    tiers: tuple[str, ...]
    ask: str
    because: Mapping[str, str]
    source: Basis


@dataclass(frozen=True, slots=True)
class VerificationGuide:
    """All of it."""

    steps: tuple[VerificationStep, ...]
    second_person: SecondPerson


def read_verification(data: Mapping[str, Any], file: str, citations: Collection[str]) -> VerificationGuide:
    """The guide; ContentError when a step is missing, unknown or in another order than the work has."""
    root = Table(data, file, citations)
    notes: dict[str, list[str]] = {}
    for row in root.tables("note"):
        row.id()
        row.basis()
        notes.setdefault(row.one_of("step", STEPS), []).append(row.text("says"))
    steps = by_id([_step(row, notes) for row in root.tables("step")], lambda s: s.id, file)
    if tuple(steps) != STEPS:
        raise fault(file, "step", f"are not {', '.join(STEPS)}, in this order")
    guide = VerificationGuide(tuple(steps.values()), _second_person(root.table("second_person")))
    root.end()
    return guide


def _step(row: Table, notes: Mapping[str, list[str]]) -> VerificationStep:
    id_ = row.one_of("id", STEPS)
    return VerificationStep(
        id_, row.text("title"), row.text("ask"), row.words("panels"), row.words("checks"), tuple(notes.get(id_, ())), row.basis()
    )


def _second_person(row: Table) -> SecondPerson:
    because = {name: row.text(f"because_{name}") for name in ("child", "dose", "tier", "first")}
    return SecondPerson(
        row.flag("children"), row.number("course_g_kg_from"), row.words("tiers", some=True), row.text("ask"), because, row.basis()
    )
