"""The life of an order: one table of allowed moves, and what each state means in FHIR; whatever is not in the table is refused."""

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
        (_S.SENT, _E.STORE): _S.SENT,
        (_S.SENT, _E.STORE_IN_PART): _S.INCOMPLETE,
        (_S.SENT, _E.QUERY): _S.QUERIED,
        (_S.SENT, _E.VERIFY): _S.VERIFIED,
        (_S.SENT, _E.REJECT): _S.REJECTED,
        (_S.SENT, _E.CANCEL): _S.CANCELLED,
        (_S.QUERIED, _E.STORE): _S.QUERIED,
        (_S.QUERIED, _E.STORE_IN_PART): _S.INCOMPLETE,
        (_S.QUERIED, _E.QUERY): _S.QUERIED,
        (_S.QUERIED, _E.ANSWER): _S.SENT,
        (_S.QUERIED, _E.VERIFY): _S.VERIFIED,
        (_S.QUERIED, _E.REJECT): _S.REJECTED,
        (_S.QUERIED, _E.CANCEL): _S.CANCELLED,
    }
)


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
    """What the resources of an order say in a state: MedicationRequest, RequestGroup and Task, and the Task's business status."""

    medication_request: str
    request_group: str
    task: str
    business: str


# See: FHIR R4 value sets medicationrequest-status, request-status and task-status. Before it is sent an order is nothing in the EHR.
FHIR_STATUS: Mapping[OrderState, FhirStatus] = MappingProxyType(
    {
        _S.SENT: FhirStatus("draft", "draft", "requested", "awaiting-verification"),
        _S.INCOMPLETE: FhirStatus("draft", "draft", "requested", "awaiting-verification"),
        _S.QUERIED: FhirStatus("draft", "draft", "on-hold", "clarification"),
        _S.VERIFIED: FhirStatus("active", "active", "completed", "verified"),
        _S.REJECTED: FhirStatus("cancelled", "revoked", "rejected", "rejected"),
        _S.CANCELLED: FhirStatus("cancelled", "revoked", "cancelled", "cancelled"),
    }
)
_MEDICATION_TERMINAL = frozenset({"completed", "stopped", "cancelled", "entered-in-error"})


def fhir_move(now: str, to: str) -> None:
    """Lets a MedicationRequest go from one status to another, or raises StateError: nothing leaves an end, nothing becomes draft again."""
    if now in _MEDICATION_TERMINAL or (to == "draft" and now != "draft") or (to == "active" and now != "draft"):
        raise StateError(f"MedicationRequest {now} to {to}", said=f"The order is {now} in the EHR and cannot become {to}.")
