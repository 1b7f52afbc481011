"""Schedule: every date, the daily repeat, the series, grams to supply, and the most that may be given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ivig_fhir.content.model import Regimen
from ivig_fhir.fhir.dates import parse_date, plus_months
from ivig_fhir.fhir.reading import part
from ivig_fhir.fhir.stored_order import number, said
from ivig_fhir.order.recompute.dose import Dose
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.lines import Recalculated, half_up
from ivig_fhir.order.recompute.weight import Body

_DAYS_IN_A_WEEK = 7


def schedule_lines(f: Facts, body: Body, dose: Dose) -> Iterable[Recalculated]:
    """Dates against the course, the series and the supply."""
    days, times = f.dates, f.infusions
    written = len(days) == len(f.written) > 0 and days == sorted(set(days))
    fits = written and times > 0 and len(days) % times == 0 and f.dosage.get("sequence") in (None, 1)
    yield Recalculated("Infusions", f"{times} in a course", f"{len(days)} dates", fits, f"{times} in each course", "the dates, counted")
    want = _chosen_dates(f)
    if want is not None and days:
        shown = [f"{len(ds)} dates, {ds[0]} to {ds[-1]}" for ds in (days, want)]
        if days != want and shown[0] == shown[1]:
            shown = [", ".join(map(str, ds)) for ds in (days, want)]
        yield Recalculated("Dates", shown[0], shown[1], days == want, "as stored", "the days chosen, moved by whole intervals")
    if f.series and fits:
        yield _series(f, days, times)
        yield from _review(f, days)
    if f.repeat is not None and days:
        count = f.repeat.get("count") if isinstance(f.repeat, dict) else None
        yield Recalculated("Daily repeat", f"{count} days", f"{(days[-1] - days[0]).days + 1} days", _daily(f.repeat, days))
    yield from _supply(f, dose, days)
    once = number(f.dosage.get("maxDosePerAdministration"), "g")
    agrees = once is not None and once == dose.grams
    yield Recalculated("Most in one infusion", said(once, "g"), said(dose.grams, "g"), agrees, "as stored", "the dose of one infusion")
    yield _most_in_a_course(f, dose, days)


def _chosen_dates(f: Facts) -> list[date] | None:
    """Every date as the prescriber's choices and the regimen have it: the days chosen, else days in a row; then the courses of a series."""
    if f.approved is None or f.regimen is None or f.product is None:
        return None
    chosen, regimen = f.approved.selections, f.regimen
    named = chosen.get("dates")
    course = [d for d in map(parse_date, named if isinstance(named, list) else []) if d is not None]
    if not course:
        start, count = _start(f), f.approved.chosen("", "days")
        low, high = regimen.label_days.get(f.product.id, regimen.days)
        if start is None:
            return None
        course = [start + timedelta(days=n) for n in range(int(count) if count else max(low, min(high, regimen.default_days)))]
    weeks, cycles = _interval(f), f.approved.chosen("", "cycles")
    if weeks is None or (regimen.interval_weeks is None and (cycles is None or cycles == 1)):
        return course
    moved = (
        int(half_up(weeks * _DAYS_IN_A_WEEK * n, Fraction(1))) for n in range(int(cycles) if cycles else _cycles(f, regimen, course, weeks))
    )
    return [day + timedelta(days=by) for by in moved for day in course]


def _interval(f: Facts) -> Fraction | None:
    """Weeks between courses: as chosen, else the regimen's usual or shortest ones; None where it is given once, or nobody knows."""
    chosen = f.approved.chosen("", "interval_weeks") if f.approved else None
    own = f.regimen.usual_interval_weeks or f.regimen.interval_weeks[0] if f.regimen and f.regimen.interval_weeks else None
    return chosen if chosen is not None or own is None else Fraction(own)


def _start(f: Facts) -> date | None:
    """The first day: as chosen, else that of the page that was approved."""
    chosen = f.time((f.approved.selections.get("start") if f.approved else None) or (f.approved.body.get("start") if f.approved else None))
    return chosen.earliest.astimezone(f.tables.zone).date() if chosen else None


