"""Dose: are amount, days, interval and rate what the regimen and the label give, and below their maximum?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import ROUND_CEILING, Decimal

from ivig_fhir.content.model import Regimen
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.absence import ordered, printed
from ivig_fhir.proposal.applicability import LABEL
from ivig_fhir.proposal.branches import Hit, finding
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.dosing import WEEKS_IN_A_MONTH, in_a_cycle
from ivig_fhir.proposal.findings import Clear, Evidence, Result

_MINUTES = Decimal(60)
OUTSIDE, SPLIT, MAXIMUM = "dose.outside-regimen", "dose.split-outside-label", "dose.above-maximum"


def outside_regimen(case: Case) -> Result:
    """Grams per kilogram of a cycle, days, interval, hours or age outside the regimen, or a series that outlasts its review.

    A dose stated in whole grams may differ by its rounding.
    """
    regimen = case.order.regimen
    if regimen is None:
        return Clear(OUTSIDE)
    rules = (_amount, _days, _interval, _hours, _age, _review)
    hits = [hit for rule in rules for hit in rule(case, regimen)]
    if hits:
        return finding(case, OUTSIDE, hits)
    if case.order.course_g_kg is None:
        return case.unknown(OUTSIDE, case.check(OUTSIDE).messages["dose-unknown"])
    return case.clear(OUTSIDE)


def _amount(case: Case, regimen: Regimen) -> Iterator[Hit]:
    given, tolerance = case.order.course_g_kg, case.check(OUTSIDE).number("tolerance")
    low, high = _range(case, regimen)
    if given is not None and not low * (1 - tolerance) <= given <= high * (1 + tolerance):
        ours, says = _hundredths(given), f"{_between(low, high)} g/kg"
        yield Hit("amount", (ordered(f"{ours} g/kg"), _says(case, regimen, says)), {"given": ours, "says": says})


def _range(case: Case, regimen: Regimen) -> tuple[Decimal, Decimal]:
    """The regimen's own range, and that of the product's label beside it; the label's alone where the labelled regimen was asked for."""
    indication, weeks = case.order.indication, case.order.interval_weeks
    own, label = regimen.dose_g_kg, regimen.label_g_kg.get(case.order.product.id)
    if case.selections.regimen == LABEL:
        own = label or regimen.label_range_g_kg or own
    elif label is not None:
        own = min(own[0], label[0]), max(own[1], label[1])
    return in_a_cycle(own, regimen, indication, weeks)


def _days(case: Case, regimen: Regimen) -> Iterator[Hit]:
    low, high = regimen.days
    if not low <= case.order.days <= high:
        says = _between(Decimal(low), Decimal(high))
        yield Hit("days", (ordered(f"{case.order.days} d"), _says(case, regimen, f"{says} d")), {"given": case.order.days, "says": says})


def _interval(case: Case, regimen: Regimen) -> Iterator[Hit]:
    """An interval that the regimen does not give; a regimen without one is given once and not repeated."""
    weeks, cycles = case.selections.interval_weeks, case.selections.cycles or 1
    if regimen.interval_weeks is None:
        if weeks is not None or cycles > 1:
            yield Hit("repeated", (ordered(f"{cycles} ×"), _says(case, regimen, regimen.title)))
        return
    low, high = regimen.interval_weeks
    if weeks is not None and not low <= weeks <= high:
        says = _between(low, high)
        yield Hit("interval", (ordered(f"{plain(weeks)} wk"), _says(case, regimen, f"{says} wk")), {"given": weeks, "says": says})


def _hours(case: Case, regimen: Regimen) -> Iterator[Hit]:
    """An infusion shorter or longer than the regimen gives; to the minute, since pump rates are rounded."""
    minutes = case.order.rate_minutes
    if regimen.infusion_hours is None or minutes is None:
        return
    low, high = regimen.infusion_hours
    if not low * _MINUTES - 1 <= minutes <= high * _MINUTES + 1:
        says, given = _between(low, high), _hundredths(minutes / _MINUTES)
        yield Hit("hours", (ordered(f"{given} h"), _says(case, regimen, f"{says} h")), {"given": given, "says": says})


def _age(case: Case, regimen: Regimen) -> Iterator[Hit]:
    """Older or younger than regimen and order set are for."""
    years = case.age_years
    for low, high in (case.order.indication.age_years, regimen.age_years):
        if years is not None and low is not None and years < low:
            yield Hit("too-young", (_born(case),), {"years": years, "least": low})
        if years is not None and high is not None and years > high:
            yield Hit("too-old", (_born(case),), {"years": years, "most": high})


def _born(case: Case) -> Evidence:
    return Evidence(case.chart.patient.reference, case.chart.patient.birth_said)


