"""Pharmacy pages of a session: one order on one screen, verify, ask, reject."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.errors import ChangedInEhr
from ivig_fhir.order.states import OrderState
from ivig_fhir.store import sessions
from ivig_fhir.web.calculate_first import calculate_first, hidden
from ivig_fhir.web.case_view import apart_view, case_view, steps_page
from ivig_fhir.web.changed_view import changed_view
from ivig_fhir.web.doors import enter, page, sent_json, token
from ivig_fhir.web.errors import wants_json
from ivig_fhir.web.overtaken_page import numbered
from ivig_fhir.web.worklist_pages import claim_of
from ivig_fhir.workflow.approve import refuse
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.screens import keep_seen, seen_before
from ivig_fhir.workflow.second_person import note_second_person
from ivig_fhir.workflow.verify import decide_order, open_case


def pages(runtime: Runtime) -> Blueprint:
    """The routes below `/s/<session>/pharmacy/`."""
    blueprint = Blueprint("pharmacy", __name__, url_prefix="/s/<sid>/pharmacy")

    @blueprint.get("/<run>/")
    def case(sid: str, run: str) -> Response | Redirect:
        session = enter(runtime, sid, "pharmacist")
        return (None if wants_json() else calculate_first(runtime, session, run)) or case_page(runtime, session, run)

    @blueprint.get("/<run>/steps")
    def steps(sid: str, run: str) -> Response | Redirect:
        session = enter(runtime, sid, "pharmacist")
        return calculate_first(runtime, session, run) or page(
            runtime, session, "steps.html", steps_page(open_case(runtime, session, run), runtime)
        )

    @blueprint.route("/<run>/double", methods=["GET", "POST"])
    def double(sid: str, run: str) -> Response:
        session = enter(runtime, sid, "pharmacist")
        typed = {k: v for k, v in request.form.items() if k != "csrf_token"}
        view = apart_view(open_case(runtime, session, run), runtime, typed) | {"first": bool(hidden(runtime, session, [run]))}
        if view["rows"]:
            note_second_person(runtime, session, run, view["agrees"])
        return page(runtime, session, "double.html", view)

    for name, decision in (("verify", OrderState.VERIFIED), ("query", OrderState.QUERIED), ("reject", OrderState.REJECTED)):
        blueprint.add_url_rule(f"/<run>/{name}", name, _decision(runtime, decision), methods=["POST"])
    return blueprint


def _decision(runtime: Runtime, decision: OrderState) -> Any:
    def decide(sid: str, run: str) -> Response | Redirect:
        session = enter(runtime, sid, "pharmacist")
        sent = _sent()
        reason = None if decision is OrderState.VERIFIED else {"code": str(sent.get("code", "")), "note": str(sent.get("note", ""))}
        digest = str(sent.get("digest") or "")
        try:
            refusals = decide_order(runtime, session, run, decision, digest, reason, unread=_words(sent))
        except ChangedInEhr as error:  # somebody was faster than the write itself
            if wants_json():
                raise
            return _changed(runtime, session, run, digest, (error.message, numbered(error)), error.told)
        if {r.code for r in refusals} & {"digest", "changed"} and not wants_json():
            return _changed(runtime, session, run, digest, tuple(r.said for r in refusals))
        if refusals and not wants_json():
            return case_page(runtime, session, run, tuple(r.said for r in refusals), _words(sent))
        refuse(refusals)
        return case_page(runtime, session, run) if wants_json() else redirect("./", 303)

    return decide


def _changed(
    runtime: Runtime, session: sessions.Session, run: str, digest: str, refused: tuple[str, ...], told: tuple[str, ...] = ()
) -> Response:
    """What is different since the page was opened, field by field; from here the order may be reviewed as it is now."""
    view = changed_view(open_case(runtime, session, run), seen_before(runtime, run, digest), runtime)
    return page(runtime, session, "difference.html", view | {"refused": refused, "told": told, "back": "./"}, 409)


def _sent() -> dict[str, Any]:
    return sent_json() if request.is_json else request.form.to_dict()


def _words(sent: Mapping[str, Any]) -> dict[str, str]:
    """What is said of the parts that could not be read: `unread` by type, of a form `unread.<type>`."""
    given = sent.get("unread")
    found = given if isinstance(given, dict) else {k.removeprefix("unread."): v for k, v in sent.items() if k.startswith("unread.")}
    return {str(type_): said for type_, said in found.items() if isinstance(said, str)}


def case_page(
    runtime: Runtime, session: sessions.Session, run: str, refused: tuple[str, ...] = (), typed: Mapping[str, str] | None = None
) -> Response:
    """One order as it is now, for people or for scripts; with what was refused, if something was."""
    case = open_case(runtime, session, run)
    if wants_json():
        approved = case.approved
        made = {
            "run": run,
            "state": approved.state,
            "csrf": token(session.id),
            "proposal": json.loads(approved.body),
            "receipt": json.loads(approved.receipt) if approved.receipt else None,
            "verification": json.loads(approved.verification) if approved.verification else None,
            "digest": case.review.digest,
            "recalculated": [asdict(line) for line in case.review.lines],
            "altered": [asdict(line) for line in case.review.altered],
            "different": [asdict(line) for line in case.review.other],
            "since": case.review.since.to_json(),
        }
        return make_response(jsonify(made))
    keep_seen(runtime, case)
    view = case_view(case, runtime, session, typed) | {"refused": refused, "claim": claim_of(runtime, session, case)}
    return page(runtime, session, "pharmacist.html", view, 409 if refused else 200)
