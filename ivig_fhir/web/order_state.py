"""A run as JSON for scripts: its state, the proposal, the receipt and the pharmacist's word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, make_response

from ivig_fhir.errors import NotFound
from ivig_fhir.proposal.answer import answer
from ivig_fhir.store import orders, proposals, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.web.doors import token
from ivig_fhir.workflow.propose import open_page
from ivig_fhir.workflow.runtime import Runtime


def order_of(runtime: Runtime, session: sessions.Session, run: str) -> Order:
    """The approved order of a run of this patient. NotFound for another patient's, and where nothing was approved."""
    with runtime.database.read() as tx:
        proposals.load(tx, session.context.tenancy, run, session.context.patient)
        return orders.load(tx, session.context.tenancy, run)


def state_json(runtime: Runtime, session: sessions.Session, run: str, fresh: bool = False) -> Response:
    """The run as JSON: the approved proposal once there is one, else the one on screen; `fresh` reads the chart again."""
    opened = open_page(runtime, session, run, fresh)
    shown: Mapping[str, Any] | None = answer(opened.proposal) if opened.proposal else None
    receipt = verification = None
    try:
        order = order_of(runtime, session, run)
        if order.state != "proposed":
            shown = json.loads(order.body)
        receipt = json.loads(order.receipt) if order.receipt else None
        verification = json.loads(order.verification) if order.verification else None
    except NotFound:
        pass
    made = {
        "run": run,
        "state": opened.run.state,
        "csrf": token(session.id),
        "proposal": shown,
        "receipt": receipt,
        "verification": verification,
    }
    return make_response(jsonify(made))
