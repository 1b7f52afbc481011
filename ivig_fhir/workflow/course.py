"""Step 6, the course: a verified order is put on hold, goes on, is stopped, completed, or taken back; in the EHR and with us."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ivig_fhir.errors import StateError
from ivig_fhir.fhir.stored_order import StoredOrder
from ivig_fhir.order.approval import Refusal
from ivig_fhir.order.bundle import checked
from ivig_fhir.order.companions import follow
from ivig_fhir.order.course import CODED, ROLES, Step, take
from ivig_fhir.order.course_writes import course_transaction
from ivig_fhir.order.decision import Stored
from ivig_fhir.order.states import Event, OrderState
from ivig_fhir.order.transaction import version_of, without_types
from ivig_fhir.store import orders, proposals, rechecks, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.store.rechecks import Recheck
from ivig_fhir.workflow.altered import refuse_altered
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.settle import send_decision, settle
from ivig_fhir.workflow.verify import read_stored


@dataclass(frozen=True)
class Course:
    """One order as it runs: what was approved, what the EHR holds, the days of its infusions, what was looked at on them, and today."""

    run: Run
    order: Order
    stored: Stored
    days: tuple[date, ...]
    looked: tuple[Recheck, ...]
    today: date

    @property
    def state(self) -> OrderState:
        """Where the order stands with us."""
        return OrderState(self.order.state)

    @property
    def held(self) -> Recheck | None:
        """A look that holds the order, on which nobody has decided yet; it holds also where the EHR could not be told."""
        return rechecks.held(self.looked)

    @property
    def version(self) -> str:
        """The version of the order in the EHR; a decision names it."""
        return version_of(self.stored.order) or ""


def open_course(runtime: Runtime, session: sessions.Session, run_id: str) -> Course:
    """The order as it runs now. NotFound for another patient's, and for one that was never approved; as `read_stored` otherwise.

    A decision whose answer was lost is looked for first.
    """
    with runtime.database.read() as tx:
        run = proposals.load(tx, session.context.tenancy, run_id, session.context.patient)
    settle(runtime, session, run_id)
    with runtime.database.read() as tx:
        order, looked = orders.load(tx, session.context.tenancy, run_id), rechecks.of_run(tx, run_id)
    stored = read_stored(runtime.client(session), run_id, order, runtime.decision_mode(session).updates)
    today = runtime.now().astimezone(runtime.site.timezone).date()
    return Course(run, order, stored, tuple(StoredOrder(stored.order).dates), looked, today)


def move(runtime: Runtime, session: sessions.Session, run_id: str, event: Event, sent: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """Takes one step of the table with the code and note that were sent, or says every reason against it; empty when it is done.

    `sent` may name the version of the order that was on screen. Errors: ChangedInEhr when somebody was faster, Conflict while another
    decision is under way, OutcomeUnknown when nobody can say, and then the next look settles it; StateError where an order is to go on
    that was changed in the EHR.
    """
    course = open_course(runtime, session, run_id)
    if event is Event.RESUME:
        refuse_altered(course.order, course.stored.order)
    if event is Event.RESUME and course.state is OrderState.VERIFIED and course.held is not None:
        return _cleared(runtime, session, course, str(sent.get("note") or ""))
    made = _step(runtime, session, course, event, sent)
    if not isinstance(made, Step):
        return made
    mode = runtime.decision_mode(session)
    if not mode.writes:
        return (Refusal("ehr", mode.reason),)
    writes = course_transaction(course.stored, made, runtime.canonical, runtime.version)
    left = follow(course.stored.companions, made.decision).left
    send_decision(runtime, session, course.order, made, without_types(checked(writes), mode.abilities.creates), left)
    return ()


def _step(runtime: Runtime, session: sessions.Session, course: Course, event: Event, sent: Mapping[str, Any]) -> Step | tuple[Refusal, ...]:
    guide = runtime.content.constants["course"]
    known = guide.for_move(event.value) if event in CODED else {}
    last, before = (course.days[-1] if course.days else None), json.loads(course.order.verification or "null")
    code, note = str(sent.get("code") or ""), str(sent.get("note") or "")
    made = take(event, course.state, clinician(session), runtime.now(), code, note, known, before, last, course.today)
    seen = str(sent.get("version") or "")
    if seen and seen != course.version:
        changed = Refusal("changed", "The order changed in the EHR since this page was opened. Look at it as it is now, then decide.")
        return (changed, *(made if not isinstance(made, Step) else ()))
    return made


def _cleared(runtime: Runtime, session: sessions.Session, course: Course, note: str) -> tuple[Refusal, ...]:
    """Decides on a hold of which the EHR was never told: the order is active there, and goes on."""
    who = clinician(session)
    if not who.proven or not who.roles & ROLES[Event.RESUME]:
        return (Refusal("role", "Only a prescriber or a pharmacist may decide that it goes on."),)
    if not note.strip():
        return (Refusal("note", "The reason needs a note."),)
    said = json.dumps({"note": note.strip(), "display": who.display})
    with runtime.database.write() as tx:
        rechecks.clear(tx, course.run.run, who.reference, runtime.now(), said, course.run.tenancy.iss)
    return ()


def refuse_held(runtime: Runtime, run_id: str) -> None:
    """StateError while a look holds this order: its infusion sheet is not offered."""
    with runtime.database.read() as tx:
        if rechecks.held_run(tx, run_id):
            raise StateError("held", said="This order is on hold: no infusion is given until somebody who may has decided that it goes on.")
