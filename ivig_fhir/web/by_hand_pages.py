"""An approved order on paper and as a file: the printable order where it is entered by hand, and the FHIR Bundle of what was approved."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response

from ivig_fhir.content.model import Content
from ivig_fhir.errors import StateError
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.fhir.reading import reference
from ivig_fhir.order.by_hand import NOT_IN_EHR, ByHand, by_hand
from ivig_fhir.order.transaction import from_json
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.store.orders import Order
from ivig_fhir.web.doors import enter, page
from ivig_fhir.web.order_state import order_of
from ivig_fhir.web.order_view import person_view
from ivig_fhir.web.render import clock, day
from ivig_fhir.workflow.hand_over import handed_over
from ivig_fhir.workflow.read_ehr import read_patient
from ivig_fhir.workflow.runtime import Runtime

FHIR_JSON = "application/fhir+json"
LOOKERS = ("prescriber", "pharmacist", "nurse", "unproven")
View = dict[str, Any]


def pages(runtime: Runtime) -> Blueprint:
    """The routes of one order beside its receipt: `print` and `bundle`."""
    blueprint = Blueprint("by_hand", __name__, url_prefix="/s/<sid>/orders/<run>")

    @blueprint.get("/print")
    def on_paper(sid: str, run: str) -> Response:
        session = enter(runtime, sid, *LOOKERS)
        order = order_of(runtime, session, run)
        if not handed_over(runtime, session, order):
            raise StateError(
                "print of an order that is not entered by hand",
                said="This order is not one to be entered by hand.",
                remedy="Look at its receipt to see where it stands.",
            )
        person = person_view(read_patient(runtime, session, _patient(order)))
        made = order_in_words(order, person, runtime.content)
        return page(runtime, session, "by_hand.html", {"made": made, "notice": NOT_IN_EHR, "title": "Order to enter by hand", **person})

    @blueprint.get("/bundle")
    def bundle(sid: str, run: str) -> Response:
        order = order_of(runtime, enter(runtime, sid, *LOOKERS), run)
        made = Response(encode(from_json(decode(order.transaction)).bundle()), mimetype=FHIR_JSON)
        made.headers["Content-Disposition"] = f'attachment; filename="ivig-order-{order.run}.json"'
        return made

    return blueprint


def _patient(order: Order) -> str:
    """Whom the approved order is for."""
    main = from_json(decode(order.transaction)).entry(MAIN)
    return reference(main.resource, "subject") if main else ""


def order_in_words(order: Order, person: View, content: Content) -> ByHand:
    """The approved order to be entered by hand, with whom it is for and who signed it."""
    patient = f"{person['name']}; born {person['born']}" + (f"; record number {person['identifier']}" if person["identifier"] else "")
    who = json.loads(order.approval)["who"]["display"]
    signed = f"Approved by {who} on {day(order.approved_at)}, {clock(order.approved_at)} {order.approved_at:%Z}".rstrip() + "."
    return by_hand(from_json(decode(order.transaction)), json.loads(order.body), patient, signed, content)
