"""The pharmacist's decision as writes: verify, query or reject, each a full read-modify-write of the server's own resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ivig_fhir.errors import StateError
from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import coding, concept
from ivig_fhir.fhir.references import own_reference, pointed_to
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.bundle import TASK
from ivig_fhir.order.companions import Companion, follow
from ivig_fhir.order.provenance import DECISION, annotation, decision_provenance
from ivig_fhir.order.states import FHIR_STATUS, Event, OrderState, fhir_move
from ivig_fhir.order.transaction import Entry, Transaction, update
from ivig_fhir.proposal.context import GROUP, MAIN, moment

Resource = dict[str, Any]
_STARTED = frozenset({"in-progress", "on-hold"})
_OVER = frozenset({"completed", "rejected", "cancelled", "failed", "entered-in-error"})
_EVENTS = {
    OrderState.VERIFIED: Event.VERIFY,
    OrderState.QUERIED: Event.QUERY,
    OrderState.REJECTED: Event.REJECT,
    OrderState.CANCELLED: Event.CANCEL,
}


@dataclass(frozen=True)
class Stored:
    """What the EHR holds of one run now, as it was read: the order, its group and its task (None where the server keeps none).

    `hold` is the task that says that the order is suspended, while it is; `companions` are what was approved with the order; `gone` are the
    roles that the EHR stored and holds no more.
    """

    order: Resource
    group: Resource | None = None
    task: Resource | None = None
    hold: Resource | None = None
    companions: tuple[Companion, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def run(self) -> str:
        """The run that the order belongs to. StateError when it is not one of ours."""
        run = identifiers.run_of(self.order)
        if run is None:
            raise StateError("the order carries no run", said="This order was not written by this app.")
        return run

    @property
    def strays(self) -> tuple[str, ...]:
        """In words, which part beside the order is not, or no longer, a part of it: it is shown, and nothing is written over it."""
        found = []
        if self.group is not None and identifiers.run_of(self.group) != self.run:
            found.append("The request group in the EHR belongs to another order.")
        if self.task is not None and pointed_to(self.task.get("focus")) != own_reference(self.order):
            found.append("The pharmacist's task in the EHR points to something else than this order.")
        for part, name, key in ((self.group, "request group", "subject"), (self.task, "pharmacist's task", "for")):
            if part is not None and pointed_to(part.get(key)) != pointed_to(self.order.get("subject")):
                found.append(f"The {name} in the EHR is of another patient than the order.")
        return tuple(found)

    @property
    def deleted(self) -> tuple[str, ...]:
        """In words, which part beside the order somebody deleted. An end of the order needs none of them; a verification needs them all."""
        names = {GROUP: "request group", TASK: "pharmacist's task"}
        return tuple(f"The {names[role]} was deleted in the EHR." for role in self.gone)

    @property
    def closed(self) -> str:
        """In words, that the task of an order that waits is over: somebody closed it in the EHR; "" where it is open, or there is none."""
        now = str((self.task or {}).get("status"))
        return (
            f"The pharmacist's task is {now} in the EHR: somebody closed it there, so nothing more is decided on it."
            if now in _OVER
            else ""
        )

    @property
    def obstacles(self) -> tuple[str, ...]:
        """In words, everything beside the order itself for which it cannot be verified."""
        return (*self.strays, *self.deleted, *filter(None, [self.closed]))


@dataclass(frozen=True, slots=True)
class Reason:
    """A coded reason with its display and a note in somebody's own words; a prescriber who withdraws an order gives a note alone."""

    code: str
    display: str
    note: str


@dataclass(frozen=True)
class Act:
    """Who decides what, when, on the page with that digest; `reason` for everything but a verification.

    `event` where it is not the one that usually leads to the state. `notes` is what a verification says of what could not be read.
    """

    state: OrderState
    who: Clinician
    at: datetime
    digest: str
    base: str
    app_version: str
    reason: Reason | None = None
    event: Event | None = None
    notes: tuple[str, ...] = ()


