"""The dispense counter of one order, and the list of discrepancies."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.order.dispense import Broken
from ivig_fhir.store import dispenses, sessions
from ivig_fhir.web.dispense_view import counter_view, discrepancies_view, dispense_json, wanted_of
from ivig_fhir.web.doors import enter, page, sent_json, token
from ivig_fhir.web.errors import wants_json
from ivig_fhir.workflow.dispense import dispense, open_counter, reconcile
from ivig_fhir.workflow.runtime import Runtime, clinician


def pages(runtime: Runtime) -> Blueprint:
    """`<run>/dispense` and `discrepancies/` below `/s/<session>/pharmacy/`."""
    blueprint = Blueprint("dispense", __name__, url_prefix="/s/<sid>/pharmacy")

    @blueprint.get("/<run>/dispense")
    def counter(sid: str, run: str) -> Response:
        return _counter(runtime, enter(runtime, sid, "pharmacist"), run, {}, ())

    @blueprint.post("/<run>/dispense")
    def hand_out(sid: str, run: str) -> Response | Redirect:
        session = enter(runtime, sid, "pharmacist")
        sent: dict[str, Any] = sent_json() if request.is_json else request.form.to_dict()
        reason = {name: str(sent.get(name) or "") for name in ("code", "note")}
        found = dispense(runtime, session, run, wanted_of(sent), reason)
        if found and wants_json():
            refused = [{"condition": b.condition, "said": b.said, "excusable": b.excusable} for b in found]
            return make_response(jsonify({"run": run, "csrf": token(sid), "refused": refused}), 409)
        if found or wants_json():
            return _counter(runtime, session, run, sent, found)
        return redirect("dispense", 303)

    @blueprint.get("/discrepancies/")
    def discrepancies(sid: str) -> Response:
        session, everything = enter(runtime, sid, "pharmacist"), request.args.get("show") == "all"
        with runtime.database.read() as tx:
            found = dispenses.discrepancies(tx, session.context.tenancy, everything)
        if wants_json():
            return make_response(jsonify({"csrf": token(sid), "discrepancies": [dispense_json(d) for d in found]}))
        view = discrepancies_view(found, runtime.content, runtime.site.timezone, everything, clinician(session))
        return page(runtime, session, "discrepancies.html", view)

    @blueprint.post("/discrepancies/<id_>/reconcile")
    def close(sid: str, id_: str) -> Response | Redirect:
        session = enter(runtime, sid, "pharmacist")
        sent: dict[str, Any] = sent_json() if request.is_json else request.form.to_dict()
        reconcile(runtime, session, id_, str(sent.get("note") or ""))
        return make_response(jsonify({"id": id_, "csrf": token(sid)})) if wants_json() else redirect("../", 303)

    return blueprint


def _counter(runtime: Runtime, session: sessions.Session, run: str, typed: dict[str, Any], refused: tuple[Broken, ...]) -> Response:
    counter = open_counter(runtime, session, run)
    if wants_json():
        made = {"run": run, "csrf": token(session.id), "dispensed": [dispense_json(d) for d in counter.before]}
        return make_response(jsonify(made))
    view = counter_view(counter, runtime.content, runtime.site.timezone, typed, refused)
    return page(runtime, session, "dispense.html", view, 409 if refused else 200)
