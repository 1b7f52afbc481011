"""A second calculation, written apart from the first: from what the EHR stored, the raw record and the label tables, on exact fractions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil, floor

from ivig_fhir.content.model import Ladder, WeightPolicy
from ivig_fhir.fhir.dates import completed_years, parse_date, parse_time
from ivig_fhir.order.stored import (
    Resource,
    StoredOrder,
    Tables,
    grams,
    half_up,
    in_unit,
    kilograms,
    milliliters,
    number,
    plain_reference,
    pump_rate,
    said,
)

# Ideal weight in kg: 50 (men) or 45.5 (women) plus 2.3 for each inch above 60. See: Devine 1974, Drug Intell Clin Pharm 8:650.
_IDEAL_MALE, _IDEAL_FEMALE, _PER_INCH, _INCHES, _CM = (Fraction(x) for x in ("50", "45.5", "2.3", "60", "2.54"))
_TENTH, _HUNDREDTH, _TEN_THOUSANDTH = Fraction(1, 10), Fraction(1, 100), Fraction(1, 10000)
STATED = "stated"


@dataclass(frozen=True, slots=True)
class Recalculated:
    """One value: as ordered, as recalculated, and whether they agree. None: there is nothing to recalculate it from, and why."""

    what: str
    ordered: str
    recomputed: str
    agrees: bool | None


def recompute(order: Resource, record: Sequence[Resource], tables: Tables) -> tuple[Recalculated, ...]:
    """Every number of a stored IVIG order, calculated again.

    `order` is the MedicationRequest as the EHR returns it, `record` the patient's resources as raw JSON (Patient and the Observations that
    the order names at least). Weight in kg, dose in g, volume in mL, rates in mL/h. Covers weight, dose, rounding, volume, rate steps and
    their maximum, dates and limits; not duplicates, cumulative dose or contraindications.
    """
    facts = StoredOrder(order, record, tables)
    return tuple(line for rule in _RULES for line in rule(facts))


def disagreements(lines: Iterable[Recalculated]) -> tuple[Recalculated, ...]:
    """The lines that forbid a verification."""
    return tuple(line for line in lines if line.agrees is False)


def _identity(f: StoredOrder) -> Iterable[Recalculated]:
    subject = plain_reference(str((f.order.get("subject") or {}).get("reference")))
    others = {plain_reference(str((r.get("subject") or {}).get("reference"))) for n, r in f.record.items() if n.startswith("Observation/")}
    yield Recalculated("Patient", subject, ", ".join(sorted(others)) or subject, others <= {subject})
    name = f.product.brand if f.product else "no product of the label tables"
    yield Recalculated("Product", str((f.order.get("medicationCodeableConcept") or {}).get("text") or ""), name, f.product is not None)


def _weights(f: StoredOrder) -> Iterable[Recalculated]:
    if f.basis.get("policy") == STATED or f.basis.get("weightUsed") == STATED:
        yield Recalculated("Dosing weight", kilograms(f.kg), "stated by the prescriber", None)
        return
    source, weighed = f.observation(f.tables.weight_codes)
    named = plain_reference(str((f.basis.get("weightSource") or {}).get("reference")))
    actual = in_unit(weighed, "kg")
    yield Recalculated("Weighed in", named, source or "no usable weight among what the order names", bool(source) and source == named)
    if actual is None:
        yield Recalculated("Dosing weight", kilograms(f.kg), "the weight cannot be read", False)
        return
    policy = f.tables.policies.get(str(f.basis.get("policy")))
    if policy is None:
        yield Recalculated("Dosing weight", kilograms(f.kg), "the policy is not known", False)
        return
    used, kg = _by_policy(f, policy, actual)
    yield Recalculated("Dosing weight", f"{kilograms(f.kg)} ({f.basis.get('weightUsed')})", f"{kilograms(kg)} ({used})",
                       (kg, used) == (f.kg, f.basis.get("weightUsed")))  # fmt: skip


def _by_policy(f: StoredOrder, policy: WeightPolicy, actual: Fraction) -> tuple[str, Fraction]:
    """The weight that the policy gives, rounded to 0.1 kg (0.01 kg below 10 kg), and its name."""
    cm, sex = in_unit(f.observation(f.tables.height_codes)[1], "cm"), f.patient.get("gender")
    born, signed = parse_date(f.patient.get("birthDate")), parse_time(f.order.get("authoredOn"))
    adult = born is not None and signed is not None and completed_years(born, signed.earliest.date()) >= f.tables.adult_years
    name, kg = "actual", actual
    if adult and cm is not None and cm >= f.tables.min_height_cm and sex in ("male", "female") and policy.rule != "actual":
        ideal = (_IDEAL_MALE if sex == "male" else _IDEAL_FEMALE) + _PER_INCH * (cm / _CM - _INCHES)
        adjusted = ideal + Fraction(policy.factor) * (actual - ideal)
        limit, bmi = Fraction(policy.limit or 1), actual / (cm / 100) ** 2
        heavier = bmi >= limit if policy.rule == "adjusted-from-bmi" else actual > ideal * limit
        if policy.rule == "lower-of-ideal-and-actual":
            name, kg = ("ideal", ideal) if ideal < actual else (name, kg)
        elif heavier and adjusted < actual:
            name, kg = "adjusted", adjusted
    return name, half_up(kg, _TENTH if kg >= 10 else _HUNDREDTH)


def _dose(f: StoredOrder) -> Iterable[Recalculated]:
    each, course, times = (f.basis.get(k) for k in ("dosePerWeight", "courseDosePerWeight", "infusions"))
    per_kg = number(course, "g/kg")
    if per_kg is not None and f.kg is not None and times:
        exact = per_kg * f.kg / int(times)
        shown = half_up(exact, _HUNDREDTH)
        yield Recalculated("Calculated dose of one infusion", grams(f.exact), grams(shown), shown == f.exact)
        share = half_up(per_kg / int(times), _TEN_THOUSANDTH)
        yield Recalculated("Grams per kilogram of one infusion", said(number(each, "g/kg")), said(share), share == number(each, "g/kg"))
    else:
        yield Recalculated("Calculated dose of one infusion", grams(f.exact), "the course was stated in grams", None)
        exact = f.exact or Fraction(0)
    yield _rounded(f, exact)


def _rounded(f: StoredOrder, exact: Fraction) -> Recalculated:
    """To the nearest multiple of the increment (a tie goes down) within the tolerance; without one to 0.1 g."""
    increment = number(f.basis.get("roundingIncrement"), "g")
    grams = half_up(exact, _TENTH) if increment is None else ceil(exact / increment - Fraction(1, 2)) * increment
    near = increment is None or abs(grams - exact) <= exact * f.tables.tolerance
    return Recalculated("Dose of one infusion", grams(f.grams), grams(grams), grams == f.grams and near and grams > 0)


def _volume(f: StoredOrder) -> Iterable[Recalculated]:
    if f.grams is None or not f.concentration:
        yield Recalculated("Volume of one infusion", milliliters(f.volume), "the concentration is missing", False)
        return
    made = f.product is not None and any(Fraction(c) == f.concentration for c in f.product.concentrations_mg_ml)
    volume = half_up(f.grams * 1000 / f.concentration, _TENTH)
    yield Recalculated("Volume of one infusion", milliliters(f.volume), milliliters(volume), volume == f.volume and made)


def _rates(f: StoredOrder) -> Iterable[Recalculated]:
    if not f.steps or f.kg is None or f.volume is None:
        yield Recalculated("Rate steps", f"{len(f.steps)} steps", "there are no rates to recalculate", False)
        return
    if f.rating.get("basis") == "none":  # one rate over whole hours, chosen by the prescriber
        rate = number(f.steps[0].get("rateCalculated"), "mL/h")
        agrees = len(f.steps) == 1 and rate is not None and rate > 0
        yield Recalculated("Rate", pump_rate(rate), "one rate over hours, within the maximum below", agrees or False)
    else:
        yield from _ladder_steps(f, f.kg, f.volume)
    yield from _maximum(f, f.kg)


def _ladder_steps(f: StoredOrder, kg: Fraction, volume: Fraction) -> Iterable[Recalculated]:
    """Each step on the pump: the rung times the weight, cut to 1 mL/h (0.1 below 10); volumes to 0.1 mL, the last takes the rest."""
    left = volume
    for number, step in enumerate(f.steps, start=1):
        rung, last = number(step.get("rateOrdered"), "mL/kg/h"), number == len(f.steps)
        minutes = number(step.get("duration"), "min")
        if rung is None or (minutes is None and not last):
            yield Recalculated(f"Step {number}", "incomplete", "a rate and its minutes are needed", False)
            continue
        pump = Fraction(floor(rung * kg)) if rung * kg >= 10 else Fraction(floor(rung * kg * 10), 10)
        part = left if last else half_up(pump * (minutes or 0) / 60, _TENTH)
        ordered = (number(step.get("rateCalculated"), "mL/h"), number(step.get("volumeCalculated"), "mL"))
        fits = ordered == (pump, part) and 0 < part <= left and _is_rung(f, rung, minutes, number)
        yield Recalculated(f"Step {number}", f"{pump_rate(ordered[0])}, {milliliters(ordered[1])}", f"{pump_rate(pump)}, {milliliters(part)}", fits)
        left -= part


def _is_rung(f: StoredOrder, rung: Fraction, minutes: Fraction | None, number: int) -> bool:
    """Whether the label table has this step in this place, or it is the order's cap; a site's own table is the site's."""
    table = _ladder(f)
    if table is None or f.rating.get("basis") == "site":
        return f.rating.get("basis") == "site"
    cap = number(f.rating.get("cap"), "mL/kg/h")
    if number == len(f.steps) and cap is not None and rung == half_up(cap, _TEN_THOUSANDTH):
        return rung <= Fraction(table.max_ml_kg_h)
    at = table.steps[number - 1] if number <= len(table.steps) else None
    return at is not None and Fraction(at.ml_kg_h) == rung and (minutes is None or at.minutes is None or Fraction(at.minutes) == minutes)


