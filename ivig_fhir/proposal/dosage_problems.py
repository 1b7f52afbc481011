"""What must never stand in an IVIG order: dosage shapes that R4 allows and a receiver would misread, found before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from ivig_fhir.fhir.dates import parse_date
from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME, RATE_STEP, SERIES, read
from ivig_fhir.fhir.quantity import Quantity, half_up
from ivig_fhir.fhir.reading import part, parts, word
from ivig_fhir.fhir.units import convert
from ivig_fhir.proposal.ambiguity import ambiguities
from ivig_fhir.proposal.dosage_text import parse_dosage_text
from ivig_fhir.proposal.extensions import STATED

Element = Mapping[str, Any]
_CENT = Decimal("0.01")  # calculated grams are written to 0.01 g
_UNROUNDED = Decimal("0.05")  # without vial rounding a dose is written to 0.1 g


def dosage_problems(order: Element, tolerance: Decimal) -> list[str]:
    """Every reason for which this MedicationRequest for IVIG must not leave; an empty list lets it pass.

    `tolerance` is the fraction by which vial rounding may change the calculated dose. Covers the order of one infusion course,
    not companions. See: FHIR R4 Dosage, notes on sequence, dose and rate.
    """
    entries = [d for d in order.get("dosageInstruction") or [] if isinstance(d, dict)]
    if len(entries) != 1:
        return [f"{len(entries)} dosage instructions: an order has exactly one", *_summed(entries)]
    dosage = entries[0]
    problems = [p for rule in _RULES for p in rule(dosage)]
    problems += _rounding(dosage, tolerance)
    problems += _supported(order, dosage)
    problems += _frame(order)
    return problems + ambiguities(order)


def amount(element: Any, code: str) -> Decimal | None:
    """The value of a Quantity if it is in this UCUM unit, else None."""
    if not isinstance(element, dict) or element.get("code") != code or isinstance(element.get("value"), bool):
        return None
    value = element.get("value")
    return Decimal(value) if isinstance(value, int | Decimal) else None


def dose_of(dosage: Element, kind: str) -> Element:
    """The doseAndRate of a type, `ordered` or `calculated`; in R4 one without a type is ordered. Read by code, in any system."""
    for item in parts(dosage, "doseAndRate"):
        codes = [word(c, "code") for c in parts(part(item, "type"), "coding")]
        if kind in codes or (kind == "ordered" and not codes):
            return item
    return {}


def events(dosage: Element) -> tuple[date, ...]:
    """The dates of the dosage; what is no full date is left out, and `_dates` says so."""
    written = part(dosage, "timing").get("event")
    found = (parse_date(str(e)[:10]) for e in written) if isinstance(written, list) else ()
    return tuple(d for d in found if d is not None)


def _doses(dosage: Element) -> Iterator[str]:
    kinds = [dose_of(dosage, k) for k in ("ordered", "calculated")]
    if len(dosage.get("doseAndRate") or []) != len(kinds) or not all(kinds):
        yield "doses are not exactly one ordered and one calculated"
    for kind, item in zip(("ordered", "calculated"), kinds, strict=True):
        if amount(item.get("doseQuantity"), "g") is None:
            yield f"the {kind} dose is not in grams"
    grams, most = amount(kinds[0].get("doseQuantity"), "g"), amount(dosage.get("maxDosePerAdministration"), "g")
    if grams is not None and most != grams:
        yield "the most for one administration is not the ordered dose"


def _repeat(dosage: Element) -> Iterator[str]:
    repeat = (dosage.get("timing") or {}).get("repeat")
    if not isinstance(repeat, dict):
        return
    if "duration" in repeat:
        yield "a duration beside the full dose says that the whole dose runs in that time"
        if "durationUnit" not in repeat:
            yield "a duration without its unit (tim-1)"
    bounds, dates = repeat.get("boundsPeriod") or {}, events(dosage)
    first, last = parse_date(bounds.get("start")), parse_date(bounds.get("end"))
    daily = (repeat.get("frequency"), repeat.get("period"), repeat.get("periodUnit")) == (1, 1, "d")
    if first is None or last is None or not daily:
        yield "a repeat that is not once a day between two dates"
    elif repeat.get("count") != (last - first).days + 1:
        yield "count and bounds of the repeat disagree"
    elif len(dates) != repeat.get("count") or (dates[0], dates[-1]) != (first, last):
        yield "the repeat says other days than the events"


def _dates(dosage: Element) -> Iterator[str]:
    written, dates = (dosage.get("timing") or {}).get("event") or [], events(dosage)
    if not dates or len(dates) != len(written):
        yield "the dates of the infusions are not written out"
    if any(later <= earlier for earlier, later in pairwise(dates)):
        yield "the dates are not in order, each once"
    if _infusions(dosage) != len(dates):
        yield "the dates are not those of the course, or of all its cycles"


def _infusions(dosage: Element) -> int | None:
    """How many infusions basis and series say that there are; None where the basis does not say it."""
    basis, series = (next(iter(found), {}) for found in (read(dose_of(dosage, "calculated"), DOSE_BASIS), read(dosage, SERIES)))
    course, cycles = basis.get("infusions"), series.get("cycles", 1)
    return course * cycles if isinstance(course, int) and isinstance(cycles, int) else None


def _period(dosage: Element) -> Iterator[str]:
    """No window of the stated period may hold more grams than the stated maximum."""
    limit = dosage.get("maxDosePerPeriod") or {}
    most, days = amount(limit.get("numerator"), "g"), amount(limit.get("denominator"), "d")
    grams, dates = amount(dose_of(dosage, "ordered").get("doseQuantity"), "g"), events(dosage)
    if most is None or days is None:
        yield "the most for a period is not in grams and days"
    elif grams is not None and any(grams * sum(0 <= (d - first).days < days for d in dates) > most for first in dates):
        yield "the doses of a period sum to more than its maximum"


def _rates(dosage: Element) -> Iterator[str]:
    span = dose_of(dosage, "ordered").get("rateRange")
    steps = read(dosage, RATE_STEP)
    if span is None:
        if steps:
            yield "rate steps without the range of rates"
        return
    low, high = amount(span.get("low"), "mL/h"), amount(span.get("high"), "mL/h")
    rates = [amount(s.get("rateCalculated"), "mL/h") for s in steps]
    if low is None or high is None or low > high:
        yield "the range of rates is not a low and a high in mL/h"
    elif None in rates or not rates or (min(r for r in rates if r is not None), max(r for r in rates if r is not None)) != (low, high):
        yield "the rate steps and the range of rates disagree"
    if [s.get("sequence") for s in steps] != list(range(1, len(steps) + 1)):
        yield "the rate steps are not numbered in order"
    if any(s.get("duration") is None for s in steps[:-1]) or (steps and steps[-1].get("duration") is not None):
        yield "every rate step but the last has a duration, and the last runs to the end"


def _volumes(dosage: Element) -> Iterator[str]:
    held = read(dosage, INFUSION_VOLUME)
    concentration = amount(held[0].get("concentration"), "mg/mL") if held else None
    volume = amount(held[0].get("volume"), "mL") if held else None
    grams = amount(dose_of(dosage, "ordered").get("doseQuantity"), "g")
    if concentration is None or concentration <= 0 or volume is None:
        yield "rates in mL/h without the concentration and the volume"
        return
    if grams is not None and half_up(convert(Quantity(grams, "g"), "mg").value / concentration, "0.1") != volume:
        yield "the volume is not the dose at this concentration"
    parts = [amount(s.get("volumeCalculated"), "mL") for s in read(dosage, RATE_STEP)]
    if parts and sum((p for p in parts if p is not None), Decimal(0)) != volume:
        yield "the volumes of the rate steps do not sum to the infusion"


def text_problems(dosage: Element) -> list[str]:
    """Where the text of a dosage and its coded values do not say the same, or the text says something that cannot be read back."""
    return list(_text(dosage))


def _text(dosage: Element) -> Iterator[str]:
    said = parse_dosage_text(str(dosage.get("text") or ""))
    if said is None:
        yield "the text cannot be read back"
        return
    ordered, calculated = dose_of(dosage, "ordered"), dose_of(dosage, "calculated")
    held, basis = (read(dosage, INFUSION_VOLUME) or [{}])[0], (read(calculated, DOSE_BASIS) or [{}])[0]
    steps = [(amount(s.get("rateCalculated"), "mL/h"), amount(s.get("duration"), "min")) for s in read(dosage, RATE_STEP)]
    pairs = (
        ("the dose", said.grams, amount(ordered.get("doseQuantity"), "g")),
        ("the most for one infusion", said.most_g, amount(dosage.get("maxDosePerAdministration"), "g")),
        ("the calculated dose", said.calculated_g, amount(calculated.get("doseQuantity"), "g")),
        ("the grams per kilogram", said.g_per_kg, amount(basis.get("dosePerWeight"), "g/kg")),
        ("the dosing weight", said.dosing_kg, amount(basis.get("dosingWeight"), "kg")),
        ("the weight policy", said.policy, basis.get("policy")),
        ("the volume", said.volume_ml, amount(held.get("volume"), "mL")),
        ("the concentration", said.concentration_mg_ml, amount(held.get("concentration"), "mg/mL")),
        ("the dates", said.dates, events(dosage)),
        ("the rate steps", said.steps, tuple(steps)),
        ("the highest rate", said.max_ml_h, amount(part(ordered, "rateRange").get("high"), "mL/h")),
    )
    yield from (f"text and coded data differ in {what}" for what, text, coded in pairs if text != coded)


def _basis(dosage: Element) -> Iterator[str]:
    """Grams per kilogram stand once, in the basis, together with the weight and the policy; and the product is the calculated dose."""
    calculated = dose_of(dosage, "calculated")
    held = read(calculated, DOSE_BASIS)
    if len(held) != 1 or amount(held[0].get("dosingWeight"), "kg") is None or not held[0].get("policy"):
        yield "the calculated dose does not say its dosing weight and policy"
        return
    within = sum(part in held[0] for part in ("dosePerWeight", "courseDosePerWeight"))
    if sum(1 for q in _quantities(dosage) if q.get("code") == "g/kg") != within:
        yield "grams per kilogram stand apart from the weight they were computed on"
    course, kg = amount(held[0].get("courseDosePerWeight"), "g/kg"), amount(held[0].get("dosingWeight"), "kg")
    grams, times = amount(calculated.get("doseQuantity"), "g"), held[0].get("infusions")
    if course is not None and kg is not None and grams is not None and (not times or abs(course * kg / times - grams) > _CENT):
        yield "the calculated dose is not the grams per kilogram on the dosing weight"


_RULES: Sequence[Callable[[Element], Iterator[str]]] = (_doses, _dates, _repeat, _period, _rates, _volumes, _basis, _text)


def _rounding(dosage: Element, tolerance: Decimal) -> Iterator[str]:
    grams, exact = (amount(dose_of(dosage, k).get("doseQuantity"), "g") for k in ("ordered", "calculated"))
    if grams is not None and exact is not None and abs(grams - exact) > max(exact * tolerance, _UNROUNDED) + _CENT:
        yield "ordered and calculated dose differ by more than the rounding allows"


def _supported(order: Element, dosage: Element) -> Iterator[str]:
    basis = (read(dose_of(dosage, "calculated"), DOSE_BASIS) or [{}])[0]
    named = {r.get("reference") for r in order.get("supportingInformation") or []}
    source = (basis.get("weightSource") or {}).get("reference")
    if basis.get("weightUsed") != STATED and (source is None or source not in named):
        yield "the weight's Observation is not among the supporting information"


def _frame(order: Element) -> Iterator[str]:
    if order.get("reportedBoolean") is not False:
        yield "the order does not say that it is no report"
    if (order.get("substitution") or {}).get("allowedBoolean") is not False:
        yield "substitution is not excluded; when it is absent it is allowed"
    if not (order.get("medicationCodeableConcept") or {}).get("text"):
        yield "the product is not named"


def _summed(entries: Sequence[Element]) -> Iterator[str]:
    """Entries of one sequence are given together: their doses add up."""
    doses = [amount(dose_of(d, "ordered").get("doseQuantity"), "g") or Decimal(0) for d in entries]
    limits = [amount((d.get("maxDosePerPeriod") or {}).get("numerator"), "g") for d in entries]
    most = min((x for x in limits if x is not None), default=None)
    if most is not None and sum(d * max(len(events(e)), 1) for d, e in zip(doses, entries, strict=True)) > most:
        yield "the doses of all entries sum to more than the maximum of the period"


def _quantities(element: Any) -> Iterator[Element]:
    if isinstance(element, dict):
        if "code" in element and "value" in element:
            yield element
        for value in element.values():
            yield from _quantities(value)
    elif isinstance(element, list):
        for value in element:
            yield from _quantities(value)
