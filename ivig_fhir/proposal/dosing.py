"""The dose: grams per kilogram times kilograms, divided over days, each infusion rounded to vials, every step written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_DOWN, Decimal

from ivig_fhir.content.model import OrderSet, Regimen
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.model import DoseCalculation, Infusion, Rounding
from ivig_fhir.proposal.vials import makeable

WEEKS_IN_A_MONTH = Decimal(2) + Decimal(2)  # a regimen given per month is given per four weeks


def cycle_g_kg(regimen: Regimen, order_set: OrderSet, interval_weeks: Decimal | None) -> tuple[Decimal, Decimal]:
    """The regimen's grams per kilogram of one cycle, low and high, by its basis. See: order_sets/README.md."""
    return in_a_cycle(regimen.dose_g_kg, regimen, order_set, interval_weeks)


def proposed_g_kg(regimen: Regimen, order_set: OrderSet, interval_weeks: Decimal | None) -> Decimal:
    """Grams per kilogram of one cycle that are proposed: the regimen's usual dose, else the lower end of its range."""
    usual = regimen.usual_g_kg if regimen.usual_g_kg is not None else regimen.dose_g_kg[0]
    proposed, _ = in_a_cycle((usual, usual), regimen, order_set, interval_weeks)
    return proposed


def in_a_cycle(
    dose_g_kg: tuple[Decimal, Decimal], regimen: Regimen, order_set: OrderSet, interval_weeks: Decimal | None
) -> tuple[Decimal, Decimal]:
    """A low and a high dose, in the meaning of the regimen's basis, as grams per kilogram of one cycle."""
    low, high = dose_g_kg
    if regimen.basis.startswith("as "):
        named = order_set.regimen(regimen.basis.removeprefix("as ").replace("_", "-"))
        return cycle_g_kg(named, order_set, interval_weeks) if named else (low, high)
    if regimen.basis.startswith("per day x"):
        times = Decimal(regimen.basis.removeprefix("per day x").split()[0])
        return low * times, high * times
    if regimen.basis == "per_month":
        weeks = interval_weeks or (regimen.interval_weeks or (WEEKS_IN_A_MONTH,))[0]
        return low * weeks / WEEKS_IN_A_MONTH, high * weeks / WEEKS_IN_A_MONTH
    return low, high


def calculate(
    kg: Decimal,
    per_kg: Decimal | None,
    course_g: Decimal | None,
    dates: Sequence[date],
    rounding: Rounding | None,
    sizes: Sequence[Decimal],
) -> DoseCalculation:
    """The dose of a course over `dates`, in grams. Either `per_kg` (of the course) or `course_g`; no rounding means 0.1 g.

    SelectionError where one infusion would round to nothing.
    """
    days = len(dates)
    exact = course_g if course_g is not None else (per_kg or Decimal(0)) * kg
    each = exact / days
    rounded, increment = _rounded(exact, days, rounding, sizes)
    if rounded == 0:
        raise SelectionError(said="The dose of one infusion is less than can be measured; choose fewer days or more grams.")
    deviation = half_up((rounded - each) / each * 100, "0.1")
    return DoseCalculation(
        per_kg=per_kg,
        calculated_course_g=exact,
        calculated_per_infusion_g=each,
        per_infusion_g=rounded,
        deviation_percent=deviation,
        course_g=rounded * days,
        infusions=tuple(Infusion(d, rounded) for d in dates),
        increment_g=increment,
        working=_working(kg, per_kg, exact, each, rounded, deviation, days),
    )


def _rounded(course: Decimal, days: int, rounding: Rounding | None, sizes: Sequence[Decimal]) -> tuple[Decimal, Decimal | None]:
    """The first increment whose nearest multiple (a tie goes down) is within tolerance and makeable; else 0.1 g without vial rounding.

    The tolerance is held against the whole course, because a third of it has no exact decimal.
    """
    each = course / days
    for increment in rounding.increments_g if rounding else ():
        nearest = (each / increment).to_integral_value(ROUND_HALF_DOWN) * increment
        if rounding and nearest > 0 and abs(nearest * days - course) <= course * rounding.tolerance and makeable(nearest, sizes):
            return nearest, increment
    return half_up(each, "0.1"), None


def _working(
    kg: Decimal, per_kg: Decimal | None, exact: Decimal, each: Decimal, rounded: Decimal, deviation: Decimal, days: int
) -> tuple[str, ...]:
    """The calculation as a person would write it on paper."""
    lines = []
    if per_kg is not None:
        lines.append(f"{kg} kg × {plain(per_kg)} g/kg = {plain(half_up(exact, '0.01'))} g for the course")
    else:
        lines.append(f"{plain(exact)} g for the course, as stated")
    if days > 1:
        lines.append(f"{plain(half_up(exact, '0.01'))} g ÷ {days} days = {plain(half_up(each, '0.01'))} g")
    sign = "+" if deviation > 0 else "−" if deviation < 0 else ""
    lines.append(f"rounded to {plain(rounded)} g ({sign}{abs(deviation)} %)")
    return tuple(lines)
