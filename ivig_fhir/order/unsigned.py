"""Unsigned: what somebody changed in the EHR after an order was stored there; what of it counts, and what is only shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ivig_fhir.fhir.reading import parts, word
from ivig_fhir.order.alteration import UNCHANGED, against
from ivig_fhir.order.comparison import NOTHING
from ivig_fhir.order.meaning import meaning
from ivig_fhir.order.receipt import Line, Receipt
from ivig_fhir.order.states import FHIR_STATUS, OrderState
from ivig_fhir.order.transaction import Transaction
from ivig_fhir.proposal.context import MAIN

Resource = Mapping[str, Any]
_LIVE = frozenset({OrderState.SENT, OrderState.QUERIED, OrderState.INCOMPLETE, OrderState.VERIFIED, OrderState.ON_HOLD})
# What this app itself writes on the order in a state, beside the status.
_WRITTEN = {OrderState.ON_HOLD: frozenset({"statusReason"})}
_DOSAGE, _TIMING = "dosageInstruction.", "dosageInstruction.timing"
_NUMBERING = frozenset({f"{_DOSAGE}id", f"{_DOSAGE}sequence"})
# See: FHIR R4 MedicationRequest and Dosage, modifier elements: who does not understand them must not use the rest.
_MODIFIERS = frozenset(
    {
        "doNotPerform", "modifierExtension", "implicitRules",
        f"{_DOSAGE}modifierExtension", f"{_DOSAGE}asNeededBoolean", f"{_DOSAGE}asNeededCodeableConcept",
    }
)  # fmt: skip
# Beside the essential fields and the dosage: what tells somebody what to give, or whether.
_COUNT = _MODIFIERS | {"reportedBoolean", "reportedReference", "substitution", "note"}
_NAMES = {
    "doNotPerform": "Do not perform",
    "modifierExtension": "Modifier extension",
    "implicitRules": "Implicit rules",
    "reportedBoolean": "Reported, not ordered",
    "reportedReference": "Reported by",
    "substitution": "Substitution",
    "note": "Note",
    "priority": "Priority",
    "category": "Category",
    "reasonCode": "Reason",
    "reasonReference": "Diagnosis in the record",
    "statusReason": "Reason of the status",
    "dispenseRequest": "Supply",
    f"{_DOSAGE}modifierExtension": "Modifier extension of the dosage",
    f"{_DOSAGE}asNeededBoolean": "As needed",
    f"{_DOSAGE}asNeededCodeableConcept": "As needed for",
    f"{_DOSAGE}route": "Route",
    f"{_DOSAGE}method": "Method",
    f"{_DOSAGE}site": "Site",
    f"{_DOSAGE}text": "Dosage in words",
    _TIMING: "Timing",
    f"{_DOSAGE}additionalInstruction": "Additional instruction",
    f"{_DOSAGE}patientInstruction": "Instruction to the patient",
    f"{_DOSAGE}maxDosePerAdministration": "Most in one infusion",
    f"{_DOSAGE}maxDosePerPeriod": "Most in a period",
    f"{_DOSAGE}extension": "Volume and rate table",
}


@dataclass(frozen=True)
class Alterations:
    """What the EHR holds otherwise than it was approved, and than it was when it was first stored there.

    `unsigned` is what counts and nobody signed: with it nothing is verified, printed, released or dispensed. `other` is everything else;
    it is shown, and stops nothing.
    """

    unsigned: tuple[Line, ...] = ()
    other: tuple[Line, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        """What counts, a sentence for each."""
        return tuple(said_of(x) for x in self.unsigned)


def said_of(line: Line) -> str:
    """What stands there now and what was approved, in a sentence; once it is verified, the status is ours and not the prescriber's."""
    if line.kind == "status" and not line.sent.startswith("draft"):
        return f"{line.field} is {line.stored} in the EHR; here it is {line.sent}."
    return f"{line.field} is {line.stored} in the EHR; approved was {line.sent}."


def altered(sent: Transaction, receipt: Receipt, stored: Resource, state: OrderState) -> Alterations:
    """What somebody changed in the EHR after the order was stored there. `state` is where the order stands with us: it says which status
    is our own. Once it came to an end, nothing is looked for.

    What the EHR made of the order when it first stored it is not among them: the receipt says so, and where that counts, the order is
    incomplete. What turns an order into its opposite is never taken for the EHR's own way of storing.
    """
    main = sent.entry(MAIN)
    if main is None or state not in _LIVE:
        return Alterations()
    lost = {line.field for line in receipt.lost}
    own = {(line.field, line.result, line.stored) for line in receipt.lines}
    found = [
        line
        for line in against(sent, receipt, stored, FHIR_STATUS[state].medication_request)
        if line.result not in UNCHANGED
        and line.field not in lost | _WRITTEN.get(state, frozenset())
        and (line.field in _MODIFIERS or (line.field, line.result, line.stored) not in own)
    ]
    counts = [line for line in found if line.harmful or _instructs(line, main.resource, stored)]
    return Alterations(
        tuple(_named(line) for line in counts if line.field != _TIMING or "Dates" not in {x.field for x in counts}),
        tuple(_named(line) for line in found if line not in counts),
    )


def _instructs(line: Line, approved: Resource, stored: Resource) -> bool:
    """Whether a line tells somebody to give it otherwise, or not at all; a flag that says no where nothing was said does not."""
    if {line.sent, line.stored} == {"false", NOTHING}:
        return False
    if line.field == f"{_DOSAGE}extension":
        return not _kept(_extensions(approved), _extensions(stored))
    return line.field in _COUNT or (line.field.startswith(_DOSAGE) and line.field not in _NUMBERING)


def _extensions(order: Resource) -> list[Resource]:
    return [e for dosage in parts(order, "dosageInstruction") for e in parts(dosage, "extension")]


def _kept(mine: list[Resource], theirs: list[Resource]) -> bool:
    """Whether our own extensions stand there as they were sent, none of them twice; what another system adds beside them may be ignored."""
    urls = {word(e, "url") for e in mine}
    held = [e for e in theirs if word(e, "url") in urls]
    return bool(meaning({"extension": mine}, {}) == meaning({"extension": held}, {}))


def _named(line: Line) -> Line:
    return replace(line, field=_NAMES.get(line.field, line.field.replace(_DOSAGE, "Dosage: ")))