def _cycles(f: Facts, regimen: Regimen, course: Sequence[date], weeks: Fraction) -> int:
    """Courses that nobody chose: the regimen's, else as many whole intervals as fit before its review; one where another has no room."""
    days = weeks * _DAYS_IN_A_WEEK
    if days < _days(course):
        return 1
    review = plus_months(course[0], regimen.review_months or f.tables.review_months)
    return regimen.cycles or max(1, (review - course[0]).days * days.denominator // days.numerator)


def _supply(f: Facts, dose: Dose, days: Sequence[date]) -> Iterable[Recalculated]:
    """Grams for all dates, the first and the last day, and the days between."""
    supplied = part(f.order, "dispenseRequest")
    total, supply = None if dose.grams is None else dose.grams * len(days), number(supplied.get("quantity"), "g")
    working = f"{said(dose.grams, 'g')} × {len(days)}"
    agrees = total is not None and supply == total
    yield Recalculated("Grams to supply", said(supply, "g"), said(total, "g"), agrees, "as stored", working)
    more = supplied.get("numberOfRepeatsAllowed")
    if more is not None:
        yield Recalculated("Repeats of the supply", str(more), "0", more == 0, "as stored", "every date is written out")
    period, span = part(supplied, "validityPeriod"), number(supplied.get("expectedSupplyDuration"), "d")
    if period and days:
        ends = (parse_date(period.get("start")), parse_date(period.get("end")))
        shown = [f"{a} to {b}, {said(n, 'days')}" for (a, b), n in ((ends, span), ((days[0], days[-1]), Fraction(_days(days))))]
        yield Recalculated(
            "Days of supply", shown[0], shown[1], (ends == (days[0], days[-1]) and span == _days(days)), "as stored", "first and last date"
        )


def _days(days: Sequence[date]) -> int:
    return (days[-1] - days[0]).days + 1


def _series(f: Facts, days: Sequence[date], times: int) -> Recalculated:
    """The first course moved by whole intervals, each to the nearest day, half up: the dates that the order must hold."""
    weeks, cycles = number(f.series.get("interval"), "wk"), f.series.get("cycles")
    ordered = f"{len(days)} dates from {days[0]} to {days[-1]}"
    if weeks is None or weeks <= 0 or not isinstance(cycles, int) or cycles * times != len(days):
        return Recalculated("Series", ordered, f"{cycles} courses, {said(weeks, 'weeks')} apart", False)
    moved = [int(half_up(weeks * _DAYS_IN_A_WEEK * n, Fraction(1))) for n in range(cycles)]
    apart = [(day - days[0]).days for day in days]
    made = [by + first for by in moved for first in apart[:times]]
    working = f"{times} days, moved by {said(weeks)} weeks {cycles - 1} times"
    want, here = _interval(f), f"{cycles} courses over {made[-1] + 1} days"
    if want not in (None, weeks):
        return Recalculated(
            "Series", f"{ordered}, {said(weeks)} weeks apart", f"{here}, {said(want)} weeks apart", False, "as stored", working
        )
    return Recalculated("Series", ordered, here, made == apart, "the dates as stored", working)


def _review(f: Facts, days: Sequence[date]) -> Iterable[Recalculated]:
    """By when it is to be looked at again: so many months after the first day as the regimen says."""
    if f.regimen is None:
        return
    months = f.regimen.review_months or f.tables.review_months
    stored, here = parse_date(f.series.get("reviewOn")), plus_months(days[0], months)
    yield Recalculated("Review", str(stored), here.isoformat(), stored == here, "as stored", f"{days[0]} and {months} months")


def _most_in_a_course(f: Facts, dose: Dose, days: Sequence[date]) -> Recalculated:
    """The most that stands within the days of a course; these are its own span, or the shortest gap between two courses."""
    limit, times = part(f.dosage, "maxDosePerPeriod"), f.infusions
    course, span = number(limit.get("numerator"), "g"), number(limit.get("denominator"), "d")
    need = want = None
    if dose.grams is not None and days and 0 < times <= len(days):
        firsts = days[::times]
        want = min(((later - first).days for first, later in pairwise(firsts)), default=_days(days[:times]))
        need = max(dose.grams * sum(0 <= (day - first).days < want for day in days) for first in days)
    shown = [f"{said(grams, 'g')} in {said(n, 'days')}" for grams, n in ((course, span), (need, None if want is None else Fraction(want)))]
    agrees = need is not None and (course, span) == (need, want)
    return Recalculated(
        "Most in a course", shown[0], shown[1], agrees, "as stored", f"infusions of {said(dose.grams, 'g')} within these days"
    )


def _daily(repeat: Any, days: Sequence[date]) -> bool:
    if not isinstance(repeat, dict):
        return False
    bounds = part(repeat, "boundsPeriod")
    ends = parse_date(bounds.get("start")) == days[0] and parse_date(bounds.get("end")) == days[-1]
    each_day = (repeat.get("frequency"), repeat.get("period"), repeat.get("periodUnit")) == (1, 1, "d")
    return ends and each_day and repeat.get("count") == len(days) == _days(days)
