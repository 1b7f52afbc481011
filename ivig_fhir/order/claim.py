"""Claim: a pharmacist takes an order, starts on it, hands it back or takes it over; the task says whose work it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ivig_fhir.errors import Conflict, StateError
from ivig_fhir.fhir.narrative import renarrated
from ivig_fhir.fhir.reading import part, reference, word
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.order.approval import Clinician
from ivig_fhir.proposal.context import moment

Resource = Mapping[str, Any]


class Step(StrEnum):
    """What somebody does with the work itself, not with the order."""

    CLAIM = "claim"
    START = "start"
    RELEASE = "release"
    TAKE_OVER = "take-over"


# From which status of the task a step leads to which. A question stays a question, whoever works on it.
# See: FHIR R4 task, state machine; on-hold is "paused", and its owner may change.
_WAITS, _HELD = ("requested", "received", "ready"), ("accepted", "in-progress")
TASK_MOVES: Mapping[tuple[Step, str], str] = MappingProxyType(
    {
        **{(Step.CLAIM, status): "accepted" for status in (*_WAITS, "accepted")},
        **{(Step.START, status): "in-progress" for status in (*_WAITS, *_HELD)},
        **{(Step.RELEASE, status): "requested" for status in _HELD},
        **{(Step.TAKE_OVER, status): status for status in _HELD},
        **{(step, "on-hold"): "on-hold" for step in Step},
    }
)


def holder(task: Resource) -> Clinician | None:
    """Who works on it, as the EHR's task says; None while nobody does."""
    if word(task, "status") not in (*_HELD, "on-hold") or not reference(task, "owner"):
        return None
    return Clinician(reference(task, "owner"), word(part(task, "owner"), "display"), frozenset())


def claimed_task(task: Resource, step: Step, who: Clinician, at: datetime) -> dict[str, Any]:
    """The server's own task after the step; what the step does not touch stays as it is.

    Conflict when somebody else works on it and nobody said to take it over; StateError for a task that is over.
    """
    other = holder(task)
    if other is not None and step is not Step.TAKE_OVER and not who.is_same(other):
        raise Conflict("claimed by somebody else", said=f"{other.display or 'Somebody else'} works on this order.")
    to = TASK_MOVES.get((step, word(task, "status")))
    if to is None:
        raise StateError(
            f"{step} from {word(task, 'status')}", said="The task of this order is over, or not at a point where this can be done."
        )
    made = {k: v for k, v in task.items() if k != "owner"}
    if step is not Step.RELEASE:
        made["owner"] = {"reference": plain_reference(who.reference), "display": who.display}
    return renarrated(made | {"status": to, "lastModified": moment(at)})
