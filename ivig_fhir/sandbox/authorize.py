"""The authorization endpoint: an EHR launch goes straight through, a standalone launch signs in and picks a patient."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ivig_fhir.sandbox import faults
from ivig_fhir.sandbox.clients import client
from ivig_fhir.sandbox.parts import Sandbox, current
from ivig_fhir.sandbox.people import current_encounter, patients
from ivig_fhir.sandbox.users import USERS, user

Json = dict[str, Any]
CODE_SECONDS = 60
SIGN_IN_SECONDS = 600

blueprint = Blueprint("authorize", __name__, url_prefix="/auth")


@blueprint.route("/authorize", methods=["GET", "POST"])
def authorize() -> AnyResponse:
    """See: SMART App Launch 2.2, obtain authorization code. POST takes the same parameters as a form."""
    sandbox, asked = current(), request.form if request.method == "POST" else request.args
    app = client(asked.get("client_id"))
    address = asked.get("redirect_uri", "")
    if app is None:
        return _refused("This app is not registered in the sandbox.")
    if not app.may_return_to(address):
        return _refused("The address to return to is not one that the app registered.")
    wrong = _wrong(asked.to_dict(), sandbox.settings.fhir_base)
    if wrong:
        return _back(address, asked.get("state"), error=wrong[0], error_description=wrong[1])
    pending = {key: asked.get(key) for key in ("redirect_uri", "state", "nonce", "code_challenge", "scope")} | {"client": app.id}
    if "launch" not in asked:
        return _sign_in_page(sandbox.handles.issue("sign-in", pending, SIGN_IN_SECONDS))
    context = sandbox.handles.take("launch", asked["launch"])
    if context is None:
        return _back(address, asked.get("state"), error="invalid_request", error_description="The launch is unknown, used or over.")
    return _granted(sandbox, {**pending, **context})


@blueprint.post("/sign-in")
def sign_in() -> AnyResponse:
    """The person chosen on the sign-in page; goes on to the patient picker where the app asked for a patient."""
    sandbox = current()
    pending = sandbox.handles.take("sign-in", request.form.get("request", ""))
    if pending is None:
        return _refused("This sign-in is over. Start again from the app.")
    person, fault = user(request.form.get("user")), faults.find(request.form.get("fault"))
    if person is None or fault is None or "cancel" in request.form:
        return _back(pending["redirect_uri"], pending["state"], error="access_denied", error_description="Nobody signed in.")
    grant = {**pending, "user": person.id, "fault": fault.name, "patient": None, "encounter": None}
    if "launch/patient" not in pending["scope"].split():
        return _granted(sandbox, grant)
    secret = sandbox.handles.issue("sign-in", grant, SIGN_IN_SECONDS)
    return _page("pick_patient.html", secret, person=person, patients=patients(sandbox.store))


@blueprint.post("/patient")
def patient() -> AnyResponse:
    """The patient chosen on the picker."""
    sandbox = current()
    grant = sandbox.handles.take("sign-in", request.form.get("request", ""))
    if grant is None or "user" not in grant:
        return _refused("This sign-in is over. Start again from the app.")
    chosen = request.form.get("patient", "")
    if not sandbox.store.exists(f"Patient/{chosen}"):
        return _back(grant["redirect_uri"], grant["state"], error="access_denied", error_description="No patient was chosen.")
    return _granted(sandbox, {**grant, "patient": chosen, "encounter": current_encounter(sandbox.store, chosen)})


def _wrong(asked: dict[str, str], base: str) -> tuple[str, str] | None:
    """The first thing wrong with an authorization request, as error and description."""
    words = asked.get("scope", "").split()
    checks = (
        (asked.get("response_type") == "code", "unsupported_response_type", "response_type must be code."),
        (bool(asked.get("state")), "invalid_request", "state is missing."),
        (asked.get("aud") == base, "invalid_request", "aud is not the FHIR base of this server."),
        (asked.get("code_challenge_method") == "S256", "invalid_request", "PKCE with S256 is required."),
        (len(asked.get("code_challenge", "")) == 43, "invalid_request", "code_challenge is not a SHA-256 in base64url."),
        (bool(words), "invalid_scope", "scope is missing."),
        (("launch" in asked) == ("launch" in words), "invalid_scope", "launch and the scope launch come together or not at all."),
    )
    return next(((error, text) for holds, error, text in checks if not holds), None)


def _granted(sandbox: Sandbox, grant: Json) -> AnyResponse:
    return _back(grant["redirect_uri"], grant["state"], code=sandbox.handles.issue("code", grant, CODE_SECONDS))


def _back(address: str, state: str | None, **parameters: str) -> AnyResponse:
    query = urlencode({**parameters, **({"state": state} if state else {})})
    response = redirect(f"{address}?{query}", 303 if request.method == "POST" else 302)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(sentence: str) -> Response:
    return Response(render_template("refused.html", sentence=sentence), 400)


def _sign_in_page(secret: str) -> Response:
    return _page("sign_in.html", secret, users=USERS, faults=faults.FAULTS)


def _page(name: str, secret: str, **values: Any) -> Response:
    response = Response(render_template(name, request_handle=secret, **values))
    response.headers["Cache-Control"] = "no-store"
    return response
