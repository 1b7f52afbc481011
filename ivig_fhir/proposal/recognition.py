"""Recognition: the facts of one chart by value set; every concept is looked up once, whichever check asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Generic, TypeVar

from ivig_fhir.chart.facts import Allergy, Drug, Event, Problem
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.fhir.codes import Code
from ivig_fhir.fhir.lexicon import Lexicon, Meaning

Item = TypeVar("Item", Problem, Allergy, Drug, Event)


class Shelf(Generic[Item]):
    """Facts of one kind by the value sets they belong to, in the order of the chart."""

    def __init__(self, items: Sequence[Item], lexicon: Lexicon, known: dict[tuple[tuple[Code, ...], tuple[str, ...]], Meaning]) -> None:
        self._items: Sequence[Item] = items
        self._places: dict[str, list[tuple[int, bool]]] = {}
        for place, item in enumerate(items):
            concept = (item.codes, item.texts)
            meaning = known.get(concept)
            if meaning is None:
                meaning = known[concept] = lexicon.meaning(*concept)
            for id_ in meaning.by_code:
                self._places.setdefault(id_, []).append((place, False))
            for id_ in meaning.by_text - meaning.by_code:
                self._places.setdefault(id_, []).append((place, True))

    def of(self, set_ids: Iterable[str]) -> tuple[tuple[Item, bool], ...]:
        """The facts in any of the sets, each once, and whether only its words say so."""
        found: dict[int, bool] = {}
        for id_ in set_ids:
            for place, by_text in self._places.get(id_, ()):
                found[place] = by_text and found.get(place, True)
        return tuple((self._items[place], found[place]) for place in sorted(found))


class Recognition:
    """One chart against one lexicon; what nobody asks for is not looked up."""

    def __init__(self, chart: ChartSnapshot, lexicon: Lexicon) -> None:
        self.chart = chart
        self._lexicon = lexicon
        self._known: dict[tuple[tuple[Code, ...], tuple[str, ...]], Meaning] = {}

    @cached_property
    def problems(self) -> Shelf[Problem]:
        """Conditions."""
        return Shelf(self.chart.problems, self._lexicon, self._known)

    @cached_property
    def allergies(self) -> Shelf[Allergy]:
        """Allergies."""
        return Shelf(self.chart.allergies, self._lexicon, self._known)

    @cached_property
    def drugs(self) -> Shelf[Drug]:
        """Entries about medicines."""
        return Shelf(self.chart.drugs, self._lexicon, self._known)

    @cached_property
    def events(self) -> Shelf[Event]:
        """Procedures, service requests, devices and the like."""
        return Shelf(self.chart.events, self._lexicon, self._known)
