"""Step 4 for a changed order: the order whose place it takes is cancelled before it or with it, so that never two stand there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from ivig_fhir.errors import Conflict, FhirError, OutcomeUnknown, StateError
from ivig_fhir.fhir.building import digest
from ivig_fhir.order.bundle import checked
from ivig_fhir.order.companions import Left, follow
from ivig_fhir.order.decision import Act, Reason, decision_transaction
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.order.reply import Reply
from ivig_fhir.order.states import Event, OrderState, allows
from ivig_fhir.order.transaction import Entry, Transaction, without_types
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.store import orders, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.settle import held_text, send_decision, settle
from ivig_fhir.workflow.verify import read_stored

_ROLE = "replaced-{}"


def refuse_unreplaceable(runtime: Runtime, session: sessions.Session, run: Run) -> None:
    """StateError where the order whose place this one would take is not open for that any more: it was verified, withdrawn, answered."""
    if run.replaces and not allows(_replaced(runtime, session, run.replaces).state, Event.REPLACE):
        raise StateError("replaces what is decided", said=_ELSEWHERE)


_ELSEWHERE = "The order that this one would replace no longer waits for your answer: somebody decided on it. Nothing was sent."


def prior_order(runtime: Runtime, session: sessions.Session, run: Run) -> str | None:
    """The order that this one replaces, as the EHR holds it (`MedicationRequest/id`)."""
    if not run.replaces:
        return None
    order = _replaced(runtime, session, run.replaces)
    part = Receipt.from_json(json.loads(order.receipt)).part(MAIN) if order.receipt else None
    return part.reference if part else None


@contextmanager
def displaced(runtime: Runtime, session: sessions.Session, order: Order) -> Iterator[tuple[Entry, ...]]:
    """What has to be written with this order to cancel the one that it replaces; nothing for an order of its own.

    Where the EHR stores all or nothing, both are one transaction. Where it does not, the old one is cancelled now, before the new one is
    sent: for a moment there is none, and never two. After the write the old one is looked for, whatever the answer was.
    Errors: StateError, where somebody decided on the old one; Conflict while somebody does; else as `send_decision`.
    """
    if not order.replaces:
        yield ()
        return
    settle(runtime, session, order.replaces)
    old = _replaced(runtime, session, order.replaces)
    if old.state == OrderState.CANCELLED:  # it was cancelled before, and the new one did not arrive
        yield ()
        return
    if not allows(old.state, Event.REPLACE):
        raise StateError("replaces what is decided", said=_ELSEWHERE)
    made, writes, left = _cancelling(runtime, session, old, order)
    how = runtime.mode(session)
    if how.mode != "transaction" or not how.atomic:
        send_decision(runtime, session, old, made, writes, left)
        yield ()
        return
    with runtime.database.write() as tx:
        held = held_text(old, made, writes, left)
        if not orders.hold_decision(tx, old.run, (old.state,), held, made.who.reference, runtime.now()):
            raise Conflict("a decision is under way", said="Another decision on the order that this one replaces is under way.")
    try:
        yield tuple(replace(e, role=_ROLE.format(e.role)) for e in writes.entries)
    finally:
        with runtime.database.write() as tx:
            orders.release(tx, old.run, runtime.now(), kind="decision")
        with suppress(FhirError, OutcomeUnknown):
            settle(runtime, session, old.run)


def _cancelling(runtime: Runtime, session: sessions.Session, old: Order, new: Order) -> tuple[Reply, Transaction, tuple[Left, ...]]:
    """The prescriber's word on the old order, its writes over exactly what stands there now, and which companions stay."""
    how, who, now = runtime.decision_mode(session), clinician(session), runtime.now()
    stored = read_stored(runtime.client(session), old.run, old, how.updates)
    words = runtime.content.constants["words"]["replaced"]
    made = Reply(OrderState.CANCELLED, who, now, words, json.loads(old.verification or "null"), new.run)
    reason = Reason("", words, f"urn:uuid:{new.run}")
    act = Act(OrderState.CANCELLED, who, now, digest([stored.order]), runtime.canonical, runtime.version, reason, Event.REPLACE)
    writes = checked(decision_transaction(stored, act))
    return made, without_types(writes, how.abilities.creates), follow(stored.companions, OrderState.CANCELLED).left


def _replaced(runtime: Runtime, session: sessions.Session, run: str) -> Order:
    with runtime.database.read() as tx:
        return orders.load(tx, session.context.tenancy, run)
