"""What the infusion sheet says beside the numbers: boxes to tick, times of vital signs, limits, and the steps of a reaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.reading import Table, by_id

REACTIONS = ("mild", "moderate", "severe")


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A box to tick before the start."""

    id: str
    says: str
    source: Basis


@dataclass(frozen=True, slots=True)
class VitalTimes:
    """When vital signs are due, in minutes. `first` is the check whose finding makes this a first infusion, which is watched longer.

    `after_rise` counts from the start and from each rise; `then` one after the other from the last of these; `hourly` to the end.
    """

    before: int
    after_rise: int
    then: tuple[int, ...]
    hourly: int
    after_end: int
    after_end_first: int
    first: str
    says: Mapping[str, str]
    source: Basis


@dataclass(frozen=True, slots=True)
class SheetMedicine:
    """A medicine of a reaction: said only where its companion is part of the order, `{dose}` being that companion's."""

    companion: str
    says: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """One grade of a reaction: its signs, what to do, which medicines."""

    id: str
    title: str
    signs: str
    do: str
    medicines: tuple[SheetMedicine, ...]
    source: Basis


@dataclass(frozen=True, slots=True)
class SheetGuide:
    """All of it; `raising` is the rule for the next step, `stop_adult` and `stop_child` when to stop and call, `diluents` what is said of a

    diluent by its code ("" where none was chosen).
    """

    before: tuple[SheetLine, ...]
    vitals: VitalTimes
    raising: str
    stop_adult: str
    stop_child: str
    reactions: tuple[Reaction, ...]
    diluents: Mapping[str, str]
    source: Basis


def read_infusion_sheet(data: Mapping[str, Any], file: str, citations: Collection[str]) -> SheetGuide:
    """The guide; ContentError for the first key that is missing, unknown or wrong."""
    root = Table(data, file, citations)
    rules = root.table("rules")
    before = by_id([SheetLine(r.id(), r.text("says"), r.basis()) for r in root.tables("before")], lambda x: x.id, file)
    reactions = by_id([_reaction(r) for r in root.tables("reaction")], lambda x: x.id, file)
    guide = SheetGuide(
        tuple(before.values()),
        _vitals(root.table("vitals")),
        rules.text("raise"),
        rules.text("stop_adult"),
        rules.text("stop_child"),
        tuple(reactions.values()),
        {"": rules.text("undiluted"), "d5w": rules.text("d5w"), "saline": rules.text("saline")},
        rules.basis(),
    )
    root.end()
    return guide


def _vitals(row: Table) -> VitalTimes:
    says = {name: row.text(f"says_{name}") for name in ("before", "start", "rise", "on", "end", "after")}
    return VitalTimes(
        row.whole("before", 1),
        row.whole("after_rise", 1),
        tuple(int(n) for n in row.numbers("then")),
        row.whole("hourly", 1),
        row.whole("after_end", 1),
        row.whole("after_end_first", 1),
        row.text("first"),
        says,
        row.basis(),
    )


def _reaction(row: Table) -> Reaction:
    medicines = tuple(SheetMedicine(m.id("companion"), m.text("says")) for m in row.tables("medicines", naming="companion"))
    return Reaction(row.one_of("id", REACTIONS), row.text("title"), row.text("signs"), row.text("do"), medicines, row.basis())
