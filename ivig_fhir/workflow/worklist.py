"""Step 5, the worklist: the EHR's tasks with their orders and patients, and every order of ours that has no task there."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ivig_fhir.chart.answers import Reason, Resource
from ivig_fhir.ehr.client import CONNECTIONS, FhirClient
from ivig_fhir.ehr.search import Found, search
from ivig_fhir.errors import FhirError, NotFound
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.codes import codings
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.identifiers import run_of
from ivig_fhir.fhir.reading import part, reference, reference_key, word
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.claim import holder
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.order.states import OrderState
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.store import claims, orders, proposals, sessions
from ivig_fhir.store.claims import Claim
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.settle import settle_all

_OPEN_TASKS = ("requested", "received", "ready", "accepted", "in-progress", "on-hold")
_CLOSED_TASKS = ("completed", "rejected", "cancelled")
_INCLUDES = (("_include", "Task:focus"), ("_include", "Task:patient"))
_PAGE = ("_count", "200")
_PRIORITIES = ("stat", "asap", "urgent", "routine")
# Where the EHR answers a search for tasks with one of these, it holds none for us: the list is ours then, and the page says so.
_NO_TASKS = (Reason.NOT_SUPPORTED, Reason.NOT_PERMITTED)


@dataclass(frozen=True)
class Row:
    """One order of the list. `task` is None where the EHR holds none for it; `order` and `patient` where they are not read (yet).

    state: the order's state with us; what the task says where we know nothing of it.
    """

    run: str
    state: str
    task: Resource | None
    order: Resource | None = None
    patient: Resource | None = None
    claim: Claim | None = None
    known: Order | None = None
    approved: Mapping[str, Any] = field(default_factory=dict)

    @property
    def worker(self) -> Clinician | None:
        """Who works on it: by our own claim, else by the task's owner."""
        if self.claim is not None:
            return Clinician(self.claim.by, self.claim.display, frozenset())
        return holder(self.task) if self.task is not None else None

    @property
    def needed_by(self) -> datetime | None:
        """The moment by which the decision is needed; None where nothing says so."""
        end = word(part(part(self.task or {}, "restriction"), "period"), "end") or str(self.approved.get("start") or "")
        time = parse_time(end)
        return time.earliest if time else None

    @property
    def written(self) -> datetime | None:
        """When the task was written, or the order approved."""
        time = parse_time((self.task or {}).get("authoredOn"))
        return time.earliest if time else self.known.approved_at if self.known else None


@dataclass(frozen=True)
class Worklist:
    """The orders, most urgent first; `problem` says why the list may not be whole; `ours` that the EHR keeps no tasks for us.

    `on_hold` is how many orders are on hold, whether or not they are on this list.
    """

    rows: tuple[Row, ...]
    problem: str
    ours: bool
    on_hold: int = 0


def worklist(runtime: Runtime, session: sessions.Session, everything: bool = False) -> Worklist:
    """Every order that asks for a pharmacist, or with `everything` also those that are decided. Nothing of ours is ever left out."""
    settle_all(runtime, session)
    wanted = _OPEN_TASKS + (_CLOSED_TASKS if everything else ())
    found = _tasks(runtime.client(session), wanted)
    tasks, unread = _task_rows(runtime.client(session), found, wanted)
    with runtime.database.read() as tx:
        ours = claims.states(tx, session.context.tenancy, open_only=not everything)
        every = claims.states(tx, session.context.tenancy, open_only=False)
        claimed = claims.of_runs(tx, {r.run for r in tasks} | set(ours))
    rows = [replace(r, state=every.get(r.run, r.state), claim=claimed.get(r.run)) for r in tasks]
    listed = {r.run for r in rows}
    alone = [run for run in ours if run not in listed]
    with runtime.database.read() as tx:
        approved = orders.bodies(tx, session.context.tenancy, alone)
    rows += [Row(r, ours[r], None, claim=claimed.get(r), approved=decode(approved[r]) if r in approved else {}) for r in alone]
    without = found.problem in _NO_TASKS
    missing = f"Tasks whose order or patient could not be read, and that are not on this list: {unread}." if unread else ""
    problem = f"{found.said if found.problem and not without else ''} {missing}".strip()
    on_hold = sum(state == OrderState.ON_HOLD for state in every.values())
    return Worklist(tuple(sorted(rows, key=_urgency)), problem, without, on_hold)


