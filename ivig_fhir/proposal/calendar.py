"""Dates of a course and of a series: every infusion has a day of its own, written as a date, never as an open end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.proposal.model import Series
from ivig_fhir.proposal.selections import Selections


def start_of(selections: Selections, now: datetime, site: Site) -> datetime:
    """When the first infusion starts: as chosen; a bare date, or none, means the site's usual hour of that day (or of today)."""
    zone = site.timezone
    if selections.start is None:
        day = selections.dates[0] if selections.dates else now.astimezone(zone).date()
        return datetime.combine(day, site.infusion_start, zone)
    chosen = parse_time(selections.start.text, zone) or selections.start
    if chosen.is_instant:
        return chosen.earliest.astimezone(zone)
    return datetime.combine(date.fromisoformat(chosen.text), site.infusion_start, zone)


def course_dates(selections: Selections, start: datetime, days: int) -> tuple[date, ...]:
    """The day of each infusion: the days chosen, else consecutive days from the start."""
    if selections.dates is not None:
        if selections.days is not None and selections.days != len(selections.dates):
            raise SelectionError(said="days and dates do not agree.")
        return selections.dates
    return tuple(start.date() + timedelta(days=n) for n in range(days))


def series_of(
    selections: Selections, dates: tuple[date, ...], interval_weeks: Decimal | None, course_g: Decimal, content: Content
) -> Series | None:
    """The course repeated over `cycles`, or None for a single course. SelectionError without an interval, or when cycles would overlap."""
    cycles = selections.cycles or 1
    if cycles == 1:
        return None
    if interval_weeks is None:
        raise SelectionError(said="A series needs interval_weeks.")
    gap = timedelta(days=int(interval_weeks * timedelta(weeks=1).days))
    if gap <= dates[-1] - dates[0]:
        raise SelectionError(said="The interval is shorter than the course.")
    firsts = tuple(dates[0] + gap * n for n in range(cycles))
    review = dates[0] + timedelta(weeks=content.constants["review_weeks"])
    return Series(interval_weeks, cycles, firsts, dates[-1] + gap * (cycles - 1), review, course_g * cycles)
