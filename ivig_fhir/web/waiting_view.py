"""What every page of a session says about orders that wait: approved and not in the EHR, or of unknown fate; and what a launch settled."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from ivig_fhir.store import orders, outbox, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.store.outbox import Delivery
from ivig_fhir.web.render import clock, day
from ivig_fhir.workflow.runtime import Runtime

_MOST = 10
View = dict[str, Any]


def waiting_view(runtime: Runtime, session: sessions.Session) -> list[View]:
    """A line for each order of this session's patient, or of the whole worklist, that is not settled; the first ten.

    The request that approves an order says itself what came of it: an order that it is still sending is no news.
    """
    context, now = session.context, runtime.now()
    if session.role not in ("prescriber", "pharmacist"):
        return []
    with runtime.database.read() as tx:
        items = [i for i in outbox.waiting(tx, context.tenancy, context.patient) if not _first_try(i, now)]
        found = [(item, orders.load(tx, context.tenancy, item.run)) for item in items[:_MOST]]
    lines = [_line(runtime, item, order, linked=session.role == "prescriber") for item, order in found]
    more = len(items) - len(found)
    return [*lines, {"said": f"And {more} more.", "kind": "need", "run": ""}] if more > 0 else lines


def _first_try(item: Delivery, now: datetime) -> bool:
    return item.kind != "decision" and item.state == "waiting" and item.attempts == 0 and item.due is not None and item.due > now


def settled_at_launch(runtime: Runtime, session: sessions.Session) -> tuple[str, ...]:
    """What this session's launch settled; said once."""
    said = runtime.notices.find(session.key) or ()
    runtime.notices.forget(session.key)
    return said


def _line(runtime: Runtime, item: Delivery, order: Order, linked: bool) -> View:
    who = json.loads(order.approval).get("who", {}).get("display") or order.approved_by
    body = json.loads(order.body)
    what = f"{body['product']['id']}, {body['dose']['course_g']} g" if body.get("dose") else "immunoglobulin"
    at = order.approved_at.astimezone(runtime.site.timezone)
    about = f"{body['patient']['reference']}: {what}, approved {day(at)}, {clock(at)} by {who}"
    until = at + timedelta(hours=runtime.settings.unsent_hours)
    said = {
        ("send", "waiting"): f"Approved, not yet in the EHR: it waits for somebody who may send it, until {day(until)}, {clock(until)}.",
        ("send", "stuck"): f"Approved, not in the EHR, and not sent again by itself ({item.error}). The prescriber has to open it.",
        ("send", "expired"): "Approved, not in the EHR, and too late to be sent. The prescriber has to read it again and approve it again.",
        ("decision", "waiting"): "Whether the EHR holds the decision on this order is not known yet.",
        ("decision", "stuck"): "Whether the EHR holds the decision on this order is not known; it was looked for in vain.",
    }
    unknown = "Whether this order is in the EHR is not known. It is looked for before anything is sent; check the EHR before you order."
    return {"about": about, "said": said.get((item.kind, item.state), unknown), "kind": "need", "run": item.run if linked else ""}
