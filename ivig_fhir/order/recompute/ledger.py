"""Ledger: grams of immunoglobulin that the raw record shows as given in other courses, each dose once, by the rules that content prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.order.recompute.entries import ADMINISTRATION, DISPENSE, GIVEN, PENDING, REQUEST, STATEMENT, Entry
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.measured import AHEAD


@dataclass
class _Book:
    """The entries by kind, and the doses counted so far: entry, time, grams. `free` may each be a dose of an order of their day."""

    f: Facts
    at: datetime
    days: Fraction
    all: Sequence[Entry]
    counted: list[tuple[Entry, FhirTime, Fraction]] = field(default_factory=list)
    free: list[tuple[Entry, FhirTime]] = field(default_factory=list)

    def of(self, kind: str) -> list[Entry]:
        return [e for e in self.all if e.kind == kind and e.run not in self.f.own_runs]

    @property
    def given(self) -> list[Entry]:
        return [*self.of(ADMINISTRATION), *(d for d in self.of(DISPENSE) if d.state == GIVEN)]

    def count(self, entry: Entry, time: FhirTime | None, grams: Fraction | None, free: bool = False) -> None:
        """One dose, if it has grams and a date that is not to come."""
        if time is None or grams is None or time.earliest > self.at + AHEAD:
            return
        self.counted.append((entry, time, grams))
        if free:
            self.free.append((entry, time))

    def take(self, time: FhirTime | None, but: str = "") -> bool:
        """Whether a free dose of that day stands for this one; it then stands for no other."""
        found = next((x for x in self.free if x[0].kind != but and _same_day(self.f, x[1], time)), None)
        if found is not None:
            self.free.remove(found)
        return found is not None

    def has(self, time: FhirTime | None, but: str) -> bool:
        """Whether a dose of that day is counted, by another kind of entry than one."""
        return any(e.kind != but and _same_day(self.f, t, time) for e, t, _ in self.counted)


def given_before(f: Facts, found: Sequence[Entry], at: datetime, days: Fraction) -> list[tuple[Entry, FhirTime, Fraction]]:
    """The doses of the rolling days before a moment, the far end outside; what belongs to this order's run is not among them."""
    book = _Book(f, at, days, found)
    for administered in book.of(ADMINISTRATION):
        _administration(book, administered)
    for dispensed in book.of(DISPENSE):
        _dispense(book, dispensed)
    for ordered in book.of(REQUEST):
        _order(book, ordered)
    for stated in book.of(STATEMENT):
        _statement(book, stated)
    return [x for x in book.counted if inside(x[1], at, days)]


def inside(time: FhirTime, at: datetime, days: Fraction) -> bool:
    """Whether a dose may lie fewer than so many days before a moment."""
    latest = min(time.latest, max(at, time.earliest))
    return Fraction((at - latest) // timedelta(seconds=1), timedelta(days=1) // timedelta(seconds=1)) < days


def _administration(book: _Book, e: Entry) -> None:
    """A part does not count beside a whole that has a dose."""
    whole = any(_rests_on(e, w) and w.grams is not None for w in _wholes(book, e))
    if not whole:
        book.count(e, e.time, e.grams, free=e.is_loose)


def _wholes(book: _Book, e: Entry) -> list[Entry]:
    """The first administration that this one is a part of."""
    return [w for w in book.of(ADMINISTRATION) if _rests_on(e, w)][:1]


def _dispense(book: _Book, e: Entry) -> None:
    """Counts where no administration belongs to it; without an order it may be any administration of these days."""
    around = any(a.time is None or inside(a.time, book.at, book.days) for a in book.of(ADMINISTRATION))
    if e.state != GIVEN or _linked(book.of(ADMINISTRATION), e) is not None or book.take(e.time, but=DISPENSE):
        return
    if not around or not e.is_loose or e.links:
        book.count(e, e.time, e.grams, free=e.is_loose)


def _order(book: _Book, e: Entry) -> None:
    """By its dated doses that are past, where nothing was documented on it and no other order rests on it."""
    resting = any(o.state not in (PENDING, GIVEN) and _rests_on(o, e) for o in book.of(REQUEST))
    if _linked(book.given, e) is not None or resting or e.status == "draft":
        return
    for time, grams in e.doses:
        past = (time.earliest if e.status == "completed" else time.latest) <= book.at
        if past and not book.take(time) and not (e.state != "active" and e.status in ("stopped", "on-hold")):
            book.count(e, time, grams)


def _statement(book: _Book, e: Entry) -> None:
    """Where it stands alone: it reports no other entry, and nothing else is counted on its day."""
    own = [o.ref for o in book.all if o.run in book.f.own_runs]
    covering = any(
        _rests_on(e, s) and (s.kind != REQUEST or bool(s.doses) or _linked(book.given, s) is not None) for s in book.all if s.ref not in own
    )
    if any(ref in e.links for ref in own) or covering or e.status in ("intended", "on-hold"):
        return
    for time, grams in e.doses:
        if not book.has(time, but=STATEMENT):
            book.count(e, time, grams)


def _linked(others: Iterable[Entry], e: Entry) -> Entry | None:
    """The first that points to this entry or to the same order, or belongs to the same run."""
    return next((o for o in others if (e.run and o.run == e.run) or e.points & o.points), None)


def _rests_on(one: Entry, other: Entry) -> bool:
    """Points to the other and is not pointed to by it."""
    return one is not other and other.ref in one.links and one.ref not in other.links


def _same_day(f: Facts, one: FhirTime, other: FhirTime | None) -> bool:
    if other is None or one.is_partial or other.is_partial:
        return False
    return _day(f, one) == _day(f, other)


def _day(f: Facts, time: FhirTime) -> date:
    return time.earliest.astimezone(f.tables.zone).date()
