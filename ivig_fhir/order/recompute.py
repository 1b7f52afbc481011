"""A second calculation, written apart from the first: from what the EHR stored, the raw record and the label tables, on exact fractions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil, floor

from ivig_fhir.content.model import Content, Ladder, Product, WeightPolicy
from ivig_fhir.fhir.codes import LOINC, codings
from ivig_fhir.fhir.dates import completed_years, parse_date, parse_time
from ivig_fhir.fhir.given import given_on
from ivig_fhir.fhir.references import own_reference, pointed_to
from ivig_fhir.fhir.stored_order import Resource, StoredOrder, in_unit, number, said

# Ideal weight in kg: 50 (men) or 45.5 (women) plus 2.3 for each inch above 60. See: Devine 1974, Drug Intell Clin Pharm 8:650.
_IDEAL_MALE, _IDEAL_FEMALE, _PER_INCH, _INCHES, _CM = (Fraction(x) for x in ("50", "45.5", "2.3", "60", "2.54"))
_TENTH, _HUNDREDTH, _TEN_THOUSANDTH = Fraction(1, 10), Fraction(1, 100), Fraction(1, 10000)
_DAYS_IN_A_WEEK = 7
_USABLE = frozenset({"final", "amended", "corrected"})
STATED = "stated"


@dataclass(frozen=True)
class Tables:
    """What the second calculation takes from content: products with their label tables, weight policies, code sets, limits."""

    products: Mapping[str, Product]
    policies: Mapping[str, WeightPolicy]
    weight_codes: frozenset[str]
    height_codes: frozenset[str]
    adult_years: int
    min_height_cm: Fraction
    tolerance: Fraction


@dataclass(frozen=True, slots=True)
class Recalculated:
    """One value: as ordered, as recalculated, and whether they agree. None: there is nothing to recalculate it from, and why."""

    what: str
    ordered: str
    recomputed: str
    agrees: bool | None


def tables_of(content: Content) -> Tables:
    """The tables of one content version."""
    panels, limits = content.panels, content.constants
    return Tables(
        content.products,
        content.weight_policies,
        frozenset(panels["body-weight"].loinc),
        frozenset(panels["body-height"].loinc),
        int(limits["adult_years"]),
        Fraction(limits["min_height_cm"]),
        max(Fraction(p.tolerance) for p in content.rounding_policies.values()),
    )


def recompute(order: Resource, record: Sequence[Resource], tables: Tables) -> tuple[Recalculated, ...]:
    """Every number of a stored IVIG order, calculated again.

    `order` is the MedicationRequest as the EHR returns it, `record` the patient's resources as raw JSON (Patient and the Observations that
    the order names at least). Weight in kg, dose in g, volume in mL, rates in mL/h. Covers weight, dose, rounding, volume, rate steps and
    their maximum, dates and limits; not duplicates, cumulative dose or contraindications.
    """
    facts = _Facts(order, record, tables)
    return tuple(line for rule in _RULES for line in rule(facts))


def disagreements(lines: Iterable[Recalculated]) -> tuple[Recalculated, ...]:
    """The lines that forbid a verification."""
    return tuple(line for line in lines if line.agrees is False)


class _Facts(StoredOrder):
    """The stored order beside the record and the tables."""

    def __init__(self, order: Resource, record: Sequence[Resource], tables: Tables) -> None:
        super().__init__(order)
        self.tables, self.record = tables, {own_reference(r): r for r in record}
        self.product = next((p for i, p in tables.products.items() if i in self.product_codes), None)

    def observation(self, codes: frozenset[str]) -> tuple[str, Resource | None]:
        """The newest usable Observation with one of these LOINC codes that the order names, and its reference."""
        found = [(name, self.record[name]) for name in self.supported_by if name in self.record and _is(self.record[name], codes)]
        return max(found, key=lambda pair: str(pair[1].get("effectiveDateTime")), default=("", None))

    @property
    def ladder(self) -> Ladder | None:
        """The rate table that the order names, of this product at this concentration."""
        tables = [x for x in (self.product.ladders if self.product else ()) if Fraction(x.concentration_mg_ml) == self.concentration]
        return next((x for x in tables if self.rating.get("ladder") in x.for_), None)


def _identity(f: _Facts) -> Iterable[Recalculated]:
    named = (f.record[name] for name in f.supported_by if name in f.record)
    others = {pointed_to(r.get("subject")) for r in named if r.get("resourceType") == "Observation"}
    yield Recalculated("Patient", f.patient, ", ".join(sorted(others)) or f.patient, others <= {f.patient})
    name = f.product.brand if f.product else "no product of the label tables"
    yield Recalculated("Product", str((f.order.get("medicationCodeableConcept") or {}).get("text") or ""), name, f.product is not None)


def _weight(f: _Facts) -> Iterable[Recalculated]:
    if f.basis.get("policy") == STATED or f.basis.get("weightUsed") == STATED:
        yield Recalculated("Dosing weight", said(f.kg, "kg"), "stated by the prescriber", None)
        return
    source, weighed = f.observation(f.tables.weight_codes)
    yield Recalculated("Weighed in", f.weighed_in, source or "no usable weight that the order names", source == f.weighed_in != "")
    actual, policy = in_unit(weighed, "kg"), f.tables.policies.get(str(f.basis.get("policy")))
    ordered = f"{said(f.kg, 'kg')}, {f.basis.get('weightUsed')}"
    if actual is None or policy is None:
        yield Recalculated("Dosing weight", ordered, "no weight can be read" if actual is None else "the policy is not known", False)
        return
    version = f.basis.get("policyVersion")  # of another version nothing is held against the order: the weight tells what it changes
    yield Recalculated("Weight policy", f"version {version}", f"version {policy.version}", version == policy.version or None)
    used, kg = _by_policy(f, policy, actual)
    yield Recalculated("Dosing weight", ordered, f"{said(kg, 'kg')}, {used}", (kg, used) == (f.kg, f.basis.get("weightUsed")))


def _by_policy(f: _Facts, policy: WeightPolicy, actual: Fraction) -> tuple[str, Fraction]:
    """The weight that the policy gives, rounded to 0.1 kg (0.01 kg below 10 kg), and its name."""
    patient, cm = f.record.get(f.patient, {}), in_unit(f.observation(f.tables.height_codes)[1], "cm")
    born, signed, sex = parse_date(patient.get("birthDate")), parse_time(f.order.get("authoredOn")), patient.get("gender")
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
    return name, _half_up(kg, _TENTH if kg >= 10 else _HUNDREDTH)


def _dose(f: _Facts) -> Iterable[Recalculated]:
    per_kg, course = (number(f.basis.get(k), "g/kg") for k in ("dosePerWeight", "courseDosePerWeight"))
    exact, times = f.exact or Fraction(0), f.basis.get("infusions")
    if course is None or f.kg is None or not times:
        yield Recalculated("Calculated dose of one infusion", said(f.exact, "g"), "the course was stated in grams", None)
    else:
        exact, share = course * f.kg / int(times), _half_up(course / int(times), _TEN_THOUSANDTH)
        shown = _half_up(exact, _HUNDREDTH)
        yield Recalculated("Calculated dose of one infusion", said(f.exact, "g"), said(shown, "g"), shown == f.exact)
        yield Recalculated("Grams per kilogram of one infusion", said(per_kg, "g/kg"), said(share, "g/kg"), share == per_kg)
    yield _rounded(f, exact)


def _rounded(f: _Facts, exact: Fraction) -> Recalculated:
    """To the nearest multiple of the increment (a tie goes down) within the tolerance; without one to 0.1 g."""
    increment = number(f.basis.get("roundingIncrement"), "g")
    grams = _half_up(exact, _TENTH) if increment is None else ceil(exact / increment - Fraction(1, 2)) * increment
    near = increment is None or abs(grams - exact) <= exact * f.tables.tolerance
    return Recalculated("Dose of one infusion", said(f.grams, "g"), said(grams, "g"), grams == f.grams and near and grams > 0)


def _volume(f: _Facts) -> Iterable[Recalculated]:
    if f.grams is None or not f.concentration:
        yield Recalculated("Volume of one infusion", said(f.volume, "mL"), "the concentration is missing", False)
        return
    made = f.product is not None and any(Fraction(c) == f.concentration for c in f.product.concentrations_mg_ml)
    volume = _half_up(f.grams * 1000 / f.concentration, _TENTH)
    yield Recalculated("Volume of one infusion", said(f.volume, "mL"), said(volume, "mL"), volume == f.volume and made)


def _rates(f: _Facts) -> Iterable[Recalculated]:
    if not f.steps or f.kg is None or f.volume is None:
        yield Recalculated("Rate steps", f"{len(f.steps)} steps", "there are no rates to recalculate", False)
        return
    if f.rating.get("basis") == "none":  # one rate over whole hours, chosen by the prescriber: only the maximum can be recalculated
        yield Recalculated("Rate steps", f"{len(f.steps)} steps", "one rate over hours", len(f.steps) == 1)
    else:
        yield from _ladder_steps(f, f.kg, f.volume)
    yield from _maximum(f, f.kg)


def _ladder_steps(f: _Facts, kg: Fraction, volume: Fraction) -> Iterable[Recalculated]:
    """Each step on the pump: the rung times the weight, cut to 1 mL/h (0.1 below 10); volumes to 0.1 mL, the last takes the rest."""
    left = volume
    for at, step in enumerate(f.steps):
        rung, last = number(step.get("rateOrdered"), "mL/kg/h"), at == len(f.steps) - 1
        minutes = number(step.get("duration"), "min")
        if rung is None or (minutes is None and not last):
            yield Recalculated(f"Step {at + 1}", "incomplete", "a rate and its minutes are needed", False)
            continue
        pump = Fraction(floor(rung * kg)) if rung * kg >= 10 else Fraction(floor(rung * kg * 10), 10)
        part = left if last else _half_up(pump * (minutes or 0) / 60, _TENTH)
        ordered = (number(step.get("rateCalculated"), "mL/h"), number(step.get("volumeCalculated"), "mL"))
        fits = ordered == (pump, part) and 0 < part <= left and _is_rung(f, rung, minutes, at)
        shown = [f"{said(rate, 'mL/h')}, {said(ml, 'mL')}" for rate, ml in (ordered, (pump, part))]
        yield Recalculated(f"Step {at + 1}", shown[0], shown[1], fits)
        left -= part


def _is_rung(f: _Facts, rung: Fraction, minutes: Fraction | None, at: int) -> bool:
    """Whether the label table has this step in this place, or it is the order's cap; a site's own table is the site's."""
    table, cap = f.ladder, number(f.rating.get("cap"), "mL/kg/h")
    if f.rating.get("basis") == "site":
        return table is None or rung <= Fraction(table.max_ml_kg_h)
    if table is None:
        return False
    if at == len(f.steps) - 1 and cap is not None and _half_up(rung, _TEN_THOUSANDTH) == cap:
        return rung <= Fraction(table.max_ml_kg_h)
    row = table.steps[at] if at < len(table.steps) else None
    if row is None or Fraction(row.ml_kg_h) != rung:
        return False
    return minutes is None or row.minutes is None or Fraction(row.minutes) == minutes


