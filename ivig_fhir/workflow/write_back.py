"""Step 4, write back: the approved order goes into the EHR once, and what the EHR stored is read back and compared, field by field."""

from __future__ import annotations

import json

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.reconcile import Written
from ivig_fhir.ehr.write import complete, find_out, write
from ivig_fhir.errors import FhirError, IvigError, OutcomeUnknown, SeveralAnchors, StateError
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.comparison import compare
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.order.states import OrderState, move
from ivig_fhir.order.transaction import Transaction, from_json
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.store import orders, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.displace import displaced
from ivig_fhir.workflow.open_server import introduce
from ivig_fhir.workflow.runtime import Runtime, clinician

# States in which there is nothing to send any more.
_DONE = ("sent", "queried", "verified", "rejected", "cancelled", "on-hold", "stopped", "completed", "entered-in-error")


def write_back(runtime: Runtime, session: sessions.Session, run_id: str) -> str:
    """Sends an approved order, or finds out what became of one that was sent before; the state in which it is then.

    Only one request sends: whoever comes second finds the state. Where the EHR takes no orders the order stays approved, to be handed
    over as text. Errors: FhirError when nothing was stored (the approval is kept), OutcomeUnknown when nobody can say.
    """
    with runtime.database.read() as tx:
        order = orders.load(tx, session.context.tenancy, run_id)
    if order.state in _DONE or not runtime.mode(session).writes:
        return order.state
    if order.state == "approved":
        return _send(runtime, session, order)
    return _settle(runtime, session, order)


def _send(runtime: Runtime, session: sessions.Session, order: Order) -> str:
    who = clinician(session).reference
    with runtime.database.write() as tx:
        if not orders.claim_for_write(tx, order.run, who, runtime.now()):
            return orders.load(tx, session.context.tenancy, order.run).state
    client, sent = runtime.client(session), _transaction(order)
    try:
        introduce(runtime, session)
        with displaced(runtime, session, order) as first:  # the order that this one replaces goes before it, or with it
            written = write(client, Transaction(sent.run, (*first, *sent.entries)), runtime.mode(session))
    except (OutcomeUnknown, SeveralAnchors):  # of an order that is there twice nobody may say that it is not
        with runtime.database.write() as tx:
            orders.release(tx, order.run, runtime.now())
        raise
    except IvigError as error:
        with runtime.database.write() as tx:
            orders.record_unsent(tx, order.run, who, runtime.now(), note=error.code)
        raise
    return _record(runtime, session, order, sent, written)


def _settle(runtime: Runtime, session: sessions.Session, order: Order) -> str:
    """An uncertain order is looked for and never sent again from here; of an incomplete one only what is missing is sent."""
    who, client, sent = clinician(session).reference, runtime.client(session), _transaction(order)
    if order.state == "incomplete":
        earlier = Receipt.from_json(json.loads(order.receipt))
        return _record(runtime, session, order, sent, complete(client, sent, earlier.parts))
    if order.state != "uncertain":
        raise StateError(f"write back of {order.state}")
    with runtime.database.write() as tx:
        if not orders.claim_for_reconcile(tx, order.run, who, runtime.now()):
            return orders.load(tx, session.context.tenancy, order.run).state
    try:
        written = find_out(client, sent, runtime.mode(session))
    except FhirError:
        with runtime.database.write() as tx:
            orders.release(tx, order.run, runtime.now())
        raise
    return _record(runtime, session, order, sent, written)


def _record(runtime: Runtime, session: sessions.Session, order: Order, sent: Transaction, written: Written) -> str:
    """Reads the order back and keeps the receipt; or notes that nothing is there, and the order is free to be sent again."""
    who, now = clinician(session).reference, runtime.now()
    if written.outcome == "not-sent":
        with runtime.database.write() as tx:
            orders.record_unsent(tx, order.run, who, now, note="not found")
        return "approved"
    receipt = _receipt(runtime, runtime.client(session), sent, written)
    state = move(OrderState(order.state) if order.state != "uncertain" else OrderState.UNCERTAIN, receipt.event)
    made = encode(receipt.to_json()).decode("utf-8")
    stored = [p.reference for p in receipt.parts if p.reference]
    with runtime.database.write() as tx:
        return orders.record_write(tx, order.run, state.value, made, stored, who, now).state


def _receipt(runtime: Runtime, client: FhirClient, sent: Transaction, written: Written) -> Receipt:
    main, part = sent.entry(MAIN), written.part(MAIN)
    if main is None or part is None or not part.reference:
        raise OutcomeUnknown("order without a reference")
    stored = client.read(part.reference, fresh=True).body
    lines = compare(main.resource, stored, written.known)
    return Receipt(sent.run, written.mode, runtime.now(), written.parts, lines)


def _transaction(order: Order) -> Transaction:
    """Exactly what was approved, byte for byte as it was kept."""
    if orders.text_digest(order.transaction) != order.transaction_digest:
        raise StateError("transaction does not match its digest")
    return from_json(decode(order.transaction))
