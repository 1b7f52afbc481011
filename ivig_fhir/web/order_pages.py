"""Order pages of a session: review, change, approve, receipt, infusion sheet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.errors import BadRequest, FhirError, NotFound, OutcomeUnknown
from ivig_fhir.fhir.building import MalformedJson, decode
from ivig_fhir.order.approval import content_refusals
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.selections import ChosenOverride, parse_selections
from ivig_fhir.store import orders, proposals, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.web.choices import choices_view, selections_from_form
from ivig_fhir.web.doors import enter, page, token
from ivig_fhir.web.errors import wants_json
from ivig_fhir.web.receipt_view import receipt_view, runs_view, sheet_view
from ivig_fhir.web.review_view import review_view
from ivig_fhir.workflow.approve import approve_order, refuse
from ivig_fhir.workflow.propose import Page, choose, open_page, run_of_launch
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.verify import read_stored
from ivig_fhir.workflow.write_back import write_back

LOOKERS = ("prescriber", "pharmacist", "nurse", "unproven")
BEFORE_EHR = ("proposed", "approved")


def pages(runtime: Runtime) -> Blueprint:
    """The routes below `/s/<session>/orders/`."""
    blueprint = Blueprint("orders", __name__, url_prefix="/s/<sid>/orders")

    @blueprint.get("/")
    def runs(sid: str) -> Response | Redirect:
        session = enter(runtime, sid, *LOOKERS)
        if session.role in ("prescriber", "unproven"):
            return redirect(f"{run_of_launch(runtime, session).run}/", 303)
        return page(runtime, session, "runs.html", runs_view(_runs_of_patient(runtime, session)))

    @blueprint.post("/")
    def new(sid: str) -> Redirect:
        session = enter(runtime, sid, "prescriber")
        with runtime.database.write() as tx:
            context = session.context
            run = proposals.start(tx, runtime.new_run(), context.iss, str(context.patient), context.user, runtime.now())
        return redirect(f"{run.run}/", 303)

    @blueprint.get("/<run>/")
    def review(sid: str, run: str) -> Response | Redirect:
        return _review(runtime, enter(runtime, sid, *LOOKERS), run)

    @blueprint.post("/<run>/propose")
    def propose(sid: str, run: str) -> Response | Redirect:
        return _propose(runtime, enter(runtime, sid, "prescriber"), run)

    @blueprint.post("/<run>/approve")
    def approve(sid: str, run: str) -> Response | Redirect:
        return _approve(runtime, enter(runtime, sid, "prescriber"), run)

    @blueprint.post("/<run>/resend")
    def resend(sid: str, run: str) -> Response | Redirect:
        session = enter(runtime, sid, "prescriber")
        _write(runtime, session, run)
        return _state(runtime, session, run) if wants_json() else redirect("receipt", 303)

    @blueprint.get("/<run>/receipt")
    def receipt(sid: str, run: str) -> Response:
        session = enter(runtime, sid, *LOOKERS)
        return _state(runtime, session, run) if wants_json() else _receipt(runtime, session, run)

    @blueprint.get("/<run>/sheet")
    def sheet(sid: str, run: str) -> Response:
        session = enter(runtime, sid, *LOOKERS)
        order = _order(runtime, session, run)
        stored = read_stored(runtime.client(session), run, order)
        return page(runtime, session, "sheet.html", sheet_view(order, stored.order, runtime.content, run))

    return blueprint


def _runs_of_patient(runtime: Runtime, session: sessions.Session) -> list[proposals.Run]:
    """What a nurse finds: the orders of this patient that are in the EHR."""
    with runtime.database.read() as tx:
        found = proposals.in_state(tx, session.context.iss, ("sent", "queried", "verified", "rejected", "incomplete"))
    return [r for r in found if r.patient == session.context.patient]


def _review(runtime: Runtime, session: sessions.Session, run: str) -> Response | Redirect:
    opened = open_page(runtime, session, run, fresh="fresh" in request.args)
    if wants_json():
        return _state(runtime, session, run)
    if opened.run.state not in BEFORE_EHR:
        return redirect("receipt", 303)
    return page(runtime, session, "review.html" if opened.proposal else "choose.html", _view(runtime, session, opened))


def _view(runtime: Runtime, session: sessions.Session, opened: Page) -> dict[str, Any]:
    proposal = opened.proposal
    if proposal is None:
        offered = [s for s in runtime.content.order_sets.values() if not s.governance.retired]
        sets = [{"id": s.id, "name": s.name, "tier": s.tier, "coded": s in opened.candidates} for s in offered]
        return {"sets": sets, "name": opened.chart.patient.name, "may_choose": session.role == "prescriber"}
    view = review_view(proposal, opened.chart, runtime.content, opened.run.state)
    mode, issuer = runtime.mode(session), runtime.issuer(session.context.iss)
    parts = sum(c.selected for c in proposal.companions)
    what = (
        f"1 draft order, {parts} companion orders, 1 task for the pharmacist"
        if mode.writes
        else "nothing; the order is handed over as text"
    )
    barred = [r.said for r in content_refusals(proposal, runtime.content, runtime.settings.environment, runtime.site, runtime.now())]
    return view | {
        "choices": choices_view(proposal, runtime.content, runtime.site),
        "choices_note": "Defaults of the content unless it says “Chosen by you”. Change any of them.",
        "may_approve": session.role == "prescriber" and proposal.outcome == "proposed" and not barred,
        "why_not": "Only a prescriber whose identity the EHR proved can approve."
        if session.role != "prescriber"
        else " ".join(barred) or "There is no dose to approve.",
        "approve_label": "Approve order" if mode.writes else "Approve and copy order",
        "consequence": f"Writes to {issuer.name} as {clinician(session).display}: {what}. {mode.reason}",
    }


def _propose(runtime: Runtime, session: sessions.Session, run: str) -> Response | Redirect:
    before = open_page(runtime, session, run)
    if request.is_json:
        chosen = _json()
        parse_selections(chosen)
    elif before.proposal is None:
        chosen = {"indication": request.form.get("indication", "")}
    else:
        chosen = selections_from_form(request.form, before.chosen, before.proposal)
    choose(runtime, session, run, chosen)
    return _state(runtime, session, run) if wants_json() else redirect("./", 303)


def _approve(runtime: Runtime, session: sessions.Session, run: str) -> Response | Redirect:
    sent = _json() if request.is_json else {"digest": request.form.get("digest", "")}
    overrides = _overrides(sent.get("overrides") or [])
    refusals = approve_order(runtime, session, run, str(sent.get("digest", "")), overrides)
    if refusals and not wants_json():
        opened = open_page(runtime, session, run)
        view = _view(runtime, session, opened) | {"refused": [r.said for r in refusals]}
        return page(runtime, session, "review.html", view, 409)
    refuse(refusals)
    _write(runtime, session, run)
    return _state(runtime, session, run) if wants_json() else redirect("receipt", 303)


def _write(runtime: Runtime, session: sessions.Session, run: str) -> None:
    """Sends, and lets the receipt tell what came of it: an approval is kept whatever the EHR answers."""
    try:
        write_back(runtime, session, run)
    except OutcomeUnknown:
        return
    except FhirError:
        if wants_json():
            raise
        raise


def _overrides(raw: Any) -> list[ChosenOverride]:
    return list(parse_selections({"overrides": raw}).overrides)


def _json() -> dict[str, Any]:
    try:
        data = decode(request.get_data())
    except MalformedJson as error:
        raise BadRequest("not JSON", said="What was sent is not JSON.") from error
    if not isinstance(data, dict):
        raise BadRequest("not an object", said="What was sent is not a JSON object.")
    return data


def _order(runtime: Runtime, session: sessions.Session, run: str) -> Order:
    with runtime.database.read() as tx:
        proposals.load(tx, session.context.iss, run, session.context.patient)
        return orders.load(tx, session.context.iss, run)


def _receipt(runtime: Runtime, session: sessions.Session, run: str) -> Response:
    opened, order = open_page(runtime, session, run), _order(runtime, session, run)
    return page(runtime, session, "receipt.html", receipt_view(order, opened, runtime.mode(session)))


def _state(runtime: Runtime, session: sessions.Session, run: str) -> Response:
    """The run as JSON: the approved proposal once there is one, else the one on screen."""
    opened = open_page(runtime, session, run)
    shown: Mapping[str, Any] | None = answer(opened.proposal) if opened.proposal else None
    receipt = verification = None
    try:
        order = _order(runtime, session, run)
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
