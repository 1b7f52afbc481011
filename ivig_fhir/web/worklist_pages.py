"""The worklist of a session: filtered, refreshed without a reload, and the steps by which a pharmacist claims an order."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.errors import ChangedInEhr, Conflict, StateError
from ivig_fhir.order.claim import Step
from ivig_fhir.store import sessions
from ivig_fhir.web.calculate_first import choose, hidden, is_chosen
from ivig_fhir.web.doors import enter, page, token
from ivig_fhir.web.errors import wants_json
from ivig_fhir.web.overtaken_page import numbered, overtaken_page
from ivig_fhir.web.worklist_filters import Desk, Filters, page_of, shown
from ivig_fhir.web.worklist_view import View, claim_view, worklist_json, worklist_view
from ivig_fhir.workflow.claim import claim_on, claim_order
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.verify import Case
from ivig_fhir.workflow.worklist import filled, worklist


def pages(runtime: Runtime) -> Blueprint:
    """`/s/<session>/pharmacy/`, and the steps of a claim below `<run>/`."""
    blueprint = Blueprint("worklist", __name__, url_prefix="/s/<sid>/pharmacy")

    @blueprint.route("/", methods=["GET", "POST"])
    def index(sid: str) -> Response:
        # A POST only filters: the name of a patient must not stand in an address.
        session = enter(runtime, sid, "pharmacist")
        if request.method == "GET" and wants_json():
            found = worklist(runtime, session, everything=True)
            return make_response(jsonify({"csrf": token(sid), "orders": worklist_json(found.rows, _desk(runtime, session))}))
        asked = request.form if request.method == "POST" else request.args
        return _list(runtime, session, Filters.read(asked, request.form.get("words", "")))

    @blueprint.post("/first")
    def first(sid: str) -> Redirect:
        session = enter(runtime, sid, "pharmacist")
        back = redirect(f"./{Filters.read(request.form, '').address()}", 303)
        return choose(runtime, session, request.form.get("first") == "1", back)

    for step in Step:
        blueprint.add_url_rule(f"/<run>/{step.value}", step.value, _claim(runtime, step), methods=["POST"])
    return blueprint


def _claim(runtime: Runtime, step: Step) -> Callable[[str, str], Response | Redirect]:
    def claim(sid: str, run: str) -> Response | Redirect:
        """From the list back to the list, from the page of the order back to it; who was too late reads who has it."""
        session = enter(runtime, sid, "pharmacist")
        try:
            claim_order(runtime, session, run, step)
        except (ChangedInEhr, Conflict, StateError) as error:
            if wants_json():
                raise
            if request.form.get("on") == "list":
                told = error.told if isinstance(error, ChangedInEhr) else ()
                return _list(runtime, session, Filters.read(request.form, ""), f"{error.message} {numbered(error)}", told)
            if isinstance(error, ChangedInEhr):
                return overtaken_page(runtime, session, run, error, "./")
            raise
        if wants_json():
            return make_response(jsonify({"run": run, "csrf": token(sid)}))
        return redirect(f"../{Filters.read(request.form, '').address()}" if request.form.get("on") == "list" else "./", 303)

    return claim


def claim_of(runtime: Runtime, session: sessions.Session, case: Case) -> View:
    """Whose work an order is, as its page says it."""
    claim = claim_on(runtime, case.run.run, case.review.stored.task)
    return claim_view(claim, clinician(session), case.approved.state, _desk(runtime, session))


def _desk(runtime: Runtime, session: sessions.Session) -> Desk:
    return Desk(clinician(session), runtime.now(), runtime.site.timezone, runtime.content)


def _list(runtime: Runtime, session: sessions.Session, filters: Filters, refused: str = "", told: tuple[str, ...] = ()) -> Response:
    found, desk = worklist(runtime, session, filters.everything), _desk(runtime, session)
    passing = shown(found, filters, desk)
    rows, filters = page_of(passing, filters)
    ehr = runtime.issuer(session.context.iss).name
    base = f"/s/{session.id}/pharmacy/"  # also where this page answers a claim, below another address
    view = worklist_view(found, filled(runtime, session, rows), len(passing), filters, desk, ehr, base)
    more = {"refused": refused, "told": told, "first": is_chosen(session), "hidden": hidden(runtime, session, [r.run for r in rows])}
    return page(runtime, session, "worklist.html", view | more, 409 if refused else 200)
