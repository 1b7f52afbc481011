"""Reply: the prescriber's word on an order that is already in the EHR: an answer to the pharmacist's question, or a withdrawal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ivig_fhir.order.approval import PRESCRIBER, Clinician, Refusal
from ivig_fhir.order.states import Event, OrderState, allows

_EVENTS = {OrderState.SENT: Event.ANSWER, OrderState.CANCELLED: Event.CANCEL}


@dataclass(frozen=True)
class Reply:
    """What a prescriber said: the state that it leads to (`sent` for an answer, `cancelled` for a withdrawal), and to what it replies.

    `replaced_by` is the run of the changed order that takes the place of this one.
    """

    decision: OrderState
    who: Clinician
    at: datetime
    note: str
    asked: Mapping[str, Any] | None = None
    replaced_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, as shown on the page and kept; the pharmacist's question stays with it."""
        who = {"reference": self.who.reference, "display": self.who.display}
        return {
            "decision": self.decision.value,
            "who": who,
            "at": self.at.isoformat(),
            "note": self.note,
            "reason": None,
            "replaced_by": self.replaced_by or None,
            "asked": None if self.asked is None else dict(self.asked),
        }


def reply(
    decision: OrderState, note: str, state: OrderState, asked: Mapping[str, Any] | None, who: Clinician, now: datetime
) -> Reply | tuple[Refusal, ...]:
    """The reply, or every reason against it. A reply needs a note, a proven prescriber, and an order that is still open."""
    refusals = []
    if not who.proven:
        refusals.append(Refusal("identity", "The EHR did not prove who is signed in, so nothing can be sent."))
    elif PRESCRIBER not in who.roles:
        refusals.append(Refusal("role", "Only a prescriber can answer a question or withdraw an order."))
    if not allows(state, _EVENTS[decision]):
        what = "answered" if decision is OrderState.SENT else "withdrawn"
        refusals.append(Refusal("state", f"An order that is {state.value} cannot be {what}."))
    if not note.strip():
        refusals.append(Refusal("note", "A note for the pharmacist is needed."))
    return tuple(refusals) if refusals else Reply(decision, who, now, note.strip(), asked)
