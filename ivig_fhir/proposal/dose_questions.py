"""What has to be asked before a typed dose is one dose: each unclear thing with the meanings that it may have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from ivig_fhir.proposal.dose_phrases import Phrases, Span, said
from ivig_fhir.proposal.selections import LARGEST, MOST_PER_KG

_MOST = Decimal(100)  # days, doses, weeks or courses; above it somebody mistyped
_COUNTS = ("days", "doses", "times", "weeks", "cycles")


@dataclass(frozen=True, slots=True)
class Doubt:
    """One question: its key in `order_sets/policies.toml`, the values of its sentence, and what the text may mean instead."""

    ask: str
    values: dict[str, str] = field(default_factory=dict)
    meanings: tuple[Phrases, ...] = ()


def doubts(found: Phrases) -> Iterator[Doubt]:
    """Everything in which a text is no single dose, what has to be cleared first coming first."""
    for rule in _RULES:
        yield from rule(found)


def count_of(found: Phrases) -> Span | None:
    """Over how many days, as far as the text says; None where it does not."""
    return next(iter(_days_in(found)), None)


def courses_in(found: Phrases) -> tuple[Span, ...]:
    """How often the course comes: cycles, `x 6` after an interval, or doses at an interval, which are one course each."""
    times = found.times if found.weeks and not _times_are_days(found) else ()
    doses = found.doses if _doses_are_courses(found) else ()
    return (*found.cycles, *times, *doses)


def _days_in(found: Phrases) -> tuple[Span, ...]:
    """Days and doses, for there is one infusion a day; `once` is one day; `daily x 5` are five."""
    doses = () if _doses_are_courses(found) else found.doses
    times = found.times if _times_are_days(found) else ()
    return (*found.days, *doses, *times, *(((Decimal(1), Decimal(1)),) if found.once else ()))


def _times_are_days(found: Phrases) -> bool:
    return found.each and not (found.days or found.doses)


def _doses_are_courses(found: Phrases) -> bool:
    return bool(found.weeks) and not (found.days or found.each or found.whole or found.over)


def _read(found: Phrases) -> Iterator[Doubt]:
    if found.unread:
        yield Doubt("unread", {"rest": found.unread})
    if len(found.amounts) != 1:
        yield Doubt("amounts" if found.amounts else "no_amount", {"amounts": ", ".join(a.text for a in found.amounts)})


def _amount(found: Phrases) -> Iterator[Doubt]:
    amount = found.amounts[0]
    if amount.low != amount.high:
        ends = tuple(replace(found, amounts=(replace(amount, low=n, high=n),)) for n in (amount.low, amount.high))
        yield Doubt("amount_range", {"amount": amount.text}, ends)
    elif not 0 < amount.low <= (LARGEST if amount.unit == "g" else MOST_PER_KG):
        yield Doubt("amount_size", {"amount": amount.text})


def _counts(found: Phrases) -> Iterator[Doubt]:
    for kind in _COUNTS:
        spans = getattr(found, kind)
        if len(set(spans)) > 1:
            yield Doubt("twice", {"kind": kind, "said": ", ".join(said(*s) for s in spans)})
        for low, high in spans:
            if any(n != n.to_integral_value() or not 0 < n <= _MOST for n in (low, high)):
                yield Doubt("count_size", {"kind": kind, "said": said(low, high)})
            elif low != high:
                yield Doubt("count_range", {"kind": kind, "said": said(low, high)}, _each_of(found, kind, low, high))


def _each_of(found: Phrases, kind: str, low: Decimal, high: Decimal) -> tuple[Phrases, ...]:
    """A meaning for every number of a short range; a long one has to be typed."""
    numbers = range(int(low), int(high) + 1)
    return tuple(replace(found, **{kind: ((Decimal(n), Decimal(n)),)}) for n in numbers) if 0 < len(numbers) <= 10 else ()  # type: ignore[arg-type]


def _agree(found: Phrases) -> Iterator[Doubt]:
    """The days of a course are one number, and so are its repetitions, in whatever words they were said."""
    for kind, spans in (("days", _days_in(found)), ("cycles", courses_in(found))):
        if len(set(spans)) > 1:
            yield Doubt("twice", {"kind": kind, "said": ", ".join(sorted(said(*s) for s in spans))})


def _times(found: Phrases) -> Iterator[Doubt]:
    """`x 2` without an interval: the dose on two days, or two courses?"""
    if found.times and not found.weeks and not _times_are_days(found):
        number, bare = found.times[0], replace(found, times=())
        days, courses = replace(bare, each=True, whole=False, days=(number,)), replace(bare, whole=True, each=False, cycles=(number,))
        yield Doubt("times", {"amount": found.amounts[0].text, "number": said(*number)}, (days, courses))


def _which(found: Phrases) -> Iterator[Doubt]:
    """Is the amount that of each day, or that of the whole course?"""
    count = count_of(found)
    unsaid = not (found.each or found.whole or found.over)
    one_dose = count is not None and count[1] == 1
    both = found.each and found.whole
    if both or (unsaid and not one_dose and (count is not None or not found.weeks)):
        meanings = (replace(found, whole=True, each=False, over=False), replace(found, each=True, whole=False, over=False))
        yield Doubt("which", {"amount": found.amounts[0].text}, meanings)
    elif found.each and count is None:
        yield Doubt("how_many_days", {"amount": found.amounts[0].text})


_RULES: tuple[Callable[[Phrases], Iterator[Doubt]], ...] = (_read, _amount, _counts, _agree, _times, _which)
