"""The printed sheets of a verified order, as pages with print CSS and, where it is installed, as PDF."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, make_response, render_template

from ivig_fhir.errors import StateError
from ivig_fhir.order.states import OrderState
from ivig_fhir.store import orders, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.web.desk import Desk
from ivig_fhir.web.doors import content_words, enter, page
from ivig_fhir.web.order_state import order_of
from ivig_fhir.web.pdf import available, pdf
from ivig_fhir.web.sheet_view import sheet_view, verification_sheet_view
from ivig_fhir.workflow.altered import refuse_altered
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.sheet import read_beside
from ivig_fhir.workflow.verify import open_case

AT_THE_PATIENT = ("prescriber", "pharmacist", "nurse", "unproven")
IN_PHARMACY = ("pharmacist", "nurse")
View = dict[str, Any]


def pages(runtime: Runtime) -> Blueprint:
    """`sheet` for the nurse below both places of an order, `verification` for the pharmacist; each with `.pdf`."""
    blueprint = Blueprint("sheets", __name__, url_prefix="/s/<sid>")

    def infusion(sid: str, run: str, place: str) -> tuple[sessions.Session, View]:
        session = enter(runtime, sid, *(AT_THE_PATIENT if place == "orders" else IN_PHARMACY))
        order = order_of(runtime, session, run) if place == "orders" else _order(runtime, session, run)
        beside = read_beside(runtime, session, run, order)
        return session, sheet_view(order, beside, runtime.content, run, runtime.now().astimezone(runtime.site.timezone))

    def verification(sid: str, run: str) -> tuple[sessions.Session, View]:
        session = enter(runtime, sid, "pharmacist")
        case = open_case(runtime, session, run)
        if case.approved.state != OrderState.VERIFIED:
            raise StateError("sheet before verification", said="The verification sheet can be printed once the order is verified.")
        refuse_altered(case.approved, case.review.stored.order)
        desk = Desk(case, json.loads(case.approved.body), runtime.content)
        return session, verification_sheet_view(desk, runtime.now().astimezone(runtime.site.timezone))

    kinds: tuple[tuple[str, str, Callable[..., tuple[sessions.Session, View]], dict[str, str]], ...] = (
        ("orders/<run>/sheet", "sheet.html", infusion, {"place": "orders"}),
        ("pharmacy/<run>/sheet", "sheet.html", infusion, {"place": "pharmacy"}),
        ("pharmacy/<run>/verification", "verification_sheet.html", verification, {}),
    )
    for where, template, made, more in kinds:
        name = where.replace("/<run>/", "-")
        blueprint.add_url_rule(f"/{where}", name, _shown(runtime, template, made, more))
        blueprint.add_url_rule(f"/{where}.pdf", f"{name}-pdf", _as_pdf(runtime, template, made, more))
    return blueprint


def _shown(runtime: Runtime, template: str, made: Callable[..., Any], more: dict[str, str]) -> Callable[..., Response]:
    def show(sid: str, run: str) -> Response:
        session, view = made(sid, run, **more)
        return page(runtime, session, template, view | {"pdf": available()})

    return show


def _as_pdf(runtime: Runtime, template: str, made: Callable[..., Any], more: dict[str, str]) -> Callable[..., Response]:
    def send(sid: str, run: str) -> Response:
        _, view = made(sid, run, **more)
        html = render_template(template, v=view, paper=True, strip="", sid="", **content_words(runtime))
        response = make_response(pdf(html))
        response.content_type = "application/pdf"
        response.headers["Content-Disposition"] = f'inline; filename="{template.removesuffix(".html")}-{run[:8]}.pdf"'
        return response

    return send


def _order(runtime: Runtime, session: sessions.Session, run: str) -> Order:
    with runtime.database.read() as tx:
        return orders.load(tx, session.context.tenancy, run)
