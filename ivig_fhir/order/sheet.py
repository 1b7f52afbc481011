"""The nurse's infusion sheet as data, from the order as the EHR stores it; there is none before a pharmacist verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from ivig_fhir.content.model import Companion, Content
from ivig_fhir.errors import StateError
from ivig_fhir.fhir.identifiers import derived
from ivig_fhir.fhir.reading import part, parts, word
from ivig_fhir.fhir.references import own_reference
from ivig_fhir.fhir.stored_order import StoredOrder, count, number, said
from ivig_fhir.order.companions import title_of
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import version_of

Resource = Mapping[str, Any]
_GROUPS = ("before", "as-needed", "monitoring", "nursing", "education", "lab")


@dataclass(frozen=True, slots=True)
class SheetDay:
    """One infusion: its number, the course of the series that it belongs to, date, grams and mL as text."""

    number: int
    cycle: int
    date: date
    grams: str
    volume: str


@dataclass(frozen=True, slots=True)
class SheetStep:
    """One pump step: mL/h, minutes planned ("" to the end), mL of the step, mL in by its end, minutes after the start when it begins."""

    number: int
    rate: str
    minutes: str
    volume: str
    total: str
    begins: str


@dataclass(frozen=True)
class Sheet:
    """What a nurse needs beside the patient: grams of each day, pump steps, vials, companions by kind, whom the order is from.

    `review_on` is the day by which a series is to be reviewed, "" for a single course.
    `companions` maps before, as-needed, monitoring, nursing, education and lab to the complete sentences of the orders in the EHR:
    medicines given before each infusion, medicines for a reaction, and what to watch, do, teach and draw.
    """

    order: str
    version: str
    run: str
    patient: str
    product: str
    concentration: str
    dosing_weight: str
    signed_by: str
    days: tuple[SheetDay, ...]
    steps: tuple[SheetStep, ...]
    highest_rate: str
    vials: tuple[tuple[str, int], ...]
    review_on: str
    companions: Mapping[str, tuple[str, ...]]
    text: str
    notes: tuple[str, ...]


def sheet(state: OrderState, order: Resource, companions: Sequence[Resource], content: Content, run: str) -> Sheet:
    """The sheet of a verified order; StateError for any other state, ours or the EHR's, and for an order without dose or rates.

    `companions` are the other requests of the run as the EHR stores them (MedicationRequest, ServiceRequest).
    """
    if state is not OrderState.VERIFIED or order.get("status") != "active":
        raise StateError("sheet before verification", said="The infusion sheet can be printed once a pharmacist has verified the order.")
    held = StoredOrder(order)
    if held.grams is None or held.volume is None or not held.dates or not held.steps:
        raise StateError("sheet without dose", said="The order in the EHR has no complete dose, so there is no sheet of it.")
    grams, volume = said(held.grams, "g"), said(held.volume, "mL")
    each = count(held.basis.get("infusions")) or len(held.dates)
    return Sheet(
        order=own_reference(order),
        version=version_of(order) or "",
        run=run,
        patient=held.patient,
        product=word(part(order, "medicationCodeableConcept"), "text"),
        concentration=said(held.concentration, "mg/mL"),
        dosing_weight=said(held.kg, "kg"),
        signed_by=word(part(order, "requester"), "display"),
        days=tuple(SheetDay(at + 1, at // each + 1, day, grams, volume) for at, day in enumerate(held.dates)),
        steps=_steps(held),
        highest_rate=said(number(part(held.ordered, "rateRange").get("high"), "mL/h"), "mL/h"),
        vials=tuple((said(size, "g"), count(many)) for size, many in held.vials),
        review_on=str(held.series.get("reviewOn") or ""),
        companions=_companions(companions, content, run),
        text=word(held.dosage, "text"),
        notes=tuple(filter(None, (word(n, "text") for n in parts(order, "note")))),
    )


def _steps(held: StoredOrder) -> tuple[SheetStep, ...]:
    """The pump steps with what is in by the end of each; clock times are filled in by hand from the minutes."""
    rows: list[SheetStep] = []
    total, elapsed = Fraction(0), Fraction(0)
    for at, step in enumerate(held.steps, start=1):
        minutes, volume = number(step.get("duration"), "min"), number(step.get("volumeCalculated"), "mL") or Fraction(0)
        total += volume
        rate = said(number(step.get("rateCalculated"), "mL/h"), "mL/h")
        shown = "" if minutes is None else said(minutes, "min")
        rows.append(SheetStep(at, rate, shown, said(volume, "mL"), said(total, "mL"), said(elapsed, "min")))
        elapsed += minutes or Fraction(0)
    return tuple(rows)


def _companions(stored: Sequence[Resource], content: Content, run: str) -> dict[str, tuple[str, ...]]:
    """The companions' sentences in groups, in the content's order; known by the identifier that was derived for them."""
    known = {derived(run, f"companion-{c.id}"): (at, _group(c)) for at, c in enumerate(content.companions)}
    found: list[tuple[int, str, str]] = []
    for item in stored:
        title, text = _words(item)
        ours = next((known[n] for i in parts(item, "identifier") if (n := word(i, "value")) in known), None)
        at, group = ours or (len(known), "as-needed" if item.get("resourceType") == "MedicationRequest" else "nursing")
        found.append((at, group, f"{title}: {text}" if text else title))
    found.sort()
    return {name: tuple(text for _, group, text in found if group == name) for name in _GROUPS}


def _group(companion: Companion) -> str:
    """A medicine belongs to each infusion, or is there for when it is needed."""
    if companion.kind != "medication":
        return companion.kind
    return "as-needed" if companion.as_needed else "before"


def _words(item: Resource) -> tuple[str, str]:
    dosage, note = (next(iter(parts(item, name)), {}) for name in ("dosageInstruction", "note"))
    return title_of(item), word(dosage, "text") or word(note, "text")