def decision_transaction(stored: Stored, act: Act) -> Transaction:
    """The writes of a decision: order, companions and group to their new status, the task, and a Provenance; every update with If-Match.

    What becomes active: the companions first, then the order, so that no infusion may be given of which nobody may prepare; what comes to
    an end: the order first. What the server stored is changed and nothing else: unknown extensions stay as they are. StateError for a move
    that the stored status does not allow; Conflict when a version is missing, since an update without If-Match could overwrite a later
    change.
    """
    status = FHIR_STATUS[act.state]
    if act.reason is None and act.state != OrderState.VERIFIED:
        raise StateError(f"{act.state} without a reason", said="A reason and a note are needed.")
    refuse_strays(stored)
    provenance = identifiers.derived(stored.run, f"{DECISION}-{act.state}-{moment(act.at)}")
    entries = list[Entry]()
    if act.state != OrderState.QUERIED:  # a question leaves the draft as it is
        fhir_move(str(stored.order.get("status")), act.event or _EVENTS[act.state])
        order = update(MAIN, {**stored.order, "status": status.medication_request, **_status_reason(act)})
        entries += in_turn(order, follow(stored.companions, act.state).entries, act.state)
        if stored.group is not None and stored.group.get("status") not in ("completed", "revoked", "entered-in-error"):
            entries.append(update(GROUP, {**stored.group, "status": status.request_group}))
    targets = [_reference(r) for r in (stored.order, stored.group) if r is not None]
    made = decision_provenance(act.who, act.at, targets, act.digest, act.base, act.app_version, act.state == OrderState.VERIFIED, act.notes)
    entries.append(Entry(DECISION, provenance, "POST", "Provenance", made))
    if stored.task is not None:
        entries.append(update(TASK, _task(stored.task, act, provenance)))
    return Transaction(stored.run, tuple(entries))


def in_turn(order: Entry, companions: tuple[Entry, ...], state: OrderState) -> tuple[Entry, ...]:
    """The order and its companions in the order in which they are written where they are written one by one."""
    return (*companions, order) if state is OrderState.VERIFIED else (order, *companions)


def answer_transaction(stored: Stored, who: Clinician, at: datetime, note: str) -> Transaction:
    """The prescriber's answer: the task waits for the pharmacist again, with the answer among its notes; the draft is left as it is.

    StateError without a task, or for one that is over: nobody would read the answer.
    """
    refuse_strays(stored)
    task = stored.task
    if task is None or str(task.get("status")) in _OVER:
        raise StateError("no open task to answer on", said="The EHR keeps no open task for this order, so nobody would read the answer.")
    status = FHIR_STATUS[OrderState.SENT]
    made = {k: v for k, v in task.items() if k != "statusReason"}
    made |= {"status": status.task, "businessStatus": {"text": status.business}, "lastModified": moment(at)}
    said = annotation(who, at, note)
    return Transaction(stored.run, (update(TASK, made | {"note": [*(task.get("note") or []), said]}),))


def verification_transaction(stored: Stored, who: Clinician, at: datetime, digest: str, base: str, app_version: str) -> Transaction:
    """The order becomes active, the task is completed with the Provenance as output."""
    return decision_transaction(stored, Act(OrderState.VERIFIED, who, at, digest, base, app_version))


def refuse_strays(stored: Stored) -> None:
    """StateError where the EHR holds a part that is not this order's."""
    if stored.strays:
        raise StateError("a part of another order", said=" ".join(stored.strays))


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def _status_reason(act: Act) -> Resource:
    return {} if act.reason is None else {"statusReason": coded(act.reason, act.base)}


def coded(reason: Reason, base: str) -> Resource:
    """A pharmacist's reason as a concept: its code, and in words what it is and the note."""
    codes = [coding(f"{base}/CodeSystem/pharmacist-reason", reason.code, reason.display)] if reason.code else []
    return concept(*codes, text=f"{reason.display}: {reason.note}")


def _task(task: Resource, act: Act, provenance: str) -> Resource:
    """The task in the new state: its own history kept, owner and time of the decision added."""
    now = str(task.get("status"))
    if now in _OVER:
        raise StateError(f"Task is {now}", said=f"The pharmacist's task is already {now}.")
    status, made = FHIR_STATUS[act.state], dict(task)
    made["status"] = "completed" if status.task == "rejected" and now in _STARTED else status.task
    made["businessStatus"] = {"text": status.business}
    made["lastModified"] = moment(act.at)
    if act.state != OrderState.CANCELLED:  # who withdraws the order is its prescriber, not whose work the task was
        made["owner"] = {"reference": act.who.reference, "display": act.who.display}
    output = [{"type": {"text": status.business}, "valueReference": {"reference": provenance}}]
    if act.state != OrderState.QUERIED:
        made["output"] = [*(task.get("output") or []), *output]
    if act.reason is not None:
        made["statusReason"] = coded(act.reason, act.base)
    said = (*((act.reason.note,) if act.reason is not None else ()), *act.notes)
    if said:
        made["note"] = [*(task.get("note") or []), *(annotation(act.who, act.at, text) for text in said)]
    return made
