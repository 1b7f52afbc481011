"""Dates of a course and of a series: every infusion has a day of its own, written as a date, never as an open end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from ivig_fhir.content.model import Content, Regimen
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.dates import parse_time, plus_months
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal.model import Series
from ivig_fhir.proposal.selections import Selections

_WEEK = timedelta(weeks=1).days


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
    """The day of each infusion: the days chosen, else consecutive days from the start. SelectionError beyond the calendar."""
    if selections.dates is not None:
        if selections.days is not None and selections.days != len(selections.dates):
            raise SelectionError(said="days and dates do not agree.")
        return selections.dates
    try:
        return tuple(start.date() + timedelta(days=n) for n in range(days))
    except OverflowError:
        raise SelectionError(said="start is too late for the calendar.") from None


def interval_of(selections: Selections, regimen: Regimen | None) -> Decimal | None:
    """Weeks between the first days of two courses: chosen, else the regimen's usual ones, else its shortest; None: given once."""
    if selections.interval_weeks is not None or regimen is None or regimen.interval_weeks is None:
        return selections.interval_weeks
    return regimen.usual_interval_weeks or regimen.interval_weeks[0]


def series_of(
    selections: Selections, regimen: Regimen, course: tuple[date, ...], interval_weeks: Decimal | None, course_g: Decimal, content: Content
) -> Series | None:
    """The course repeated, with the day of every infusion; None where the regimen is given once and no repetition was chosen.

    Cycles are those chosen, else the regimen's, else as many whole intervals as fit before the review. The n-th cycle begins n intervals
    after the first, rounded to the nearest day, half up, so that part weeks do not add up. SelectionError where repetition was chosen
    without an interval, or with one that is not longer than the course.
    """
    chosen = selections.cycles
    if interval_weeks is None:
        if chosen is not None and chosen > 1:
            raise SelectionError(said="A series needs interval_weeks.")
        return None
    if regimen.interval_weeks is None and (chosen is None or chosen == 1):
        return None
    try:
        review = plus_months(course[0], regimen.review_months or content.constants["review_months"])
        cycles = chosen or _cycles(regimen, course, interval_weeks, review)
        firsts = _firsts(course, interval_weeks, cycles)
        every = tuple(first + (day - course[0]) for first in firsts for day in course)
    except (OverflowError, ValueError):
        raise SelectionError(said="The series ends too late for the calendar.") from None
    return Series(interval_weeks, cycles, every, every[-1], review, course_g * cycles)


def _cycles(regimen: Regimen, course: tuple[date, ...], interval_weeks: Decimal, review: date) -> int:
    """Cycles that nobody chose; one where the days chosen for the course leave no room for another."""
    if _overlap(course, interval_weeks):
        return 1
    return regimen.cycles or max(1, int((review - course[0]).days / (interval_weeks * _WEEK)))


def _firsts(course: tuple[date, ...], interval_weeks: Decimal, cycles: int) -> tuple[date, ...]:
    if cycles > 1 and _overlap(course, interval_weeks):
        raise SelectionError(said="The interval is shorter than the course.")
    return tuple(course[0] + timedelta(days=int(half_up(interval_weeks * _WEEK * n, "1"))) for n in range(cycles))


def _overlap(course: tuple[date, ...], interval_weeks: Decimal) -> bool:
    """Whether the next course would begin on or before the last day of this one."""
    return interval_weeks * _WEEK < (course[-1] - course[0]).days + 1
