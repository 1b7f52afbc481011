"""The page of this EHR: pick a patient, see the chart, launch the app, see what it writes."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ivig_fhir.sandbox import chart, faults
from ivig_fhir.sandbox.parts import current
from ivig_fhir.sandbox.people import patient, patients
from ivig_fhir.sandbox.users import USERS, user

blueprint = Blueprint("chart_page", __name__)


def policy() -> str:
    """The Content-Security-Policy of every page: nothing inline, nothing from elsewhere but, in its frame, the app and our own sign-in."""
    app, sign_in = current().settings.app_url, current().settings.base_url
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        f"frame-src 'self' {app} {sign_in}; "
        f"form-action 'self' {app} http://127.0.0.1:* http://localhost:*; frame-ancestors 'self'; base-uri 'none'"
    )


@blueprint.get("/")
def home() -> AnyResponse:
    """To the chart page."""
    return redirect("/ehr")


@blueprint.get("/ehr")
def page() -> AnyResponse:
    """The chart page of one patient, as one user."""
    sandbox = current()
    people = patients(sandbox.store)
    chosen = patient(sandbox.store, request.args.get("patient") or (people[0].id if people else ""))
    preset = (chosen.fault if chosen else None) or faults.NONE.name
    values = {
        "people": people,
        "chosen": chosen,
        "age": chosen.age(sandbox.now().date()) if chosen else "",
        "person": user(request.args.get("user")) or USERS[0],
        "users": USERS,
        "faults": faults.FAULTS,
        "fault": (faults.find(request.args.get("fault")) or faults.NONE).name if "fault" in request.args else preset,
        "record": chart.record(sandbox.store, chosen.id) if chosen else [],
        "activity": chart.activity(sandbox.store, chosen.id) if chosen else [],
    }
    status = 404 if chosen is None and request.args.get("patient") else 200
    return _html(render_template("chart.html", **values), status)


@blueprint.get("/ehr/activity")
def activity() -> AnyResponse:
    """The part of the page that the script asks for again and again."""
    sandbox = current()
    chosen = patient(sandbox.store, request.args.get("patient", ""))
    sections = chart.activity(sandbox.store, chosen.id) if chosen else []
    return _html(render_template("activity.html", activity=sections), 200 if chosen else 404)


@blueprint.get("/ehr/frame")
def frame() -> AnyResponse:
    """What the frame shows before the app is opened in it."""
    return _html(render_template("frame.html"), 200)


def _html(text: str, status: int) -> Response:
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response
