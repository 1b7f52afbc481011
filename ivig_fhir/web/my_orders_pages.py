"""The page of a prescriber's own orders: what became of them and what waits."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, make_response

from ivig_fhir.web.doors import enter, page, token
from ivig_fhir.web.errors import wants_json
from ivig_fhir.web.my_orders_view import my_orders_view
from ivig_fhir.web.order_view import person_view
from ivig_fhir.workflow.my_orders import elsewhere, my_orders
from ivig_fhir.workflow.read_ehr import read_patient
from ivig_fhir.workflow.runtime import Runtime

_KEPT = ("run", "state", "what", "became", "said", "then", "waits")


def pages(runtime: Runtime) -> Blueprint:
    """The one route; `GET` with `Accept: application/json` answers the same lines."""
    blueprint = Blueprint("mine", __name__, url_prefix="/s/<sid>/orders")

    @blueprint.get("/mine")
    def mine(sid: str) -> Response:
        session = enter(runtime, sid, "prescriber", "unproven")
        here, others = my_orders(runtime, session), elsewhere(runtime, session)
        view = my_orders_view(here, others, runtime.content, runtime.settings.draft_hours)
        if wants_json():
            return make_response(jsonify({"csrf": token(sid), "orders": [{k: r[k] for k in _KEPT} for r in view["rows"]]}))
        more = {"banner": person_view(read_patient(runtime, session)), "may_order": session.role == "prescriber"}
        return page(runtime, session, "mine.html", view | more)

    return blueprint
