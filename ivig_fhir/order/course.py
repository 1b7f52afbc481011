"""The course of a verified order: put on hold, gone on with, stopped, completed, or taken back as written by mistake; who may, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from ivig_fhir.order.approval import NURSE, PHARMACIST, PRESCRIBER, Clinician, Refusal
from ivig_fhir.order.decision import Reason
from ivig_fhir.order.states import MOVES, Event, OrderState, allows

# Who may do it; what needs a coded reason, and what a note. Completion needs neither: the last infusion has been given.
ROLES: Mapping[Event, frozenset[str]] = {
    Event.HOLD: frozenset({PRESCRIBER, PHARMACIST, NURSE}),
    Event.RESUME: frozenset({PRESCRIBER, PHARMACIST}),
    Event.STOP: frozenset({PRESCRIBER, PHARMACIST}),
    Event.COMPLETE: frozenset({PRESCRIBER, PHARMACIST, NURSE}),
    Event.RECALL: frozenset({PRESCRIBER, PHARMACIST}),
}
CODED = frozenset({Event.HOLD, Event.STOP})
NOTED = CODED | {Event.RESUME, Event.RECALL}
DONE = {
    Event.HOLD: "put on hold",
    Event.RESUME: "gone on with",
    Event.STOP: "stopped",
    Event.COMPLETE: "completed",
    Event.RECALL: "entered in error",
}


@dataclass(frozen=True)
class Step:
    """What somebody decided on an order that runs: the event, the state that it leads to, who, when and why.

    `before` is the word on the order that stood until then; `status_reason` a code of FHIR R4 beside ours, "" where none fits.
    """

    event: Event
    decision: OrderState
    who: Clinician
    at: datetime
    reason: Reason | None = None
    status_reason: str = ""
    before: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, as shown on the page and kept; what was said before stays with it."""
        return {
            "decision": self.decision.value,
            "event": self.event.value,
            "who": {"reference": self.who.reference, "display": self.who.display},
            "at": self.at.isoformat(),
            "reason": None if self.reason is None else asdict(self.reason),
            "asked": None if self.before is None else dict(self.before),
        }


def may(event: Event, state: OrderState | str, role: str) -> bool:
    """Whether a role has this move from this state at all."""
    return event in ROLES and role in ROLES[event] and allows(state, event)


def take(
    event: Event,
    state: OrderState,
    who: Clinician,
    now: datetime,
    code: str,
    note: str,
    known: Mapping[str, tuple[str, str]],
    before: Mapping[str, Any] | None,
    last: date | None,
    today: date,
) -> Step | tuple[Refusal, ...]:
    """The step, or every reason against it.

    `known` gives for each code its display and the code of FHIR R4; `last` is the day of the last infusion, before which nothing is
    completed.
    """
    refusals = [*_person(event, who), *_state(event, state), *_reason(event, code, note, known)]
    if event is Event.COMPLETE and (last is None or today < last):
        refusals.append(Refusal("early", "The last infusion is not reached yet. An order that ends before it is stopped, not completed."))
    if refusals:
        return tuple(refusals)
    display, status_reason = known[code] if event in CODED else ("", "")
    reason = Reason(code if event in CODED else "", display, note.strip()) if event in NOTED else None
    return Step(event, MOVES[state, event], who, now, reason, status_reason, before)


def _person(event: Event, who: Clinician) -> list[Refusal]:
    if not who.proven:
        return [Refusal("identity", "The EHR did not prove who is signed in, so nothing can be decided.")]
    if not who.roles & ROLES[event]:
        return [Refusal("role", f"Only these may decide this: {', '.join(sorted(ROLES[event]))}.")]
    return []


def _state(event: Event, state: OrderState) -> list[Refusal]:
    if allows(state, event):
        return []
    return [Refusal("state", f"An order that is {state.value} cannot be {DONE[event]}.")]


def _reason(event: Event, code: str, note: str, known: Mapping[str, tuple[str, str]]) -> list[Refusal]:
    found = []
    if event in CODED and code not in known:
        found.append(Refusal("reason", "The reason is not one of the coded reasons."))
    if event in NOTED and not note.strip():
        found.append(Refusal("note", "The reason needs a note."))
    return found
