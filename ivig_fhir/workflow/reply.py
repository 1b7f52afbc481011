"""Step 5, the other side: the prescriber answers a pharmacist's question, withdraws an order, or orders again with changes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ivig_fhir.errors import StateError
from ivig_fhir.fhir.building import digest
from ivig_fhir.order.approval import Refusal
from ivig_fhir.order.bundle import checked
from ivig_fhir.order.companions import Left, follow
from ivig_fhir.order.decision import Act, Reason, answer_transaction, decision_transaction
from ivig_fhir.order.reply import Reply, reply
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import Transaction, without_types
from ivig_fhir.store import orders, proposals, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.settle import send_decision, settle
from ivig_fhir.workflow.verify import read_stored

_CLOSED = ("rejected", "cancelled")


def answer_question(runtime: Runtime, session: sessions.Session, run_id: str, note: str) -> tuple[Refusal, ...]:
    """Answers the pharmacist: the order waits for verification again, unchanged. Empty when done, else every reason against it."""
    order = _order(runtime, session, run_id)
    made = _reply(runtime, session, order, OrderState.SENT, note)
    if not isinstance(made, Reply):
        return made
    stored = read_stored(runtime.client(session), run_id, order)
    return _send(runtime, session, order, made, answer_transaction(stored, made.who, made.at, made.note))


def withdraw_order(runtime: Runtime, session: sessions.Session, run_id: str, note: str) -> tuple[Refusal, ...]:
    """Withdraws an order that nobody has verified: it is cancelled in the EHR, its group revoked, its task cancelled."""
    order = _order(runtime, session, run_id)
    made = _reply(runtime, session, order, OrderState.CANCELLED, note)
    if not isinstance(made, Reply):
        return made
    stored = read_stored(runtime.client(session), run_id, order, runtime.decision_mode(session).updates)
    words = runtime.content.constants["words"]
    reason = Reason("", words["withdrawn"], made.note)
    act = Act(made.decision, made.who, made.at, digest([stored.order]), runtime.canonical, runtime.version, reason)
    return _send(runtime, session, order, made, decision_transaction(stored, act), follow(stored.companions, made.decision).left)


def order_again(runtime: Runtime, session: sessions.Session, run_id: str) -> Run:
    """A new draft with the choices of an order that was rejected or withdrawn; reasons that were given stand to be read again."""
    with runtime.database.write() as tx:
        run = proposals.load(tx, session.context.tenancy, run_id, session.context.patient)
        if run.state not in _CLOSED:
            raise StateError(f"again from {run.state}", said="This order is still open: withdraw it first.")
        return proposals.start(tx, runtime.new_run(), run.tenancy, run.patient, session.context.user, runtime.now(), run.selections)


def _order(runtime: Runtime, session: sessions.Session, run_id: str) -> Order:
    """The order of a run of this patient, once it is known what became of an earlier word on it."""
    with runtime.database.read() as tx:
        proposals.load(tx, session.context.tenancy, run_id, session.context.patient)
    settle(runtime, session, run_id)
    with runtime.database.read() as tx:
        return orders.load(tx, session.context.tenancy, run_id)


def _reply(runtime: Runtime, session: sessions.Session, order: Order, decision: OrderState, note: str) -> Reply | tuple[Refusal, ...]:
    asked = json.loads(order.verification) if order.verification else None
    return reply(decision, note, OrderState(order.state), asked, clinician(session), runtime.now())


def _send(
    runtime: Runtime, session: sessions.Session, order: Order, made: Reply, writes: Transaction, left: Sequence[Left] = ()
) -> tuple[Refusal, ...]:
    mode = runtime.decision_mode(session)
    if not mode.writes:
        return (Refusal("ehr", mode.reason),)
    send_decision(runtime, session, order, made, without_types(checked(writes), mode.abilities.creates), left)
    return ()
