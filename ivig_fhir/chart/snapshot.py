"""ChartSnapshot: all facts of one patient at one moment, and its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from ivig_fhir.chart.answers import Answer, Oddity, Reason, Resource
from ivig_fhir.chart.facts import Allergy, Drug, Event, Measurement, Paper, Person, Problem, Unusable


@dataclass(frozen=True)
class ChartSnapshot:
    """What the record says, read completely or not, as of `now` in the site's `zone`.

    `answers` keeps per type whether its absence may be believed. `oddities` and `unusable` are shown, never dropped in silence.
    `candidates` are results found by their words alone where a panel has codes: for a person to confirm, never used for a dose or a check.
    `digest` changes when any resource that was read changes ("sha256:...").
    """

    patient: Person
    now: datetime
    zone: tzinfo
    answers: Mapping[str, Answer]
    measurements: tuple[Measurement, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    problems: tuple[Problem, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    drugs: tuple[Drug, ...] = ()
    events: tuple[Event, ...] = ()
    papers: tuple[Paper, ...] = ()
    oddities: tuple[Oddity, ...] = ()
    digest: str = ""
    candidates: tuple[Measurement, ...] = ()
    _panels: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        panels: dict[str, list[Measurement]] = {}
        for item in sorted(self.measurements, key=_newest_first):
            panels.setdefault(item.panel, []).append(item)
        object.__setattr__(self, "_panels", {k: tuple(v) for k, v in panels.items()})

    def panel(self, name: str) -> tuple[Measurement, ...]:
        """The usable measurements of a panel, newest first; those without a time last."""
        return self._panels.get(name, ())

    def latest(self, name: str, preliminary: bool = False) -> Measurement | None:
        """The newest dated measurement of a panel; preliminary ones only when asked for."""
        return next((m for m in self.panel(name) if m.time is not None and (preliminary or not m.preliminary)), None)

    def unread(self, types: Iterable[str]) -> Answer | None:
        """The first of these types that was not read completely; None when absence in all of them may be believed."""
        return next((self.answer(t) for t in types if not self.answer(t).complete), None)

    def answer(self, type_: str) -> Answer:
        """How the reading of one type ended."""
        return self.answers.get(type_) or Answer(type_, problem=Reason.NOT_READABLE, said=f"{type_} was not asked for.")

    def resources(self, type_: str) -> tuple[Resource, ...]:
        """The resources of one type as they were read."""
        return self.answer(type_).resources


def _newest_first(item: Measurement) -> tuple[bool, float, str]:
    return (item.time is None, -item.time.latest.timestamp() if item.time else 0.0, item.source.reference)