def _ladder(f: StoredOrder) -> Ladder | None:
    tables = f.product.ladders if f.product else ()
    here = [x for x in tables if Fraction(x.concentration_mg_ml) == f.concentration]
    return next((x for x in here if f.rating.get("ladder") in x.for_), None)


def _maximum(f: StoredOrder, kg: Fraction) -> Iterable[Recalculated]:
    """The highest rate is that of the steps, and not above the product's own maximum for this weight."""
    span = f.ordered.get("rateRange") or {}
    low, high = number(span.get("low"), "mL/h"), number(span.get("high"), "mL/h")
    rates = [r for r in (number(s.get("rateCalculated"), "mL/h") for s in f.steps) if r is not None]
    held = bool(rates) and (min(rates), max(rates)) == (low, high)
    yield Recalculated("Lowest and highest rate", f"{pump_rate(low)} to {pump_rate(high)}", f"{pump_rate(min(rates))} to {pump_rate(max(rates))}" if rates else "", held)
    ladders = f.product.ladders if f.product else ()
    named = _ladder(f)
    most = Fraction(named.max_ml_kg_h) * kg if named else max((Fraction(x.max_ml_kg_h) * kg for x in ladders), default=None)
    shown = "no maximum in the label tables" if most is None else f"at most {pump_rate(half_up(most, _TENTH))}"
    yield Recalculated("Label maximum", pump_rate(high), shown, None if most is None else high is not None and high <= most)