def filled(runtime: Runtime, session: sessions.Session, rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows of one page with what was approved, and for those without a task with order and patient from the EHR."""
    client = runtime.client(session)
    with ThreadPoolExecutor(max_workers=CONNECTIONS, thread_name_prefix="worklist") as pool:
        return tuple(pool.map(lambda r: _with_resources(client, _remembered(runtime, session, r)), rows))


def _tasks(client: FhirClient, statuses: Collection[str]) -> Found:
    """The tasks with what they point to; a server that does not know `_include` is asked without."""
    asked = [("status", ",".join(statuses)), ("code", "approve"), _PAGE]
    found = search(client, "Task", [*asked, *_INCLUDES], fresh=True)
    return search(client, "Task", asked, fresh=True) if found.refused else found


def _task_rows(client: FhirClient, found: Found, statuses: Collection[str]) -> tuple[list[Row], int]:
    """A row for each task that points to an immunoglobulin order of a run, and how many tasks could not be followed.

    Anything else is not for this list; every filter is applied again.
    """
    tasks = [t for t in found.matches.values() if word(t, "status") in statuses and _asks_for_approval(t) and _focus(client, t)]
    orders_read = _read_all(client, {_focus(client, t) for t in tasks}, found.includes)
    ours = [(t, o) for t in tasks if (o := orders_read.get(_focus(client, t))) is not None and run_of(dict(o)) is not None]
    patients = _read_all(client, {_local(client, reference(o, "subject")) for _, o in ours}, found.includes)
    rows, unread = [], sum(orders_read.get(_focus(client, t)) is None for t in tasks)
    for task, order in ours:
        patient = patients.get(_local(client, reference(order, "subject")))
        if patient is None:
            unread += 1
            continue
        run = str(run_of(dict(order))).removeprefix("urn:uuid:")
        rows.append(Row(run, word(task, "status"), task, order, patient))
    return rows, unread


def _asks_for_approval(task: Resource) -> bool:
    """A server that ignores the code asked for also answers with the tasks of a hold or a stop."""
    return any(c.code == "approve" for c in codings(task.get("code")))


def _focus(client: FhirClient, task: Resource) -> str:
    """`MedicationRequest/id` of this server that a task is about; "" for anything else."""
    focus = _local(client, reference(task, "focus"))
    return focus if focus.startswith("MedicationRequest/") else ""


def _local(client: FhirClient, literal: str) -> str:
    return literal.removeprefix(client.base.rstrip("/") + "/")


def _read_all(client: FhirClient, wanted: Collection[str], included: Mapping[str, Resource]) -> dict[str, Resource]:
    """The resources at these references: what came along, and the rest read in parallel; one that cannot be read is missing."""
    found = {ref: included[key] for ref in wanted if _of_type_and_id(ref) and (key := reference_key(ref)) in included}
    missing = [ref for ref in wanted if ref and ref not in found]
    with ThreadPoolExecutor(max_workers=CONNECTIONS, thread_name_prefix="worklist") as pool:
        for ref, resource in zip(missing, pool.map(lambda r: _read(client, r), missing), strict=True):
            if resource is not None:
                found[ref] = resource
    return found


def _of_type_and_id(ref: str) -> bool:
    """Whether it is a relative reference: an address of another server means another server's resource, whatever came along."""
    return "//" not in ref


def _read(client: FhirClient, ref: str) -> Resource | None:
    try:
        body: Resource = client.read(ref, fresh=True).body
    except FhirError:
        return None
    return body


def _remembered(runtime: Runtime, session: sessions.Session, row: Row) -> Row:
    """The row with what was approved here, if it was."""
    if row.known is not None:
        return row
    try:
        with runtime.database.read() as tx:
            known = orders.load(tx, session.context.tenancy, row.run)
    except NotFound:
        return row
    return replace(row, known=known, approved=json.loads(known.body))


def _with_resources(client: FhirClient, row: Row) -> Row:
    """Order and patient of a row that no task brought: by the receipt, or of what is not in the EHR by what was approved."""
    if row.known is None or row.patient is not None:
        return row
    main = Receipt.from_json(json.loads(row.known.receipt)).part(MAIN) if row.known.receipt else None
    order = _read(client, main.reference) if main and main.reference else None
    patient = _read(client, str(part(row.approved, "patient").get("reference") or ""))
    return replace(row, order=order, patient=patient)


def _urgency(row: Row) -> tuple[bool, str, int, str, str]:
    """What is open before what is closed, then by when it is needed, by its priority, and by how long it has waited."""
    closed = row.state in proposals.DECIDED or word(row.task or {}, "status") in _CLOSED_TASKS
    needed, priority = row.needed_by, word(row.task or {}, "priority")
    rank = _PRIORITIES.index(priority) if priority in _PRIORITIES else len(_PRIORITIES)
    return closed, _sorted(needed), rank, _sorted(row.written), row.run


def _sorted(time: datetime | None) -> str:
    return time.astimezone(UTC).isoformat() if time else "9999"
