"""By hand: an approved order in plain words and complete, for an EHR that takes none; from exactly what was approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.stored_order import StoredOrder, number, said
from ivig_fhir.order.transaction import Transaction
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.proposal.dosage_text import day

Resource = Mapping[str, Any]
NOT_IN_EHR = "Not in the EHR: enter this order by hand. This is not an infusion sheet; nothing is given from it."


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the order: what it is, and its lines."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class ByHand:
    """An order to be entered by hand: whom it is for, who signed it, and everything that the signature covers."""

    patient: str
    signed: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """The whole as plain text, to be copied; its first and its last line say that it is not in the EHR."""
        parts = [f"{s.title}\n" + "\n".join(f"- {line}" for line in s.lines) for s in self.sections]
        return "\n\n".join([f"Immunoglobulin order. {NOT_IN_EHR}", f"Patient: {self.patient}\n{self.signed}", *parts, NOT_IN_EHR]) + "\n"


def by_hand(made: Transaction, body: Mapping[str, Any], patient: str, signed: str, content: Content) -> ByHand:
    """The order of a kept transaction, with the checks of the approved proposal (`body`, as the contract shapes it).

    `patient` and `signed` say whom it is for and who approved it when. Lines that an order does not have are left out; the dose, its days,
    product, weight and rate always stand there. ValueError for a transaction that makes no order.
    """
    main = made.entry(MAIN)
    if main is None:
        raise ValueError("a transaction without an order has nothing to be entered")
    sections = (*_order(main.resource), *_beside(made), *_checks(body, content))
    return ByHand(patient, signed, tuple(s for s in sections if s.lines))


def _order(order: Resource) -> tuple[Section, ...]:
    """What is given, on which days, how fast, and what it was calculated from."""
    held = StoredOrder(order)
    each = f"{said(held.grams, 'g')} ({said(held.volume, 'mL')} of {said(held.concentration, 'mg/mL')})"
    vials = ", ".join(f"{count} × {said(size, 'g')}" for size, count in held.vials)
    reasons = [str(r["text"]) for r in order.get("reasonCode") or [] if r.get("text")]
    return (
        Section("For", tuple(reasons)),
        Section("Product", (_text(order, "medicationCodeableConcept"), *([f"Vials for one infusion: {vials}"] if vials else []))),
        Section("Each infusion, intravenously", (each,)),
        Section("Days", tuple(f"{day(d)}: {each}" for d in held.dates)),
        Section("Pump, for each infusion", _pump(held)),
        Section("Dosing weight", (f"{said(held.kg, 'kg')}",)),
        Section("How it was worked out", tuple(str(n["text"]) for n in order.get("note") or [] if n.get("text"))),
        Section("The dosage in one text", tuple(str(d["text"]) for d in order.get("dosageInstruction") or [] if d.get("text"))),
    )


def _pump(held: StoredOrder) -> tuple[str, ...]:
    rows = []
    for step in held.steps:
        minutes = number(step.get("duration"), "min")
        lasts = "to the end" if minutes is None else f"for {said(minutes, 'min')}"
        volume = number(step.get("volumeCalculated"), "mL")
        rate = said(number(step.get("rateCalculated"), "mL/h"), "mL/h")
        rows.append(f"{rate} {lasts}" + (f" ({said(volume, 'mL')})" if volume is not None else ""))
    high = number((held.ordered.get("rateRange") or {}).get("high"), "mL/h")
    return (*rows, *([f"Never above {said(high, 'mL/h')}"] if high is not None else []))


def _beside(made: Transaction) -> tuple[Section, ...]:
    """The companions that were ordered with it."""
    beside = [e for e in made.entries if e.role != MAIN]
    medicines = tuple(_companion(e.resource, "medicationCodeableConcept") for e in beside if e.type == "MedicationRequest")
    services = tuple(_companion(e.resource, "code") for e in beside if e.type == "ServiceRequest")
    return Section("Medicines beside it", medicines), Section("Tests, monitoring and nursing", services)


def _companion(resource: Resource, name: str) -> str:
    """Its title and its complete sentence."""
    dosage, note = (dict(next(iter(resource.get(key) or []), {})) for key in ("dosageInstruction", "note"))
    title, text = _text(resource, name), str(dosage.get("text") or note.get("text") or "")
    return f"{title}: {text}" if text else title


def _checks(body: Mapping[str, Any], content: Content) -> tuple[Section, ...]:
    """What was overridden and why, what else was found, and what could not be assessed."""
    reasons, titles = dict(content.constants["override_reasons"]), {id_: title for _, id_, title in content.constants["check_index"]}
    found = {f["check"]: str(f["message"]) for f in body.get("findings") or []}
    given = {o["check"]: o for o in body.get("overrides") or []}
    overridden = [_overridden(found.get(c, titles.get(c, c)), o, reasons) for c, o in given.items()]
    others = [message for check, message in found.items() if check not in given]
    unknown = [f"{titles.get(n['check'], n['check'])}: {n['message']}" for n in body.get("not_assessed") or []]
    return (
        Section("Checks overridden by the prescriber", tuple(overridden)),
        Section("Other findings", tuple(others)),
        Section("Not assessed", tuple(unknown)),
    )


def _overridden(message: str, given: Mapping[str, Any], reasons: Mapping[str, str]) -> str:
    why = ". ".join(w.rstrip(".") for w in (reasons.get(str(given["code"]), str(given["code"])), str(given.get("note") or "")) if w)
    return f"{message} Overridden: {why}."


def _text(resource: Resource, name: str) -> str:
    return str((resource.get(name) or {}).get("text") or "")
