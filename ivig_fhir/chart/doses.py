"""Doses: coded grams of an order, an administration or a dispense, with their dates; a volume or a rate is never grams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from ivig_fhir.chart.answers import Resource
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.quantity import Quantity
from ivig_fhir.fhir.reading import number, part, parts, short, status_words, word
from ivig_fhir.fhir.units import UCUM, convert

# Only exact UCUM codes: under other spellings and letter cases MG is megagram and ML megalitre.
_MASS = ("g", "mg")
ORDERED = "ordered"


@dataclass(frozen=True, slots=True)
class Dose:
    """Grams of one administration (None: not coded as a mass) and what is doubtful about it."""

    grams: Decimal | None
    doubts: tuple[str, ...] = ()


def coded_grams(quantity: Resource) -> Dose:
    """The grams of a dose that is coded in g or mg; anything else is named and not converted."""
    if not quantity:
        return Dose(None)
    value = number(quantity.get("value"))
    code = word(quantity, "code")
    if value is not None and word(quantity, "system") == UCUM and code in _MASS and not word(quantity, "comparator"):
        return Dose(convert(Quantity(value, code), "g").value)
    unit = word(quantity, "unit") or code or "no unit"
    return Dose(None, (f"its dose is not coded as a mass ({short(unit, 20)})",))


def ordered_dose(dosage: Resource) -> Dose:
    """The dose that was ordered: the entry typed as ordered, else the untyped one, else the only one."""
    entries = parts(dosage, "doseAndRate")
    typed = [e for e in entries if ORDERED in status_words(e.get("type"))]
    untyped = [e for e in entries if not status_words(e.get("type"))]
    chosen = typed or untyped or (list(entries) if len(entries) == 1 else [])
    if not chosen:
        return Dose(None, ("none of its doses is marked as ordered",) if entries else ())
    if part(chosen[0], "doseRange"):
        return Dose(None, ("its dose is a range",))
    return coded_grams(part(chosen[0], "doseQuantity"))


def ordered_doses(dosages: tuple[dict[str, object], ...], zone: tzinfo) -> tuple[Dose, tuple[tuple[FhirTime, Decimal | None], ...]]:
    """The dose of one administration of an order, and its dated doses (`timing.event`).

    Several dosages have one dose only when all of them agree.
    """
    doses = [ordered_dose(d) for d in dosages]
    dated = tuple(
        (time, dose.grams)
        for dosage, dose in zip(dosages, doses, strict=True)
        for time in (parse_time(e, zone) for e in _events(dosage))
        if time is not None
    )
    if not doses:
        return Dose(None), ()
    if any(d.grams != doses[0].grams for d in doses):
        return Dose(None, ("its dosages have different doses",)), dated
    return doses[0], dated


def _events(dosage: Resource) -> list[object]:
    events = part(dosage, "timing").get("event")
    return events if isinstance(events, list) else []


def dosage_end(dosages: tuple[dict[str, object], ...], zone: tzinfo) -> FhirTime | None:
    """The latest end of the dosages' bounds; None as soon as one of them is open."""
    ends = [parse_time(part(part(part(d, "timing"), "repeat"), "boundsPeriod").get("end"), zone) for d in dosages]
    known = [e for e in ends if e is not None]
    return max(known, key=lambda e: e.latest) if known and len(known) == len(ends) else None
