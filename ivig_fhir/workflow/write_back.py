"""Step 4, write back: the approved order goes into the EHR once, and what the EHR stored is read back and compared, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.reconcile import Written
from ivig_fhir.ehr.write import complete, find_out, write
from ivig_fhir.errors import Conflict, FhirError, IvigError, LaunchError, OutcomeUnknown, SeveralAnchors, StateError, TokenRejected
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.comparison import compare
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.order.states import OrderState, move
from ivig_fhir.order.transaction import Entry, Transaction, from_json, sent_in
from ivig_fhir.order.unsent import first_day, too_late
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.store import orders, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.access import Access, session_access
from ivig_fhir.workflow.demotion import note_refused, note_unsupported
from ivig_fhir.workflow.displace import displaced
from ivig_fhir.workflow.lease import going_on
from ivig_fhir.workflow.runtime import Runtime

# States in which there is nothing to send any more.
_DONE = ("sent", "queried", "verified", "rejected", "cancelled", "on-hold", "stopped", "completed", "entered-in-error")


def write_back(runtime: Runtime, session: sessions.Session, run_id: str) -> str:
    """Sends an approved order, or finds out what became of one that was sent before; the state in which it is then.

    Only one request sends: whoever comes second finds the state. Where the EHR takes no orders the order stays approved, to be handed
    over as text. Errors: those of `send` and `look`.
    """
    access = session_access(runtime, session)
    with runtime.database.read() as tx:
        order = orders.load(tx, access.tenancy, run_id)
    if order.state in _DONE or not access.mode().writes:
        return order.state
    if order.state == "approved":
        return send(runtime, access, order)
    return look(runtime, access, order)


def send(runtime: Runtime, access: Access, order: Order) -> str:
    """Sends an approved order that may still be sent; the state in which it is then.

    Errors: Conflict where it may not be sent any more, or another order of this patient is on its way; FhirError when nothing was
    stored (the approval is kept, and waits in the outbox where sending it again can help); OutcomeUnknown when nobody can say.
    """
    refuse_late(runtime, access, order)
    with runtime.database.write() as tx:
        claimed = orders.claim_for_write(tx, order.run, access.by, runtime.now())
        order = orders.load(tx, access.tenancy, order.run)  # as it is claimed: it may have been revised and approved anew meanwhile
    if not claimed:
        if order.state == "approved":
            raise Conflict("another order of this patient is on its way", said=orders.ON_ITS_WAY)
        return order.state
    sent = approved_transaction(order)
    try:
        access.first()
        with _before(runtime, access, order) as first:
            written = write(access.client, Transaction(sent.run, (*first, *sent.entries)), access.mode(), going_on(runtime, order.run))
    except (OutcomeUnknown, SeveralAnchors, LaunchError):
        # Of an order that is there twice nobody may say that it is not; and a sign-in that ends half-way says nothing of what was stored.
        _release(runtime, order.run)
        raise
    except IvigError as error:
        again = error.retry or isinstance(error, TokenRejected)
        with runtime.database.write() as tx:
            orders.record_unsent(tx, order.run, access.by, runtime.now(), error.code, again)
        note_refused(runtime.database, access.tenancy, access.right, error, runtime.now())
        raise
    return _record(runtime, access, order, sent, written)


def look(runtime: Runtime, access: Access, order: Order) -> str:
    """Finds out what became of an order: an uncertain one is looked for and never sent again from here; of an incomplete one only what
    is missing is sent. Errors: FhirError, OutcomeUnknown; the order then stands as it stood.
    """
    client, sent = access.client, approved_transaction(order)
    if order.state == "incomplete":
        return _complete(runtime, access, order, sent)
    if order.state != "uncertain":
        raise StateError(f"write back of {order.state}")
    with runtime.database.write() as tx:
        if not orders.claim_for_reconcile(tx, order.run, access.by, runtime.now()):
            return orders.load(tx, access.tenancy, order.run).state
    try:
        written = find_out(client, sent, access.mode())
    except (FhirError, LaunchError):
        _release(runtime, order.run)
        raise
    return _record(runtime, access, order, sent, written)


def _complete(runtime: Runtime, access: Access, order: Order, sent: Transaction) -> str:
    """Sends what an incomplete order lacks, unless somebody is at it."""
    with runtime.database.write() as tx:
        claimed = orders.claim_for_completion(tx, order.run, access.by, runtime.now())
        order = orders.load(tx, access.tenancy, order.run)
    if not claimed:
        return order.state
    try:
        earlier = Receipt.from_json(json.loads(order.receipt))
        written = complete(access.client, sent, earlier.parts, going_on(runtime, order.run))
        # Its parts went alone now; the order itself stands there as it was sent then.
        return _record(runtime, access, order, sent, replace(written, mode=earlier.mode))
    except (FhirError, LaunchError, StateError):
        with runtime.database.write() as tx:
            orders.end_claim(tx, order.run)
        raise


def refuse_late(runtime: Runtime, access: Access, order: Order) -> None:
    """Conflict where an approval may not be sent any more; it is left to a person then, and keeps no other order waiting."""
    now, content = runtime.now(), json.loads(order.approval)["content_version"]
    today, longest = now.astimezone(runtime.site.timezone).date(), timedelta(hours=runtime.settings.unsent_hours)
    begins = first_day(approved_transaction(order))
    why = too_late(order.approved_at, content, begins, now, today, runtime.content.version, longest)
    if why:
        with runtime.database.write() as tx:
            orders.leave(tx, order.run, "expired", "late")
        raise Conflict("approval too old to be sent", said=why)


@contextmanager
def _before(runtime: Runtime, access: Access, order: Order) -> Iterator[tuple[Entry, ...]]:
    """What goes before this order, or with it: the end of the one that it replaces, which is a prescriber's own word."""
    if order.replaces and access.session is None:
        raise Conflict("replaces an order", said="This order takes the place of another one: a prescriber has to send it.")
    if access.session is None:
        yield ()
        return
    with displaced(runtime, access.session, order) as first:
        yield first


