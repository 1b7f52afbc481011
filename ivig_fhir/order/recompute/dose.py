"""Dose, rounding, vials and volume of one infusion, from this calculation's own weight."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from ivig_fhir.content.model import Regimen
from ivig_fhir.fhir.reading import part
from ivig_fhir.fhir.stored_order import number, said
from ivig_fhir.order.recompute.facts import Facts
from ivig_fhir.order.recompute.lines import HUNDREDTH, TEN_THOUSANDTH, TENTH, THOUSANDTH, Recalculated, half_up
from ivig_fhir.order.recompute.vials import fewest, makeable
from ivig_fhir.order.recompute.weight import Body

_MG_IN_A_GRAM, _WEEKS_IN_A_MONTH = 1000, 4
_HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Dose:
    """Grams of the course and of one infusion before and after rounding, the increment, and the volume in mL; None: not to be had.

    `known`: from grams per kilogram, or from grams that the prescriber is known to have stated; else the order's own grams are taken.
    """

    course: Fraction | None
    each: Fraction | None
    grams: Fraction | None
    step: Fraction | None
    volume: Fraction | None
    known: bool


def dose_of(f: Facts, body: Body) -> Dose:
    """The dose as this calculation has it."""
    per_kg, stated, times = number(f.basis.get("courseDosePerWeight"), "g/kg"), stated_g(f), f.infusions
    known = per_kg is not None or stated is not None
    if per_kg is not None:
        course = None if body.kg is None else per_kg * body.kg
    else:
        course = stated if stated is not None else f.exact * times if f.exact is not None else None
    each = course / times if course is not None and times else None
    if not each:
        return Dose(course, each, None, None, None, known)
    grams, step = _to_vials(each, rounding_of(f), sizes_of(f))
    if not known and _may_be_rounded(f, step):
        grams = f.grams or grams
    concentration = concentration_of(f)
    return Dose(course, each, grams, step, half_up(grams * _MG_IN_A_GRAM / concentration, TENTH) if concentration else None, known)


def stated_g(f: Facts) -> Fraction | None:
    """Grams of the course as the prescriber stated them, where the choices were kept."""
    return f.approved.chosen("dose", "course_g") if f.approved else None


def sizes_of(f: Facts) -> tuple[Fraction, ...]:
    """The vials that there are: those that the prescriber named, else the product's."""
    named = f.approved.listed("", "vial_sizes_g") if f.approved else ()
    return named or tuple(Fraction(v) for v in (f.product.vials_g if f.product else ()))


def concentration_of(f: Facts) -> Fraction | None:
    """What the prescriber chose, else the product's first; without the choices the order's own."""
    chosen = f.approved.chosen("", "concentration_mg_ml") if f.approved else f.concentration
    known = [Fraction(c) for c in (f.product.concentrations_mg_ml if f.product else ())]
    return chosen if chosen is not None else known[0] if known else None


def rounding_of(f: Facts) -> tuple[Sequence[Fraction], Fraction]:
    """The increments that are tried and the tolerated fraction: the prescriber's, else the site's, else those of the patient's age.

    No increments: to 0.1 g. Without the choices the order's own increment is taken.
    """
    who = "adult" if f.adult else "infant" if f.years == 0 else "child"
    policy = next(p for p in f.tables.roundings.values() if p.applies == who)
    site = f.tables.site
    tolerance = Fraction(policy.tolerance if site.rounding_tolerance is None else site.rounding_tolerance)
    if f.approved is None:
        step = number(f.basis.get("roundingIncrement"), "g")
        return (step,) if step else (), tolerance
    wanted = f.approved.chosen("rounding", "tolerance")
    tolerance = tolerance if wanted is None else wanted
    if part(f.approved.selections, "rounding").get("increments_g") is not None:
        return f.approved.listed("rounding", "increments_g"), tolerance
    if stated_g(f) is not None:
        return (), tolerance
    return tuple(map(Fraction, policy.increments_g and (site.rounding_increments_g or policy.increments_g))), tolerance


