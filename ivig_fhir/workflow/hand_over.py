"""Step 4 where an EHR does not take the order: the approval is kept, and the order goes by hand."""

from __future__ import annotations

from ivig_fhir.store import orders, outbox, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.approve import by_hand
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.write_back import write_back


def send_order(runtime: Runtime, session: sessions.Session, run_id: str) -> str:
    """Writes an approved order back.

    One that was approved to be entered by hand is never sent. One that the EHR refused is handed over as text from then on: the approval
    stands, and nothing of it is in the EHR. Errors: those of `write_back`.
    """
    order = _order(runtime, session, run_id)
    if order.state == "approved" and by_hand(order):
        return order.state
    return write_back(runtime, session, run_id)


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
