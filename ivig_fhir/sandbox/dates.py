"""Dates of FHIR as ranges of time, and how a search prefix compares two of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_FORM = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb)?(?P<y>\d{4})(-(?P<m>\d\d)(-(?P<d>\d\d)"
    r"(T(?P<H>\d\d):(?P<M>\d\d)(:(?P<S>\d\d)(\.(?P<f>\d+))?)?(?P<z>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """From `low` up to, but not including, `high`."""

    low: datetime
    high: datetime


def parse(text: str) -> tuple[str, Span]:
    """The prefix (`eq` without one) and the span that a date of any precision covers; UTC without a zone; ValueError otherwise."""
    match = _FORM.fullmatch(text.replace(" ", "+"))  # a plus sign left bare in a query arrives as a space
    if not match:
        raise ValueError(f"{text!r} is not a date")
    part = match.groupdict()
    zone = _zone(part["z"])
    micro = int((part["f"] or "0")[:6].ljust(6, "0"))
    numbers = (int(part["m"] or 1), int(part["d"] or 1), int(part["H"] or 0), int(part["M"] or 0), min(int(part["S"] or 0), 59))
    local = datetime(int(part["y"]), *numbers, micro, tzinfo=UTC)
    low = _shift(local, -zone)
    return part["prefix"] or "eq", Span(low, _shift(_after(local, part), -zone))


def spans(value: Any) -> Iterator[Span]:
    """The spans of a stored date, dateTime, instant, Period or Timing; what cannot be read yields nothing."""
    if isinstance(value, str):
        try:
            yield parse(value)[1]
        except ValueError:
            return
    elif isinstance(value, dict) and ("start" in value or "end" in value):
        start, end = (next(spans(value.get(key)), None) for key in ("start", "end"))
        yield Span(start.low if start else _FIRST, end.high if end else _LAST)
    elif isinstance(value, dict):
        events = value.get("event")
        for event in events if isinstance(events, list) else []:
            yield from spans(event)
        repeat = value.get("repeat")
        if isinstance(repeat, dict):
            yield from spans(repeat.get("boundsPeriod"))


def compare(prefix: str, stored: Span, asked: Span) -> bool:
    """Whether a stored span answers a search. See: FHIR R4 search.html#prefix."""
    inside = asked.low <= stored.low and stored.high <= asked.high
    return {
        "eq": inside,
        "ne": not inside,
        "gt": stored.high > asked.high,
        "lt": stored.low < asked.low,
        "ge": stored.high > asked.high or inside,
        "le": stored.low < asked.low or inside,
        "sa": stored.low >= asked.high,
        "eb": stored.high <= asked.low,
    }[prefix]


def _zone(text: str | None) -> timedelta:
    if text in (None, "Z"):
        return timedelta(0)
    sign = -1 if text[0] == "-" else 1
    return sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))


def _after(low: datetime, part: dict[str, str | None]) -> datetime:
    if part["m"] is None:
        return low.replace(year=low.year + 1) if low.year < 9999 else _LAST
    if part["d"] is None:
        return _shift(low.replace(day=28), timedelta(days=4)).replace(day=1)
    if part["H"] is None:
        return _shift(low, timedelta(days=1))
    if part["S"] is None:
        return _shift(low, timedelta(minutes=1))
    return _shift(low, timedelta(seconds=1) if part["f"] is None else timedelta(milliseconds=1))


def _shift(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:
        return _LAST if by > timedelta(0) else _FIRST