def _maximum(f: _Facts, kg: Fraction) -> Iterable[Recalculated]:
    """The highest rate is that of the steps, and not above the product's own maximum for this weight."""
    span = f.ordered.get("rateRange") or {}
    low, high = number(span.get("low"), "mL/h"), number(span.get("high"), "mL/h")
    rates = [r for r in (number(s.get("rateCalculated"), "mL/h") for s in f.steps) if r is not None]
    ends = (min(rates), max(rates)) if rates else (None, None)
    shown = [f"{said(a, 'mL/h')} to {said(b, 'mL/h')}" for a, b in ((low, high), ends)]
    yield Recalculated("Lowest and highest rate", shown[0], shown[1], bool(rates) and ends == (low, high))
    tables = [f.ladder] if f.ladder else list(f.product.ladders if f.product else ())
    most = max((_highest(f, x) * kg for x in tables), default=None)
    limit = "no maximum in the label tables" if most is None else f"at most {said(_half_up(most, _TENTH), 'mL/h')}"
    yield Recalculated("Label maximum", said(high, "mL/h"), limit, None if most is None else high is not None and high <= most)


def _highest(f: _Facts, table: Ladder) -> Fraction:
    """The maximum of a table; of a maker's chart for experienced patients the lower one, unless the record shows that the patient is."""
    new, first = table.new_patients, min(f.dates, default=None)
    if new is None or f.product is None or first is None:
        return Fraction(table.max_ml_kg_h)
    given = given_on(f.record, f.product.names, f.product.codes.get("ndc", ()))
    used_to_it = any(0 <= (first - day).days <= new.within_days for day in given)
    return Fraction(table.max_ml_kg_h if used_to_it else new.max_ml_kg_h)


