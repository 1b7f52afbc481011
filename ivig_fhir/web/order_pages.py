"""Order pages of a session: review, change, approve, receipt, the pharmacist's question answered, infusion sheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.errors import ChangedInEhr, FhirError, OutcomeUnknown, SelectionError, SessionEnded
from ivig_fhir.order.approval import Refusal
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.store import proposals, sessions
from ivig_fhir.web.by_hand_pages import LOOKERS, order_in_words
from ivig_fhir.web.doors import enter, page, sent_json
from ivig_fhir.web.errors import ended, noted, wants_json
from ivig_fhir.web.mode_view import tracked_view
from ivig_fhir.web.order_forms import asked_for
from ivig_fhir.web.order_state import order_of, state_json
from ivig_fhir.web.order_view import person_view
from ivig_fhir.web.overtaken_page import overtaken_page
from ivig_fhir.web.receipt_view import receipt_view, runs_view
from ivig_fhir.web.review_page import question_view, refusals_said, review_page
from ivig_fhir.workflow.approve import approve_order, refuse
from ivig_fhir.workflow.hand_over import handed_over, send_order
from ivig_fhir.workflow.propose import choose, open_page, run_of_launch
from ivig_fhir.workflow.read_ehr import read_patient
from ivig_fhir.workflow.reply import answer_question, order_again, withdraw_order
from ivig_fhir.workflow.runtime import Runtime

_IN_EHR = ("sent", "queried", "verified", "rejected", "incomplete", "on-hold", "stopped", "completed")
BEFORE_EHR = ("proposed", "approved")
_DRAFT, KEPT = "Your draft is kept.", "Your approval is kept."
_OPEN = ("approved", "sent", "incomplete", "queried", "uncertain")
Answer = Response | Redirect
Reply = Callable[[Runtime, sessions.Session, str, str], tuple[Refusal, ...]]


def pages(runtime: Runtime) -> Blueprint:
    """The routes below `/s/<session>/orders/`."""
    blueprint = Blueprint("orders", __name__, url_prefix="/s/<sid>/orders")

    @blueprint.get("/")
    def runs(sid: str) -> Answer:
        session = enter(runtime, sid, *LOOKERS)
        if session.role in ("prescriber", "unproven"):
            run = run_of_launch(runtime, session)
            return redirect(f"{run.run}/{'receipt' if run.state == 'approved' else ''}", 303)
        return page(runtime, session, "runs.html", runs_view(read_patient(runtime, session), _runs_of_patient(runtime, session)))

    @blueprint.post("/")
    def new(sid: str) -> Redirect:
        session = enter(runtime, sid, "prescriber")
        with runtime.database.write() as tx:
            context = session.context
            run = proposals.start(tx, runtime.new_run(), context.tenancy, str(context.patient), context.user, runtime.now())
        return redirect(f"{run.run}/", 303)

    @blueprint.get("/<run>/")
    def review(sid: str, run: str) -> Answer:
        return _review(runtime, enter(runtime, sid, *LOOKERS), run)

    @blueprint.get("/<run>/receipt")
    def receipt(sid: str, run: str) -> Response:
        session = enter(runtime, sid, *LOOKERS)
        return state_json(runtime, session, run) if wants_json() else _receipt(runtime, session, run)

    for name, act in (("propose", _propose), ("approve", _approve), ("resend", _resend), ("answer", _answer), ("withdraw", _withdraw)):
        blueprint.add_url_rule(f"/<run>/{name}", name, _prescribers(runtime, act), methods=["POST"])
    blueprint.add_url_rule("/<run>/again", "again", _prescribers(runtime, _again), methods=["POST"])
    return blueprint


def _prescribers(runtime: Runtime, act: Callable[[Runtime, sessions.Session, str], Answer]) -> Callable[[str, str], Answer]:
    """A POST that only a prescriber may send."""

    def post(sid: str, run: str) -> Answer:
        return act(runtime, enter(runtime, sid, "prescriber"), run)

    return post


def _runs_of_patient(runtime: Runtime, session: sessions.Session) -> list[proposals.Run]:
    """What a nurse finds: the orders of this patient that are in the EHR."""
    with runtime.database.read() as tx:
        found = proposals.in_state(tx, session.context.tenancy, _IN_EHR)
    return [r for r in found if r.patient == session.context.patient]


def _review(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    fresh = "fresh" in request.args
    if wants_json():
        return state_json(runtime, session, run, fresh)
    opened = open_page(runtime, session, run, fresh)
    if opened.run.state not in BEFORE_EHR:
        return redirect("receipt", 303)
    if opened.run.replaces and opened.run.state == "proposed":  # a change is approved where its difference is shown
        return redirect(f"../{opened.run.replaces}/{'change' if session.role == 'prescriber' else 'receipt'}", 303)
    return review_page(runtime, session, opened)


def _propose(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    """One change of the choices. A form that cannot be used comes back as it was typed, with the reason."""
    if request.is_json:
        chosen = sent_json()
        parse_selections(chosen)
        choose(runtime, session, run, chosen)
        return state_json(runtime, session, run)
    opened = open_page(runtime, session, run)
    try:
        asked = asked_for(request.form, opened, runtime)
        if asked.question is not None:
            return review_page(runtime, session, opened, question=question_view(asked.question, request.form["typed_dose"]))
        choose(runtime, session, run, asked.chosen, asked.understood)
    except SelectionError as error:
        if wants_json():
            raise
        return review_page(runtime, session, opened, error.status, request.form.to_dict(), unusable=error.message, reference=noted(error))
    return state_json(runtime, session, run) if wants_json() else redirect("./", 303)


def _approve(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    sent = sent_json() if request.is_json else {name: request.form.get(name, "") for name in ("digest", "mode")}
    overrides, shown = parse_selections({"overrides": sent.get("overrides")}).overrides, str(sent.get("mode", ""))
    refusals = approve_order(runtime, session, run, str(sent.get("digest", "")), overrides, shown)
    if refusals and not wants_json():
        return review_page(runtime, session, open_page(runtime, session, run), 409, refused=refusals_said(refusals, runtime))
    refuse(refusals)
    return _send(runtime, session, run)


def _resend(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    return _send(runtime, session, run)


def _send(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    """Sends, and lets the receipt tell what came of it: an approval is kept whatever the EHR answers."""
    try:
        send_order(runtime, session, run)
    except OutcomeUnknown as error:
        if wants_json():
            return _done(runtime, session, run)
        return _receipt(runtime, session, run, noted=f"Reference {noted(error)}, {error.code}", told=error.told)
    except (FhirError, SessionEnded) as error:
        if wants_json():
            raise
        if isinstance(error, ChangedInEhr):  # only an order that takes the place of another one changes what is there
            replaced = open_page(runtime, session, run).run.replaces or run
            return overtaken_page(runtime, session, replaced, error, f"../{run}/receipt", stands=KEPT)
        shown = ended(error)
        happened = f"{shown.message.removesuffix(_DRAFT).rstrip()} {KEPT}"
        said = (happened, shown.remedy, f"Reference {noted(shown)}, {shown.code}")
        return _receipt(runtime, session, run, said, shown.status, told=shown.told)
    return _done(runtime, session, run)


def _answer(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    return _replied(runtime, session, run, answer_question)


def _withdraw(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    return _replied(runtime, session, run, withdraw_order)


def _again(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    """A new draft with the choices of an order that came to nothing."""
    made = order_again(runtime, session, run)
    return state_json(runtime, session, made.run) if wants_json() else redirect(f"../{made.run}/", 303)


def _replied(runtime: Runtime, session: sessions.Session, run: str, reply: Reply) -> Answer:
    try:
        refusals = reply(runtime, session, run, _note())
    except ChangedInEhr as error:
        if wants_json():
            raise
        return overtaken_page(runtime, session, run, error, "receipt")
    if refusals and not wants_json():
        return _receipt(runtime, session, run, tuple(r.said for r in refusals), 409)
    refuse(refusals)
    return _done(runtime, session, run)


def _note() -> str:
    sent: dict[str, Any] = sent_json() if request.is_json else request.form.to_dict()
    return str(sent.get("note") or "")


def _done(runtime: Runtime, session: sessions.Session, run: str) -> Answer:
    return state_json(runtime, session, run) if wants_json() else redirect("receipt", 303)


def _receipt(
    runtime: Runtime, session: sessions.Session, run: str, refused: tuple[str, ...] = (), status: int = 200, **shown: Any
) -> Response:
    """The receipt; `shown` are a reference number and what the EHR said."""
    opened, order, mode = open_page(runtime, session, run), order_of(runtime, session, run), runtime.mode(session)
    text = ""
    if handed_over(runtime, session, order):
        text = order_in_words(order, person_view(opened.chart.patient), runtime.content).text
    tracked = tracked_view(mode, runtime.issuer(session.context.iss).name) if order.state in _OPEN else ""
    more = {"refused": refused, "may_reply": session.role == "prescriber", "tracked": tracked}
    view = receipt_view(order, opened, mode, text) | more | shown
    return page(runtime, session, "receipt.html", view, status)
