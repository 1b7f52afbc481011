"""The life of an order, from draft to end: one table of allowed moves, and what each state means in FHIR; all else is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from ivig_fhir.errors import StateError


class OrderState(StrEnum):
    """Where an order stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"  # signed, not yet in the EHR
    SENT = "sent"  # stored as a draft, read back, waiting for a pharmacist
    UNCERTAIN = "uncertain"  # written, and the EHR did not say whether it stored it
    INCOMPLETE = "incomplete"  # the EHR holds it with something essential or a part missing
    QUERIED = "queried"
    VERIFIED = "verified"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    ON_HOLD = "on-hold"  # was active, and is expected to go on
    STOPPED = "stopped"  # ended before all infusions were given
    COMPLETED = "completed"
    ENTERED_IN_ERROR = "entered-in-error"  # written by mistake


class Event(StrEnum):
    """What happens to an order."""

    REVISE = "revise"  # choices changed before or after a signature that never reached the EHR
    APPROVE = "approve"
    STORE = "store"  # the EHR stored everything that counts
    STORE_IN_PART = "store-in-part"  # the EHR stored it without something that counts
    LOSE_ANSWER = "lose-answer"  # the write has no answer
    REFUSE = "refuse"  # the EHR refused the write; nothing is stored
    FIND_NOTHING = "find-nothing"  # looked for by identifier: it is not there
    QUERY = "query"
    ANSWER = "answer"
    VERIFY = "verify"
    REJECT = "reject"
    CANCEL = "cancel"
    PROPOSE_CHANGE = "propose-change"  # the pharmacist asks for another order instead
    REPLACE = "replace"  # the prescriber approved that other order, which takes this one's place
    RELEASE = "release"  # looked at again on the day: this infusion may be given
    HOLD = "hold"
    RESUME = "resume"
    STOP = "stop"
    COMPLETE = "complete"
    RECALL = "recall"  # it should never have been written


_S, _E = OrderState, Event
MOVES: Mapping[tuple[OrderState, Event], OrderState] = MappingProxyType(
    {
        (_S.PROPOSED, _E.REVISE): _S.PROPOSED,
        (_S.PROPOSED, _E.APPROVE): _S.APPROVED,
        (_S.PROPOSED, _E.CANCEL): _S.CANCELLED,
        (_S.APPROVED, _E.REVISE): _S.PROPOSED,
        (_S.APPROVED, _E.STORE): _S.SENT,
        (_S.APPROVED, _E.STORE_IN_PART): _S.INCOMPLETE,
        (_S.APPROVED, _E.LOSE_ANSWER): _S.UNCERTAIN,
        (_S.APPROVED, _E.REFUSE): _S.APPROVED,
        (_S.APPROVED, _E.CANCEL): _S.CANCELLED,
        # An order of unknown fate is looked for; it is neither revised nor cancelled before it is known where it is.
        (_S.UNCERTAIN, _E.STORE): _S.SENT,
        (_S.UNCERTAIN, _E.STORE_IN_PART): _S.INCOMPLETE,
        (_S.UNCERTAIN, _E.FIND_NOTHING): _S.APPROVED,
        (_S.UNCERTAIN, _E.LOSE_ANSWER): _S.UNCERTAIN,
        (_S.INCOMPLETE, _E.STORE): _S.SENT,
        (_S.INCOMPLETE, _E.STORE_IN_PART): _S.INCOMPLETE,
        (_S.INCOMPLETE, _E.LOSE_ANSWER): _S.INCOMPLETE,
        (_S.INCOMPLETE, _E.REFUSE): _S.INCOMPLETE,
        # An incomplete order is never verified.
        (_S.INCOMPLETE, _E.QUERY): _S.QUERIED,
        (_S.INCOMPLETE, _E.REJECT): _S.REJECTED,
        (_S.INCOMPLETE, _E.CANCEL): _S.CANCELLED,
        (_S.INCOMPLETE, _E.PROPOSE_CHANGE): _S.QUERIED,
        (_S.INCOMPLETE, _E.RECALL): _S.ENTERED_IN_ERROR,
        (_S.SENT, _E.STORE): _S.SENT,
        (_S.SENT, _E.STORE_IN_PART): _S.INCOMPLETE,
        (_S.SENT, _E.QUERY): _S.QUERIED,
        (_S.SENT, _E.VERIFY): _S.VERIFIED,
        (_S.SENT, _E.REJECT): _S.REJECTED,
        (_S.SENT, _E.CANCEL): _S.CANCELLED,
        (_S.SENT, _E.PROPOSE_CHANGE): _S.QUERIED,
        (_S.SENT, _E.RECALL): _S.ENTERED_IN_ERROR,
        (_S.QUERIED, _E.STORE): _S.QUERIED,
        (_S.QUERIED, _E.STORE_IN_PART): _S.INCOMPLETE,
        (_S.QUERIED, _E.QUERY): _S.QUERIED,
        (_S.QUERIED, _E.ANSWER): _S.SENT,
        (_S.QUERIED, _E.VERIFY): _S.VERIFIED,
        (_S.QUERIED, _E.REJECT): _S.REJECTED,
        (_S.QUERIED, _E.CANCEL): _S.CANCELLED,
        (_S.QUERIED, _E.PROPOSE_CHANGE): _S.QUERIED,
        (_S.QUERIED, _E.REPLACE): _S.CANCELLED,
        (_S.QUERIED, _E.RECALL): _S.ENTERED_IN_ERROR,
        # What was verified is active: it is held and goes on, or comes to an end.
        (_S.VERIFIED, _E.RELEASE): _S.VERIFIED,
        (_S.VERIFIED, _E.HOLD): _S.ON_HOLD,
        (_S.VERIFIED, _E.STOP): _S.STOPPED,
        (_S.VERIFIED, _E.COMPLETE): _S.COMPLETED,
        (_S.VERIFIED, _E.RECALL): _S.ENTERED_IN_ERROR,
        (_S.ON_HOLD, _E.RESUME): _S.VERIFIED,
        (_S.ON_HOLD, _E.STOP): _S.STOPPED,
        (_S.ON_HOLD, _E.RECALL): _S.ENTERED_IN_ERROR,
    }
)
# Nothing leaves these.
ENDS = frozenset({_S.REJECTED, _S.CANCELLED, _S.STOPPED, _S.COMPLETED, _S.ENTERED_IN_ERROR})


