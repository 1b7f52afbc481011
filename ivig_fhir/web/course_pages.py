"""Pages of a verified order below the patient's and the pharmacy's addresses: its course, and the look before an infusion."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.errors import ChangedInEhr, SelectionError
from ivig_fhir.fhir.reading import plain_decimal, reference
from ivig_fhir.order.approval import PHARMACIST, PRESCRIBER, Refusal
from ivig_fhir.order.course import ROLES
from ivig_fhir.order.recheck import OTHER, Typed
from ivig_fhir.order.recheck import ROLES as LOOKERS
from ivig_fhir.order.states import Event
from ivig_fhir.store import sessions
from ivig_fhir.web.course_view import course_json, course_view, looks_json, recheck_view
from ivig_fhir.web.doors import enter, page, sent_json, token
from ivig_fhir.web.errors import noted, wants_json
from ivig_fhir.web.overtaken_page import difference_page, overtaken_page
from ivig_fhir.workflow.approve import refuse
from ivig_fhir.workflow.catch_up import catch_up
from ivig_fhir.workflow.course import Course, move, open_course
from ivig_fhir.workflow.overtaken import remember
from ivig_fhir.workflow.read_ehr import read_patient
from ivig_fhir.workflow.recheck import Opened, decide, open_recheck
from ivig_fhir.workflow.release import tell
from ivig_fhir.workflow.runtime import Runtime

# Who may look at the course, by the part of the site.
AREAS = {"orders": ("prescriber", "pharmacist", "nurse", "unproven"), "pharmacy": ("pharmacist", "nurse")}
Answer = Response | Redirect
_HELD_HERE = "The hold counts here, and the infusion sheet is kept back; the EHR was not told."


def pages(runtime: Runtime, area: str) -> Blueprint:
    """The routes of one area, `orders` or `pharmacy`, below `/s/<session>/<area>/<run>/`."""
    blueprint = Blueprint(f"course-{area}", __name__, url_prefix=f"/s/<sid>/{area}/<run>")

    @blueprint.get("/course")
    def course(sid: str, run: str) -> Response:
        return _course(runtime, enter(runtime, sid, *AREAS[area]), run)

    @blueprint.route("/recheck/<int:number>", methods=["GET", "POST"])
    def recheck(sid: str, run: str, number: int) -> Answer:
        session = enter(runtime, sid, *sorted(LOOKERS & set(AREAS[area])))
        return _recheck(runtime, session, run, number, {}) if request.method == "GET" else _decide(runtime, session, run, number)

    @blueprint.post("/companions")
    def companions(sid: str, run: str) -> Answer:
        session = enter(runtime, sid, *sorted({PRESCRIBER, PHARMACIST} & set(AREAS[area])))
        return _after(runtime, session, run, catch_up(runtime, session, run))

    @blueprint.post("/tell")
    def told(sid: str, run: str) -> Answer:
        session = enter(runtime, sid, *sorted(LOOKERS & set(AREAS[area])))
        return _after(runtime, session, run, tell(runtime, session, run))

    for event in ROLES:
        blueprint.add_url_rule(f"/{event.value}", event.value, _move(runtime, area, event), methods=["POST"])
    return blueprint


def _move(runtime: Runtime, area: str, event: Event) -> Any:
    def take(sid: str, run: str) -> Answer:
        session = enter(runtime, sid, *sorted(ROLES[event] & set(AREAS[area])))
        sent = _sent()
        version = str(sent.get("version") or "")
        try:
            refusals = move(runtime, session, run, event, sent)
        except ChangedInEhr as error:
            if wants_json():
                raise
            return overtaken_page(runtime, session, run, error, "course", version)
        if "changed" in {r.code for r in refusals} and not wants_json():
            return difference_page(runtime, session, run, tuple(r.said for r in refusals), "course", version)
        return _after(runtime, session, run, refusals)

    return take


def _sent() -> Mapping[str, Any]:
    return sent_json() if request.is_json else request.form.to_dict()


def _course(runtime: Runtime, session: sessions.Session, run: str, refused: tuple[str, ...] = ()) -> Response:
    opened = open_course(runtime, session, run)
    if wants_json():
        return make_response(jsonify({"csrf": token(session.id), **course_json(opened)}))
    remember(runtime, opened)
    view = course_view(opened, _person(runtime, session, opened), session.role, runtime) | {"refused": refused}
    return page(runtime, session, "course.html", view, 409 if refused else 200)


def _person(runtime: Runtime, session: sessions.Session, opened: Course) -> Any:
    return read_patient(runtime, session, reference(opened.stored.order, "subject"))


def _after(runtime: Runtime, session: sessions.Session, run: str, refusals: tuple[Refusal, ...], where: str = "course") -> Answer:
    """The course as it is now; after a refusal with every reason."""
    if refusals and not wants_json():
        return _course(runtime, session, run, tuple(r.said for r in refusals))
    refuse(refusals)
    return _course(runtime, session, run) if wants_json() else redirect(where, 303)


def _recheck(runtime: Runtime, session: sessions.Session, run: str, number: int, sent: Mapping[str, Any]) -> Response:
    """The looks; a value that was typed and cannot be used is said, and the page is as without it."""
    try:
        opened, unusable = open_recheck(runtime, session, run, number, _typed(sent)), ""
    except SelectionError as error:
        if wants_json():
            raise
        opened, unusable = open_recheck(runtime, session, run, number, Typed()), f"{error.message} Reference {noted(error)}."
    return _shown(runtime, session, opened, sent, unusable=unusable)


def _shown(
    runtime: Runtime, session: sessions.Session, opened: Opened, sent: Mapping[str, Any], refused: tuple[str, ...] = (), unusable: str = ""
) -> Response:
    if wants_json():
        return make_response(jsonify({"csrf": token(session.id), **looks_json(opened)}))
    typed = {k: str(v) for k, v in sent.items()}
    view = recheck_view(opened, _person(runtime, session, opened.course), typed) | {"refused": refused, "unusable": unusable}
    return page(runtime, session, "recheck.html", view, 409 if refused else 400 if unusable else 200)


def _decide(runtime: Runtime, session: sessions.Session, run: str, number: int) -> Answer:
    sent = _sent()
    try:
        typed = _typed(sent)
    except SelectionError:
        return _recheck(runtime, session, run, number, sent)
    if sent.get("decision") not in ("release", "hold"):
        return _recheck(runtime, session, run, number, sent)
    opened = open_recheck(runtime, session, run, number, typed)
    answers = {x.id: (str(sent.get(f"answer.{x.id}") or ""), str(sent.get(f"note.{x.id}") or "")) for x in opened.looks}
    answers[OTHER] = ("", str(sent.get(f"note.{OTHER}") or ""))
    release = sent.get("decision") == "release"
    try:
        refusals = decide(runtime, session, opened, release, str(sent.get("digest") or ""), answers)
    except ChangedInEhr as error:  # the hold stands here; the EHR could not be told
        if wants_json():
            raise
        return overtaken_page(runtime, session, run, error, "../course", stands=_HELD_HERE)
    told = [r for r in refusals if r.code != "ehr"]
    if told and not wants_json():
        return _shown(runtime, session, opened, sent, tuple(r.said for r in refusals))
    refuse(told)
    return _course(runtime, session, run) if wants_json() else redirect("../course", 303)


def _typed(sent: Mapping[str, Any]) -> Typed:
    return Typed(_number(sent, "weight_kg", "Weight"), _number(sent, "temp_c", "Temperature"))


def _number(sent: Mapping[str, Any], key: str, name: str) -> Decimal | None:
    text = str(sent.get(key) or "").strip()
    if not text:
        return None
    value = plain_decimal(text)
    if value is None or value <= 0:
        raise SelectionError(said=f"{name} is not a positive number.")
    return value