def _schedule(f: _Facts) -> Iterable[Recalculated]:
    days, times = f.dates, int(f.basis.get("infusions") or 0)
    written = len(days) == len(f.written) > 0 and days == sorted(set(days))
    yield Recalculated("Infusions", f"{times} in a course", f"{len(days)} dates", written and times > 0 and len(days) % times == 0)
    if f.series and written and times > 0:
        yield _series(f, days, times)
    if f.repeat is not None and days:
        yield Recalculated("Daily repeat", f"{f.repeat.get('count')} days", f"{(days[-1] - days[0]).days + 1} days", _daily(f.repeat, days))
    total = None if f.grams is None else f.grams * len(days)
    supply = number((f.order.get("dispenseRequest") or {}).get("quantity"), "g")
    yield Recalculated("Grams to supply", said(supply, "g"), said(total, "g"), total is not None and supply == total)
    once = number(f.dosage.get("maxDosePerAdministration"), "g")
    yield Recalculated("Most in one infusion", said(once, "g"), said(f.grams, "g"), once is not None and once == f.grams)
    yield _most_in_a_course(f, days)


def _series(f: _Facts, days: Sequence[date], times: int) -> Recalculated:
    """The first course moved by whole intervals, each to the nearest day, half up: the dates that the order must hold."""
    weeks, cycles = number(f.series.get("interval"), "wk"), f.series.get("cycles")
    ordered = f"{len(days)} dates from {days[0]} to {days[-1]}"
    if weeks is None or weeks <= 0 or not isinstance(cycles, int) or cycles * times != len(days):
        return Recalculated("Series", ordered, f"{cycles} courses, {said(weeks, 'weeks')} apart", False)
    moved = [int(_half_up(weeks * _DAYS_IN_A_WEEK * n, Fraction(1))) for n in range(cycles)]
    apart = [(day - days[0]).days for day in days]
    made = [by + first for by in moved for first in apart[:times]]
    return Recalculated("Series", ordered, f"{cycles} courses over {made[-1] + 1} days", made == apart)


