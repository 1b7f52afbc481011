"""The story of one order, for whoever may see the order: below a patient's orders, and below the pharmacy."""

from __future__ import annotations

from flask import Blueprint, Response
from werkzeug.wrappers import Response as Redirect

from ivig_fhir.store import sessions
from ivig_fhir.web.calculate_first import calculate_first
from ivig_fhir.web.doors import enter, page
from ivig_fhir.web.order_view import person_view
from ivig_fhir.web.story_view import story_view
from ivig_fhir.workflow.read_ehr import read_patient
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.story import story

READERS = ("prescriber", "pharmacist", "nurse", "unproven")


def pages(runtime: Runtime) -> Blueprint:
    """The two routes."""
    blueprint = Blueprint("story", __name__, url_prefix="/s/<sid>")

    @blueprint.get("/orders/<run>/story")
    def of_patient(sid: str, run: str) -> Response:
        return _story(runtime, enter(runtime, sid, *READERS), run)

    @blueprint.get("/pharmacy/<run>/story")
    def of_pharmacy(sid: str, run: str) -> Response | Redirect:
        session = enter(runtime, sid, "pharmacist")
        return calculate_first(runtime, session, run) or _story(runtime, session, run)

    return blueprint


def _story(runtime: Runtime, session: sessions.Session, run: str) -> Response:
    told = story(runtime, session, run)
    person = person_view(read_patient(runtime, session, f"Patient/{told.run.patient}"))
    return page(runtime, session, "story.html", story_view(told, runtime.content, runtime.site.timezone, person))