def move(state: OrderState | str, event: Event | str) -> OrderState:
    """The state after an event. StateError for a move that is not in the table, or for a word that is neither."""
    try:
        return MOVES[OrderState(state), Event(event)]
    except (KeyError, ValueError):
        raise StateError(f"{event} from {state}", said=f"An order that is {state} cannot be changed by: {event}.") from None


def allows(state: OrderState | str, event: Event | str) -> bool:
    """Whether the move is in the table."""
    return (state, event) in MOVES


@dataclass(frozen=True, slots=True)
class FhirStatus:
    """What the resources of an order say in a state: MedicationRequest, RequestGroup and Task, and the Task's business status.

    `code` says which Task: the one that asks to `approve` the draft, or a new one that says what was done (`suspend`, `abort`).
    """

    medication_request: str
    request_group: str
    task: str
    business: str
    code: str = "approve"


# See: FHIR R4 value sets medicationrequest-status, request-status and task-status. Before it is sent an order is nothing in the EHR.
FHIR_STATUS: Mapping[OrderState, FhirStatus] = MappingProxyType(
    {
        _S.SENT: FhirStatus("draft", "draft", "requested", "awaiting-verification"),
        _S.INCOMPLETE: FhirStatus("draft", "draft", "requested", "awaiting-verification"),
        _S.QUERIED: FhirStatus("draft", "draft", "on-hold", "clarification"),
        _S.VERIFIED: FhirStatus("active", "active", "completed", "verified"),
        _S.REJECTED: FhirStatus("cancelled", "revoked", "rejected", "rejected"),
        _S.CANCELLED: FhirStatus("cancelled", "revoked", "cancelled", "cancelled"),
        _S.ON_HOLD: FhirStatus("on-hold", "on-hold", "in-progress", "on-hold", "suspend"),
        _S.STOPPED: FhirStatus("stopped", "revoked", "completed", "stopped", "abort"),
        _S.COMPLETED: FhirStatus("completed", "completed", "completed", "completed"),
        _S.ENTERED_IN_ERROR: FhirStatus("entered-in-error", "entered-in-error", "entered-in-error", "entered-in-error"),
    }
)
# From which status of the MedicationRequest in the EHR each event may be written; a status that is not here is left alone.
_LIVE = frozenset({"draft", "active", "on-hold"})
_WRITTEN_FROM: Mapping[Event, frozenset[str]] = MappingProxyType(
    {
        _E.VERIFY: frozenset({"draft"}),
        _E.REJECT: frozenset({"draft"}),
        _E.REPLACE: frozenset({"draft"}),
        _E.CANCEL: _LIVE,
        _E.HOLD: frozenset({"active"}),
        _E.RESUME: frozenset({"on-hold"}),
        _E.STOP: frozenset({"active", "on-hold"}),
        _E.COMPLETE: frozenset({"active"}),
        _E.RECALL: _LIVE,
    }
)


def fhir_move(now: str, event: Event) -> None:
    """Lets an event be written over a MedicationRequest of this status, or raises StateError.

    Nothing leaves an end, nothing becomes a draft again, and only a draft is verified.
    """
    if now not in _WRITTEN_FROM.get(event, frozenset()):
        raise StateError(
            f"MedicationRequest {now}: {event}", said=f"The order is {now or 'without a status'} in the EHR: no {event} there."
        )
