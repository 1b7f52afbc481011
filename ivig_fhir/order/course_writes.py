"""A step of a running order as writes: the server's own order, group and tasks changed, and a task that says what was done."""

from __future__ import annotations

from typing import Any

from ivig_fhir.errors import StateError
from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import coding, concept, digest, drop_empty
from ivig_fhir.fhir.narrative import narrated
from ivig_fhir.order.bundle import TASK, TASK_CODE
from ivig_fhir.order.companions import follow
from ivig_fhir.order.course import DONE, Step
from ivig_fhir.order.decision import Reason, Resource, Stored, in_turn, refuse_strays
from ivig_fhir.order.provenance import DECISION, annotation, decision_provenance
from ivig_fhir.order.states import FHIR_STATUS, Event, FhirStatus, fhir_move
from ivig_fhir.order.transaction import Entry, Transaction, update
from ivig_fhir.proposal.context import GROUP, MAIN, moment

HOLD = "task-suspend"
_STATUS_REASON = "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason"
_OVER = frozenset({"completed", "rejected", "cancelled", "failed", "entered-in-error"})
# What becomes of the task that says that the order is suspended, once it is not any more.
_AFTER_HOLD = {
    Event.RESUME: ("completed", "resumed"),
    Event.STOP: ("completed", "stopped"),
    Event.RECALL: ("entered-in-error", "entered-in-error"),
}


def course_transaction(stored: Stored, step: Step, base: str, app_version: str) -> Transaction:
    """Order, companions and group in their new status with If-Match, a Provenance, and the tasks of FHIR's table.

    StateError for a move that the stored status does not allow, and for parts that are not this order's; Conflict without a version.
    """
    refuse_strays(stored)
    status = FHIR_STATUS[step.decision]
    fhir_move(str(stored.order.get("status")), step.event)
    kept = {k: v for k, v in stored.order.items() if k != "statusReason"}
    order = update(MAIN, {**kept, "status": status.medication_request, **_reason(step, base)})
    entries = list(in_turn(order, follow(stored.companions, step.decision).entries, step.decision))
    if stored.group is not None and stored.group.get("status") not in ("completed", "revoked", "entered-in-error"):
        entries.append(update(GROUP, {**stored.group, "status": status.request_group}))
    targets = [f"{r['resourceType']}/{r['id']}" for r in (stored.order, stored.group) if r is not None]
    urn = identifiers.derived(stored.run, f"{DECISION}-{step.event}-{moment(step.at)}")
    made = decision_provenance(step.who, step.at, targets, digest([stored.order]), base, app_version, False)
    entries.append(Entry(DECISION, urn, "POST", "Provenance", made))
    return Transaction(stored.run, (*entries, *_tasks(stored, step, status, urn, base)))


def _reason(step: Step, base: str) -> Resource:
    """The reason as it stands on the order: FHIR's code where one fits, ours, and the words."""
    reason = step.reason
    if reason is None or step.event is Event.RESUME:
        return {}
    codes = [coding(_STATUS_REASON, step.status_reason)] if step.status_reason else []
    codes += [coding(f"{base}/CodeSystem/course-reason", reason.code, reason.display)] if reason.code else []
    return {"statusReason": concept(*codes, text=_words(reason))}


def _words(reason: Reason) -> str:
    return f"{reason.display}: {reason.note}" if reason.display else reason.note


def _tasks(stored: Stored, step: Step, status: FhirStatus, provenance: str, base: str) -> list[Entry]:
    entries = []
    if stored.hold is not None and str(stored.hold.get("status")) not in _OVER and step.event in _AFTER_HOLD:
        entries.append(update(HOLD, _ended(stored.hold, step, *_AFTER_HOLD[step.event])))
    if step.event is Event.RECALL and stored.task is not None:
        entries.append(update(TASK, _ended(stored.task, step, status.task, status.business)))
    if step.event in (Event.HOLD, Event.STOP):
        role = HOLD if step.event is Event.HOLD else f"task-{status.code}"
        urn = identifiers.derived(stored.run, f"{role}-{moment(step.at)}")
        entries.append(Entry(role, urn, "POST", "Task", _task(stored, step, status, (urn, provenance), base)))
    return entries


def _ended(task: Resource, step: Step, status: str, business: str) -> Resource:
    made = {**task, "status": status, "businessStatus": {"text": business}, "lastModified": moment(step.at)}
    note = _note(step)
    return made | ({"note": [*(task.get("note") or []), *note]} if note else {})


def _note(step: Step) -> list[Resource]:
    return [] if step.reason is None else [annotation(step.who, step.at, step.reason.note)]


def _task(stored: Stored, step: Step, status: FhirStatus, urns: tuple[str, str], base: str) -> dict[str, Any]:
    """What was done to the order, and by whom; while it is suspended the task stays open for whoever decides how it goes on."""
    if step.reason is None:
        raise StateError(f"{step.event} without a reason", said="A reason and a note are needed.")
    said = f"The order is {DONE[step.event]}. {_words(step.reason)}"
    order, who = stored.order, {"reference": step.who.reference, "display": step.who.display}
    codes = [coding(f"{base}/CodeSystem/course-reason", step.reason.code, step.reason.display)]
    return narrated(
        drop_empty(
            {
                "resourceType": "Task",
                "identifier": [identifiers.identifier(urns[0])],
                "basedOn": [{"reference": f"RequestGroup/{stored.group['id']}"}] if stored.group else [],
                "groupIdentifier": order.get("groupIdentifier"),
                "status": status.task,
                "statusReason": concept(*codes, text=_words(step.reason)),
                "businessStatus": {"text": status.business},
                "intent": "order",
                "priority": "routine",
                "code": concept(coding(TASK_CODE, status.code), text=f"The immunoglobulin order is {DONE[step.event]}"),
                "description": said,
                "focus": {"reference": f"MedicationRequest/{order['id']}"},
                "for": order.get("subject"),
                "encounter": order.get("encounter"),
                "authoredOn": moment(step.at),
                "lastModified": moment(step.at),
                "requester": who,
                "owner": who if status.task == "completed" else None,
                "note": _note(step),
                "output": [{"type": {"text": status.business}, "valueReference": {"reference": urns[1]}}],
            }
        )
    )
