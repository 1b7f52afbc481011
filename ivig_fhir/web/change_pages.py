"""Pages of a change: the pharmacist proposes another order; the prescriber approves it with one action, or keeps the one there is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.errors import ChangedInEhr, OutcomeUnknown, SelectionError
from ivig_fhir.proposal.selections import ChosenOverride, parse_selections
from ivig_fhir.store import sessions
from ivig_fhir.web.calculate_first import calculate_first
from ivig_fhir.web.change_view import FIELDS, change_view, proposing_view, tried_json
from ivig_fhir.web.doors import enter, page, sent_json, token
from ivig_fhir.web.errors import noted, wants_json
from ivig_fhir.web.order_state import state_json
from ivig_fhir.web.overtaken_page import overtaken_page
from ivig_fhir.web.review_page import refusals_said
from ivig_fhir.workflow.approve import refuse
from ivig_fhir.workflow.change import (
    Replacement,
    approve_replacement,
    open_replacement,
    products_for,
    propose_change,
    try_change,
)
from ivig_fhir.workflow.hand_over import send_order
from ivig_fhir.workflow.propose import drafted
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.verify import open_case

Answer = Response | Redirect


def pages(runtime: Runtime) -> Blueprint:
    """`pharmacy/<run>/change` for the pharmacist, `orders/<run>/change` for the prescriber, below `/s/<session>/`."""
    blueprint = Blueprint("change", __name__, url_prefix="/s/<sid>")

    @blueprint.get("/pharmacy/<run>/change")
    def begin(sid: str, run: str) -> Answer:
        session = enter(runtime, sid, "pharmacist")
        return calculate_first(runtime, session, run) or _proposing(runtime, session, run, {})

    @blueprint.post("/pharmacy/<run>/change")
    def propose(sid: str, run: str) -> Answer:
        return _propose(runtime, enter(runtime, sid, "pharmacist"), run)

    @blueprint.get("/orders/<run>/change")
    def change(sid: str, run: str) -> Response:
        session = enter(runtime, sid, "prescriber")
        return _change(runtime, session, open_replacement(runtime, session, run, "fresh" in request.args))

    @blueprint.post("/orders/<run>/change")
    def approve(sid: str, run: str) -> Answer:
        return _approve(runtime, enter(runtime, sid, "prescriber"), run)

    return blueprint


def _sent() -> Mapping[str, Any]:
    return sent_json() if request.is_json else request.form.to_dict()


def _proposing(
    runtime: Runtime, session: sessions.Session, run: str, asked: Mapping[str, str], refused: tuple[str, ...] = (), status: int = 200
) -> Response:
    """The three kinds of a change; with what was asked, what it would do. What cannot be used comes back as it was typed."""
    case, tried = open_case(runtime, session, run), None
    if asked.get("kind"):
        try:
            tried = try_change(runtime, case, asked)
        except SelectionError as error:
            if wants_json():
                raise
            refused, status = (*refused, f"{error.message} Reference {noted(error)}."), 400
    if wants_json():
        return make_response(
            jsonify({"csrf": token(session.id), "digest": case.review.digest, "change": tried_json(tried) if tried else None})
        )
    view = proposing_view(case, products_for(runtime, case), tried, asked, runtime) | {"refused": refused}
    return page(runtime, session, "propose_change.html", view, status)


def _propose(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    """Looks at a change, or sends it, where a reason and a message are given."""
    sent = _sent()
    asked = {k: str(sent.get(k) or "") for k in FIELDS}
    if not sent.get("send"):
        return _proposing(runtime, session, run, asked)
    reason = {"code": str(sent.get("code") or ""), "note": str(sent.get("note") or "")}
    refusals = propose_change(runtime, session, run, asked, str(sent.get("digest") or ""), reason)
    if refusals and not wants_json():
        return _proposing(runtime, session, run, asked, tuple(r.said for r in refusals), 409)
    refuse(refusals)
    return _proposing(runtime, session, run, {}) if wants_json() else redirect("./", 303)


def _change(
    runtime: Runtime, session: sessions.Session, replacement: Replacement, refused: tuple[str, ...] = (), status: int = 200
) -> Response:
    made = drafted(replacement.page)
    if wants_json():
        said = {"rows": [list(r) for r in replacement.rows], "digest": made.digest, "asks": [f.check for f in made.open_overrides]}
        return make_response(jsonify({"csrf": token(session.id), "run": replacement.page.run.run, "change": said}))
    return page(runtime, session, "change.html", change_view(replacement, made, runtime) | {"refused": refused}, status)


def _approve(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    """One action: signs the changed order, cancels the one that it replaces, and sends both."""
    sent = _sent()
    new, refusals = approve_replacement(runtime, session, run, str(sent.get("digest") or ""), _overrides(sent))
    if refusals and not wants_json():
        said = tuple(refusals_said(refusals, runtime))
        return _change(runtime, session, open_replacement(runtime, session, run), said, 409)
    refuse(refusals)
    try:
        with suppress(OutcomeUnknown):
            send_order(runtime, session, new)
    except ChangedInEhr as error:
        if wants_json():
            raise
        return overtaken_page(runtime, session, run, error, f"../{new}/receipt", stands="Your approval is kept.")
    return state_json(runtime, session, new) if wants_json() else redirect(f"../{new}/receipt", 303)


def _overrides(sent: Mapping[str, Any]) -> tuple[ChosenOverride, ...]:
    """The reasons of a script, or those typed beside their findings (`code.<check>`, `note.<check>`); empty ones are none."""
    if "overrides" in sent:
        return parse_selections({"overrides": sent["overrides"]}).overrides
    checks = [key.removeprefix("code.") for key in sent if key.startswith("code.") and sent[key]]
    return tuple(ChosenOverride(c, str(sent[f"code.{c}"]), str(sent.get(f"note.{c}") or "").strip()) for c in checks)