def _to_vials(
    exact: Fraction, rounding: tuple[Sequence[Fraction], Fraction], sizes: Sequence[Fraction]
) -> tuple[Fraction, Fraction | None]:
    """The nearest multiple (a tie goes down) of the first increment that stays within the tolerance and that whole vials make."""
    increments, tolerance = rounding
    for step in increments:
        grams = ceil(exact / step - _HALF) * step
        if grams > 0 and abs(grams - exact) <= exact * tolerance and makeable(grams, sizes):
            return grams, step
    return half_up(exact, TENTH), None


def _may_be_rounded(f: Facts, step: Fraction | None) -> bool:
    """Grams that nobody is known to have stated are stored to 0.01 g: whether an exact dose that prints so gives the dose."""
    if f.exact is None or f.grams is None or step is not None:
        return False
    low, high = (half_up(f.exact + sign * HUNDREDTH / 2, TENTH) for sign in (-1, 1))
    return low <= f.grams <= high


def dose_lines(f: Facts, body: Body, dose: Dose) -> Iterable[Recalculated]:
    """From grams per kilogram to the volume in the bag."""
    course, times = number(f.basis.get("courseDosePerWeight"), "g/kg"), f.infusions
    yield _calculated(f, body, dose, course)
    if course is not None and times:
        share, each = half_up(course / times, TEN_THOUSANDTH), number(f.basis.get("dosePerWeight"), "g/kg")
        working = f"{said(course, 'g/kg')} ÷ {times}"
        yield Recalculated(
            "Grams per kilogram of one infusion", said(each, "g/kg"), said(share, "g/kg"), share == each, "as stored", working
        )
    if f.approved is not None and course is not None:
        yield _per_kg(f, course)
    yield _rounded(f, dose)
    yield from _vials(f, dose)
    yield _volume(f, dose)


def _calculated(f: Facts, body: Body, dose: Dose, course: Fraction | None) -> Recalculated:
    what, times = "Calculated dose of one infusion", f.infusions
    if not dose.known:
        return Recalculated(what, said(f.exact, "g"), "the course was stated in grams", None)
    shown = half_up(dose.each, HUNDREDTH) if dose.each is not None else None
    exact = said(half_up(dose.each, THOUSANDTH), "g") if dose.each is not None else "nothing"
    stored, here = f"stated grams ÷ {times}", f"{said(dose.course, 'g')} ÷ {times}"
    if course is not None:
        stored, here = (f"{said(course, 'g/kg')} × {said(kg, 'kg')} ÷ {times}" for kg in (f.kg, body.kg))
    agrees = shown is not None and shown == f.exact
    return Recalculated(
        what, said(f.exact, "g"), said(shown, "g"), agrees, f"{stored} = {said(f.exact, 'g')}", f"{here} = {exact}, to 0.01 g"
    )


def _per_kg(f: Facts, course: Fraction) -> Recalculated:
    """Grams per kilogram of the course: the prescriber's, else those of the regimen by its basis."""
    chosen = f.approved.chosen("dose", "per_kg") if f.approved else None
    told = "chosen by the prescriber"
    if chosen is None and f.regimen is not None:
        told, chosen = f"regimen {f.regimen.id}, {f.regimen.basis}", _of_regimen(f, f.regimen)
    return Recalculated("Grams per kilogram of the course", said(course, "g/kg"), said(chosen, "g/kg"), chosen == course, "as stored", told)


def _of_regimen(f: Facts, regimen: Regimen) -> Fraction:
    """What a regimen proposes for one course, by its basis: a month is four weeks, days are multiplied, another regimen is looked up."""
    named = regimen
    if regimen.basis.startswith("as ") and f.order_set:
        named = f.order_set.regimen(regimen.basis[3:].replace("_", "-")) or regimen
    usual = regimen.usual_g_kg if named is regimen else None
    dose = Fraction(named.dose_g_kg[0] if usual is None else usual)
    if named.basis.startswith("per day x"):
        return dose * int(named.basis.split()[3])
    if named.basis == "per_month":
        return dose * _weeks(f, regimen, named) / _WEEKS_IN_A_MONTH
    return dose