def _review(case: Case, regimen: Regimen) -> Iterator[Hit]:
    """A series of which infusions are planned after the day on which it is to be reviewed."""
    series = case.order.series
    if series is not None and series.last > series.review_on:
        last, review = series.last.isoformat(), series.review_on.isoformat()
        yield Hit("past-review", (ordered(last), _says(case, regimen, review)), {"last": last, "review": review})


def split_outside_label(case: Case) -> Result:
    """Days over which the product's label does not divide the dose."""
    regimen, product = case.order.regimen, case.order.product
    days = regimen.label_days.get(product.id) if regimen else None
    if regimen is None or days is None:
        return Clear(SPLIT)
    low, high = days
    either = product.id in regimen.label_days_either
    if case.order.days in days or (not either and low < case.order.days < high):
        return Clear(SPLIT)
    says = f"{low} or {high}" if either else _between(Decimal(low), Decimal(high))
    shown = (ordered(f"{case.order.days} d"), _says(case, regimen, f"{product.brand}: {says} d"))
    return finding(case, SPLIT, [Hit("days", shown, {"given": case.order.days, "says": says, "product": product.brand})])


def above_maximum(case: Case) -> Result:
    """Above the most that order set, site or prescriber allow of a course, a day or in grams, or faster than the label's highest rate."""
    hits = [*_amounts_above(case), *_rate_above(case)]
    if hits:
        return finding(case, MAXIMUM, hits)
    if case.order.course_g is None and case.order.regimen is not None:
        return case.unknown(MAXIMUM, case.check(MAXIMUM).messages["dose-unknown"])
    return case.clear(MAXIMUM)


def _amounts_above(case: Case) -> Iterator[Hit]:
    """Limits in g/kg hold before vial rounding, limits in grams after it."""
    order = case.order
    kg, most = order.dosing_kg, order.indication.maximum
    stated = case.check(MAXIMUM).number("stated_rounding_g") if case.selections.course_g is not None else Decimal(0)
    per_kg = (
        ("course", order.course_exact_g, most.get("course_g_kg")),
        ("day", order.per_infusion_exact_g, most.get("per_day_g_kg")),
        ("infusion", order.per_infusion_exact_g, most.get("per_infusion_g_kg")),
        ("week", _in_weeks(case, Decimal(1)), most.get("per_week_g_kg")),
        ("month", _in_weeks(case, WEEKS_IN_A_MONTH), most.get("per_month_g_kg")),
    )
    for branch, exact_g, limit in per_kg:
        if exact_g is not None and kg and limit is not None and exact_g > limit * kg + stated:
            yield _above(case, branch, f"{_not_less(exact_g / kg)} g/kg", f"{plain(limit)} g/kg")
    whole = (
        ("course", order.course_g, most.get("course_g")),
        ("infusion", order.per_infusion_g, most.get("per_infusion_g")),
        ("stated-maximum", order.course_g, case.selections.absolute_max_g),
    )
    for branch, grams, limit in whole:
        if grams is not None and limit is not None and grams > limit:
            yield _above(case, branch, f"{plain(grams)} g", f"{plain(limit)} g")


def _in_weeks(case: Case, weeks: Decimal) -> Decimal | None:
    """Grams of the course as they come to in so many weeks; a course that is not repeated is all of it."""
    order = case.order
    if order.course_exact_g is None or order.interval_weeks is None:
        return order.course_exact_g
    return order.course_exact_g * weeks / order.interval_weeks


def _above(case: Case, branch: str, given: str, limit: str) -> Hit:
    shown = ordered(limit) if branch == "stated-maximum" else printed("indications", case.order.indication.id, limit)
    return Hit(branch, (ordered(given), shown), {"given": given, "limit": limit})


def _rate_above(case: Case) -> Iterator[Hit]:
    rate, most = case.order.rate_ml_kg_h, case.order.label_max_ml_kg_h
    if rate is not None and most is not None and rate > most:
        given, limit = f"{_not_less(rate)} mL/kg/h", f"{plain(most)} mL/kg/h"
        yield Hit("rate", (ordered(given), printed("products", case.order.product.id, limit)), {"given": given, "limit": limit})


def _says(case: Case, regimen: Regimen, said: str) -> Evidence:
    return printed("indications", case.order.indication.id, f"{regimen.id}: {said}")


def _between(low: Decimal, high: Decimal) -> str:
    return plain(low) if low == high else f"{plain(low)}–{plain(high)}"


def _not_less(value: Decimal) -> str:
    """To 0.001 upwards: what is above a limit must not be shown as equal to it."""
    return plain(value.quantize(Decimal("0.001"), rounding=ROUND_CEILING))


def _hundredths(value: Decimal) -> str:
    return plain(half_up(value, "0.01"))


CHECKS: tuple[tuple[str, Callable[[Case], Result]], ...] = (
    (OUTSIDE, outside_regimen),
    (SPLIT, split_outside_label),
    (MAXIMUM, above_maximum),
)
