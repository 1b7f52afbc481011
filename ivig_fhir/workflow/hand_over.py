"""Step 4 where an EHR does not take the order: the approval is kept, the session learns what was refused, the order goes by hand."""

from __future__ import annotations

import json

from ivig_fhir.ehr.modes import ORDER
from ivig_fhir.errors import Forbidden, ResourceGone
from ivig_fhir.order.receipt import UNSUPPORTED, Receipt
from ivig_fhir.store import orders, outbox, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.approve import by_hand
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.write_back import write_back


def send_order(runtime: Runtime, session: sessions.Session, run_id: str) -> str:
    """Writes an approved order back, and remembers for the rest of this session which types the EHR refused to store.

    One that was approved to be entered by hand is never sent. One that the EHR refused is handed over as text from then on: the approval
    stands, and nothing of it is in the EHR. Errors: those of `write_back`.
    """
    order = _order(runtime, session, run_id)
    if order.state == "approved" and by_hand(order):
        return order.state
    try:
        state = write_back(runtime, session, run_id)
    except (Forbidden, ResourceGone):
        if _order(runtime, session, run_id).state == "approved":  # else it is stored, and what failed was to read it back
            runtime.refused(session, {ORDER})
        raise
    runtime.refused(session, _unsupported(_order(runtime, session, run_id)))
    return state


def handed_over(runtime: Runtime, session: sessions.Session, order: Order) -> bool:
    """Whether somebody has to enter this order in the EHR by hand: it is approved, and the app does not send it.

    One that waits in the outbox is sent as soon as it can be: entered by hand as well, it would be there twice.
    """
    with runtime.database.read() as tx:
        waits = outbox.stands(tx, order.run, "send") == "waiting"
    return order.state == "approved" and (by_hand(order) or (not waits and not runtime.mode(session).writes))


def _order(runtime: Runtime, session: sessions.Session, run_id: str) -> Order:
    with runtime.database.read() as tx:
        return orders.load(tx, session.context.tenancy, run_id)


def _unsupported(order: Order) -> set[str]:
    """The types of the parts that the EHR would not store beside the order."""
    parts = Receipt.from_json(json.loads(order.receipt)).parts if order.receipt else ()
    return {p.type for p in parts if p.state == UNSUPPORTED} - {ORDER}
