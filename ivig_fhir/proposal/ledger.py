"""Ledger: every entry about immunoglobulin that was given, each dose on one line, with what it counts as and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal

from ivig_fhir.chart.facts import Drug, Event
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.history import IMMUNOGLOBULIN
from ivig_fhir.proposal.matching import Match, drugs, events

_TREATMENT = ("active", "recent")
_NOT_TAKEN = ("intended", "on-hold")


@dataclass(frozen=True, slots=True)
class Line:
    """One dose, or an entry of which no dose can be told. `why` is "" where the grams count, else a reason of `duplication.toml`.

    `of` is the entry that stands for this one.
    """

    match: Match[Drug] | Match[Event]
    time: FhirTime | None
    grams: Decimal | None
    why: str = ""
    of: str = ""

    @property
    def reference(self) -> str:
        """The entry in the record."""
        return self.match.item.source.reference

    def instead(self, why: str, of: str = "") -> Line:
        """The same line, not counted."""
        return Line(self.match, self.time, self.grams, why, of)


@dataclass
class _Book:
    """The entries by what they are, and the lines so far.

    `loose` are counted lines of entries that name no order: each may stand for one dose of an order.
    """

    case: Case
    own: Sequence[Match[Drug]]
    administered: Sequence[Match[Drug]]
    dispensed: Sequence[Match[Drug]]
    orders: Sequence[Match[Drug]]
    statements: Sequence[Match[Drug]]
    lines: list[Line] = field(default_factory=list)
    loose: list[Line] = field(default_factory=list)

    @property
    def given(self) -> tuple[Match[Drug], ...]:
        """What was administered or handed over."""
        return (*self.administered, *(d for d in self.dispensed if d.item.state == "given"))

    def add(self, line: Line, loose: bool = False) -> None:
        """Write a line; one that would count and cannot is written with the reason."""
        checked = line if line.why else self._countable(line)
        self.lines.append(checked)
        if loose and not checked.why:
            self.loose.append(checked)

    def _countable(self, line: Line) -> Line:
        if line.time is None:
            return line.instead("no-date")
        if self.case.in_future(line.time):
            return line.instead("future")
        return line if line.grams is not None else line.instead("no-grams")

    def take_same_day(self, time: FhirTime | None, but: str = "") -> Line | None:
        """A loose line of that day, which then stands for no other dose; never one of the kind `but`."""
        fitting = (x for x in self.loose if _same_day(x.time, time, self.case.chart.zone) and not _is(x, but))
        found = next(fitting, None)
        if found is not None:
            self.loose.remove(found)
        return found


def ledger(case: Case) -> tuple[Line, ...]:
    """All lines, whenever they were; administrations first, then dispenses, orders, statements and immunizations.

    The rules stand in words in `order_sets/checks/duplication.toml`.
    """
    runs = case.selections.own_runs
    found = drugs(case, IMMUNOGLOBULIN)
    own = [m for m in found if m.item.run in runs]
    kinds = {k: [m for m in found if m.item.kind == k and m not in own] for k in ("administration", "dispense", "request", "statement")}
    book = _Book(case, own, kinds["administration"], kinds["dispense"], kinds["request"], kinds["statement"])
    for m in own:
        book.add(Line(m, m.item.time, None, "this-order"))
    _write_administrations(book)
    _write_dispenses(book)
    for m in book.orders:
        _write_order(book, m)
    for m in book.statements:
        _write_statement(book, m)
    for event in events(case, ("Immunization",), IMMUNOGLOBULIN):
        same = _counted_that_day(book, event.item.time)
        book.add(Line(event, event.item.time, None, "same-day" if same else "immunization", same.reference if same else ""))
    return tuple(book.lines)


def _write_administrations(book: _Book) -> None:
    """Parts of an infusion count only where the whole has no dose of its own."""
    for m in book.administered:
        line = Line(m, m.item.time, m.item.grams)
        whole, measured_part = _whole_of(book, m), _measured_part_of(book, m)
        if whole is not None and whole.item.grams is not None:
            book.add(line.instead("part", _ref(whole)))
        elif m.item.grams is None and measured_part is not None:
            book.add(line.instead("in-parts", _ref(measured_part)))
        else:
            book.add(line, loose=not _names_an_order(m.item))


def _whole_of(book: _Book, part: Match[Drug]) -> Match[Drug] | None:
    return next((w for w in book.administered if _rests_on(part, w)), None)


def _measured_part_of(book: _Book, whole: Match[Drug]) -> Match[Drug] | None:
    return next((p for p in book.administered if _rests_on(p, whole) and p.item.grams is not None), None)


def _rests_on(one: Match[Drug], other: Match[Drug]) -> bool:
    """Points to the other and is not pointed to by it: where both point, who came from whom cannot be told, and both count."""
    return one is not other and _ref(other) in one.item.links and _ref(one) not in other.item.links


def _names_an_order(item: Drug) -> bool:
    return bool(item.request or item.run)


def _write_dispenses(book: _Book) -> None:
    """A dispense counts where no administration belongs to it. Without an order it may be any of the administrations around it."""
    around = [m for m in book.administered if _may_be_recent(book.case, m.item.time)]
    for m in book.dispensed:
        line = Line(m, m.item.time, m.item.grams)
        given = _linked(book.administered, m)
        if m.item.state != "given":
            book.add(line.instead("not-handed-over"))
        elif given is not None:
            book.add(line.instead("administered", _ref(given)))
        elif (same := book.take_same_day(m.item.time, but="dispense")) is not None:
            book.add(line.instead("same-day", same.reference))
        elif around and not (_names_an_order(m.item) or m.item.links):
            book.add(line.instead("maybe-administered"))
        else:
            book.add(line, loose=not _names_an_order(m.item))


def _may_be_recent(case: Case, time: FhirTime | None) -> bool:
    ago = case.days_ago_latest(time)
    return ago is None or ago < case.check("duplication.cumulative-dose").number("window_days")


def _linked(others: Iterable[Match[Drug]], m: Match[Drug]) -> Match[Drug] | None:
    """The first of the others that points to this entry, to the same order, or belongs to the same run."""
    mine = _points(m.item)
    return next((o for o in others if (m.item.run and o.item.run == m.item.run) or mine & _points(o.item)), None)


def _points(item: Drug) -> set[str]:
    """The entry itself and all to which it points."""
    return {item.source.reference, item.request, *item.links} - {""}


def _write_order(book: _Book, m: Match[Drug]) -> None:
    """An order counts by its dated doses, where nothing that was administered, dispensed or ordered on it stands for it."""
    order, empty = m.item, Line(m, m.item.ended or m.item.time, m.item.grams)
    given = _linked(book.given, m)
    heir = next((o for o in book.orders if o.item.state in _TREATMENT and _rests_on(o, m)), None)
    if given is not None or heir is not None:
        why, of = ("administered", given) if given is not None else ("fulfilled", heir)
        for line in [Line(m, t, g) for t, g in order.doses if _is_past(book.case, order, t)] or [empty]:
            book.add(line.instead(why, _ref(of) if of is not None else ""))
    elif not order.doses:
        told = next((s for s in book.statements if s.item.doses and s.item.status not in _NOT_TAKEN and _ref(m) in s.item.links), None)
        book.add(empty.instead("in-statement", _ref(told)) if told is not None else _undated(m, empty))
    else:
        _write_dated_doses(book, m)


def _undated(m: Match[Drug], empty: Line) -> Line:
    """An order without dates: what waits was not given; what ended most likely was; of an active one nobody knows."""
    if m.item.state == "pending":
        return empty.instead("waiting")
    return empty.instead("no-doses") if m.item.state == "recent" else Line(m, None, m.item.grams, "active-undated")


def _write_dated_doses(book: _Book, m: Match[Drug]) -> None:
    past = [(t, g) for t, g in m.item.doses if _is_past(book.case, m.item, t)]
    if not past or m.item.status == "draft":
        book.add(Line(m, m.item.doses[0][0], m.item.doses[0][1], "waiting" if m.item.state == "pending" else "not-due"))
        return
    why = {"stopped": "stopped", "on-hold": "on-hold"}.get(m.item.status, "") if m.item.state != "active" else ""
    for time, grams in past:
        line = Line(m, time, grams)
        same = book.take_same_day(time)
        book.add(line.instead("same-day", same.reference) if same is not None else line.instead(why) if why else line)


def _is_past(case: Case, order: Drug, time: FhirTime) -> bool:
    """A day of a completed order counts from its beginning, a day of an active one when it is over."""
    return (time.earliest if order.status == "completed" else time.latest) <= case.now


def _write_statement(book: _Book, m: Match[Drug]) -> None:
    """A statement counts where it stands alone: for a day on which nothing else is counted, or for an order without dated doses."""
    item, empty = m.item, Line(m, None if m.item.state == "active" else m.item.ended or m.item.time, m.item.grams)
    covering = _covering(book, m)
    if any(_ref(o) in item.links for o in book.own):
        book.add(empty.instead("this-order"))
    elif covering is not None:
        book.add(empty.instead("reported", _ref(covering)))
    elif item.status in _NOT_TAKEN:
        book.add(empty.instead(item.status))
    elif not item.doses:
        book.add(empty.instead("no-grams" if item.grams is None else "several-days"))
    else:
        for time, grams in item.doses:
            same = _counted_that_day(book, time, but="statement")
            book.add(Line(m, time, grams, "same-day" if same else "", same.reference if same else ""))


def _covering(book: _Book, m: Match[Drug]) -> Match[Drug] | None:
    """The entry that a statement only reports; an order of which no dose is dated or documented says less than the statement."""
    others = (*book.administered, *book.dispensed, *book.orders, *book.statements)
    sources = (s for s in others if _rests_on(m, s))
    return next((s for s in sources if s.item.kind != "request" or s.item.doses or _linked(book.given, s)), None)


def _counted_that_day(book: _Book, time: FhirTime | None, but: str = "") -> Line | None:
    """A counted line of that day, unless it stands on an entry of the kind `but`."""
    zone = book.case.chart.zone
    counted = (x for x in book.lines if not x.why and not _is(x, but))
    return next((x for x in counted if _same_day(x.time, time, zone)), None)


def _is(line: Line, kind: str) -> bool:
    return isinstance(line.match.item, Drug) and line.match.item.kind == kind


def _same_day(one: FhirTime | None, other: FhirTime | None, zone: tzinfo) -> bool:
    """The same calendar day where the hospital is; a month or a year is no day."""
    if one is None or other is None or one.is_partial or other.is_partial:
        return False
    return one.earliest.astimezone(zone).date() == other.earliest.astimezone(zone).date()


def _ref(m: Match[Drug]) -> str:
    return m.item.source.reference