def _weeks(f: Facts, regimen: Regimen, named: Regimen) -> Fraction:
    """Weeks between courses: the prescriber's, else the regimen's usual or shortest ones, else those of the regimen it refers to."""
    chosen = f.approved.chosen("", "interval_weeks") if f.approved else None
    if chosen is not None:
        return chosen
    if regimen.interval_weeks is not None:
        return Fraction(regimen.usual_interval_weeks or regimen.interval_weeks[0])
    return Fraction(named.interval_weeks[0] if named.interval_weeks else _WEEKS_IN_A_MONTH)


def _rounded(f: Facts, dose: Dose) -> Recalculated:
    stored = number(f.basis.get("roundingIncrement"), "g")
    increments, tolerance = rounding_of(f)
    tried = ", ".join(said(i, "g") for i in increments) or "no increment"
    how = (
        f"{said(dose.step, 'g')}, the first of {tried} within {said(tolerance * 100)} % that vials make"
        if dose.step
        else f"0.1 g ({tried} fits)"
    )
    each = "nothing" if dose.each is None else said(half_up(dose.each, THOUSANDTH), "g")
    first = f"{said(f.exact, 'g')} rounded to {said(stored or TENTH, 'g')}"
    agrees = dose.grams is not None and dose.grams == f.grams and dose.grams > 0 and dose.step == stored
    shown = [said(f.grams, "g"), said(dose.grams, "g")]
    if dose.grams == f.grams and dose.step != stored:
        shown = [f"{g}, to {said(i or TENTH, 'g')}" for g, i in zip(shown, (stored, dose.step), strict=True)]
    return Recalculated("Dose of one infusion", shown[0], shown[1], agrees, first, f"{each} rounded to {how}")


def _vials(f: Facts, dose: Dose) -> Iterable[Recalculated]:
    sizes = sizes_of(f)
    want = fewest(dose.grams, sizes) if dose.grams is not None else []
    stored, here = (", ".join(f"{n} × {said(g, 'g')}" for g, n in vials) or "none named" for vials in (f.vials, want))
    working = f"the fewest of {', '.join(said(s) for s in sizes) or 'no'} g for {said(dose.grams, 'g')}, larger first"
    # Without the choices nobody knows which vials there are: other vials than expected are then shown, not held against the order.
    agrees = f.vials == want or (None if f.approved is None and _hold(f) else False)
    yield Recalculated("Vials of one infusion", stored, here, agrees, "as stored", working)
    if f.approved is not None:
        kept = f.approved.printed("", "waste_g")
        left = sum((g * n for g, n in want), Fraction(0)) - dose.grams if want and dose.grams is not None else None
        less = f"{here} less {said(dose.grams, 'g')}"
        yield Recalculated("Waste of one infusion", said(kept, "g"), said(left, "g"), kept == left, "as approved", less)


def _hold(f: Facts) -> bool:
    """Whether the vials of the order hold its dose."""
    if f.grams is None or not all(g is not None and isinstance(n, int) and n > 0 for g, n in f.vials):
        return False
    return not f.vials or sum((g * int(n or 0) for g, n in f.vials if g is not None), Fraction(0)) >= f.grams


def _volume(f: Facts, dose: Dose) -> Recalculated:
    what, want = "Volume of one infusion", concentration_of(f)
    if not f.concentration or not want:
        return Recalculated(what, said(f.volume, "mL"), "the concentration is missing", False)
    known = [Fraction(c) for c in (f.product.concentrations_mg_ml if f.product else ())]
    agrees = dose.volume is not None and dose.volume == f.volume and want == f.concentration and f.concentration in known
    stored, here = (f"{said(g, 'g')} × 1000 ÷ {said(c, 'mg/mL')}" for g, c in ((f.grams, f.concentration), (dose.grams, want)))
    return Recalculated(what, said(f.volume, "mL"), said(dose.volume, "mL"), agrees, stored, here)