def _schedule(f: StoredOrder) -> Iterable[Recalculated]:
    days = [d for d in f.dates if d is not None]
    written = len(days) == len(f.dates) > 0 and days == sorted(set(days))
    times = int(f.basis.get("infusions") or 0)
    fits = written and times > 0 and len(days) % times == 0
    yield Recalculated("Infusions", f"{times} in a course", f"{len(days)} dates", fits)
    repeat = (f.dosage.get("timing") or {}).get("repeat")
    if isinstance(repeat, dict) and written:
        yield Recalculated("Daily repeat", str(repeat.get("count")), str((days[-1] - days[0]).days + 1), _daily(repeat, days))
    supply = number((f.order.get("dispenseRequest") or {}).get("quantity"), "g")
    total = None if f.grams is None else f.grams * len(days)
    yield Recalculated("Grams to supply", grams(supply), grams(total), supply == total)
    once = number(f.dosage.get("maxDosePerAdministration"), "g")
    yield Recalculated("Most in one infusion", grams(once), grams(f.grams), once == f.grams)
    limit = f.dosage.get("maxDosePerPeriod") or {}
    course, span = number(limit.get("numerator"), "g"), number(limit.get("denominator"), "d")
    need = None if f.grams is None or span is None else max((f.grams * sum(0 <= (d - a).days < span for d in days) for a in days), default=None)
    yield Recalculated("Most in a course", grams(course), grams(need), need is not None and course == need)


def _daily(repeat: Resource, days: Sequence[Any]) -> bool:
    bounds = repeat.get("boundsPeriod") or {}
    ends = parse_date(bounds.get("start")) == days[0] and parse_date(bounds.get("end")) == days[-1]
    return ends and repeat.get("count") == len(days) == (days[-1] - days[0]).days + 1


_RULES: Sequence[Callable[[StoredOrder], Iterable[Recalculated]]] = (_identity, _weights, _dose, _volume, _rates, _schedule)