def _most_in_a_course(f: _Facts, days: Sequence[date]) -> Recalculated:
    limit = f.dosage.get("maxDosePerPeriod") or {}
    course, span = number(limit.get("numerator"), "g"), number(limit.get("denominator"), "d")
    need = None
    if f.grams is not None and span is not None:
        need = max((f.grams * sum(0 <= (day - first).days < span for day in days) for first in days), default=None)
    return Recalculated("Most in a course", said(course, "g"), said(need, "g"), need is not None and course == need)


def _daily(repeat: Resource, days: Sequence[date]) -> bool:
    bounds = repeat.get("boundsPeriod") or {}
    ends = parse_date(bounds.get("start")) == days[0] and parse_date(bounds.get("end")) == days[-1]
    return ends and repeat.get("count") == len(days) == (days[-1] - days[0]).days + 1


_RULES: Sequence[Callable[[_Facts], Iterable[Recalculated]]] = (_identity, _weight, _dose, _volume, _rates, _schedule)


def _is(resource: Resource, codes: frozenset[str]) -> bool:
    if resource.get("resourceType") != "Observation" or resource.get("status") not in _USABLE:
        return False
    return any(c.system == LOINC and c.code in codes for c in codings(resource.get("code")))


def _half_up(value: Fraction, step: Fraction) -> Fraction:
    return floor(value / step + Fraction(1, 2)) * step