def _release(runtime: Runtime, run: str) -> None:
    with runtime.database.write() as tx:
        orders.release(tx, run, runtime.now())


def _record(runtime: Runtime, access: Access, order: Order, sent: Transaction, written: Written) -> str:
    """Reads the order back and keeps the receipt; or notes that nothing is there, and the order is free to be sent again.

    Where it is stored and cannot be read back it stays uncertain: the outbox looks for it again.
    """
    now = runtime.now()
    if written.outcome == "not-sent":
        with runtime.database.write() as tx:
            orders.record_unsent(tx, order.run, access.by, now, note="not found")
        return "approved"
    try:
        receipt = _receipt(runtime, access.client, sent, written)
    except (FhirError, LaunchError):
        if order.state != "incomplete":
            _release(runtime, order.run)
        raise
    state = move(OrderState(order.state), receipt.event)
    made = encode(receipt.to_json()).decode("utf-8")
    stored = [p.reference for p in receipt.parts if p.reference]
    note_unsupported(runtime.database, access.tenancy, access.right, receipt, now)
    with runtime.database.write() as tx:
        return orders.record_write(tx, order.run, state.value, made, stored, access.by, now, note=receipt.lost_kinds).state


def _receipt(runtime: Runtime, client: FhirClient, sent: Transaction, written: Written) -> Receipt:
    main, part = sent_in(sent, written.mode).entry(MAIN), written.part(MAIN)
    if main is None or part is None or not part.reference:
        raise OutcomeUnknown("order without a reference")
    stored = client.read(part.reference, fresh=True).body
    lines = compare(main.resource, stored, written.known)
    return Receipt(sent.run, written.mode, runtime.now(), written.parts, lines)


def approved_transaction(order: Order) -> Transaction:
    """Exactly what was approved, byte for byte as it was kept."""
    if orders.text_digest(order.transaction) != order.transaction_digest:
        raise StateError("transaction does not match its digest")
    return from_json(decode(order.transaction))
