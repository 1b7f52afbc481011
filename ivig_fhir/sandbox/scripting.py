"""Endpoints for scripts: who is here, launch as somebody, a token without a browser, load a chart."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from ivig_fhir.sandbox import faults, loading
from ivig_fhir.sandbox.clients import CLIENTS
from ivig_fhir.sandbox.codec import decode, encode
from ivig_fhir.sandbox.oauth import answer
from ivig_fhir.sandbox.outcome import FhirError, invalid, not_found
from ivig_fhir.sandbox.parts import Sandbox, current
from ivig_fhir.sandbox.people import current_encounter, patients
from ivig_fhir.sandbox.token import issue
from ivig_fhir.sandbox.users import user

LAUNCH_SECONDS = 300
_TARGETS = {"orders": "/launch", "pharmacy": "/launch/pharmacy"}

blueprint = Blueprint("scripting", __name__, url_prefix="/ehr")


@blueprint.get("/patients")
def list_patients() -> Response:
    """Every patient with their story."""
    lines = patients(current().store)
    keys = ("id", "family", "given", "birthDate", "story")
    return _json(200, [dict(zip(keys, (one.id, one.family, one.given, one.birth_date, one.story), strict=True)) for one in lines])


@blueprint.post("/patients")
def load_patients() -> Response:
    """Loads the chart in a Bundle and answers with what was stored."""
    sandbox = current()
    try:
        bundle = decode(request.get_data())
    except ValueError:
        raise invalid("The body is not JSON.") from None
    stored = loading.load(sandbox.store, bundle, sandbox.now())
    found = [reference.removeprefix("Patient/") for reference in stored if reference.startswith("Patient/")]
    return _json(201, {"patients": found, "resources": len(stored)})


@blueprint.get("/launch")
def launch() -> AnyResponse:
    """Signs a user in and opens the app with a new launch, as an EHR's button does. See: SMART App Launch 2.2, EHR launch."""
    sandbox = current()
    target = _TARGETS.get(request.args.get("target") or "orders")
    if target is None:
        raise invalid(f"The target is one of {', '.join(_TARGETS)}.")
    context = _context(sandbox, patient=target == _TARGETS["orders"]) | {"extra": _extra(sandbox)}
    secret = sandbox.handles.issue("launch", context, LAUNCH_SECONDS)
    response = redirect(f"{sandbox.settings.app_url}{target}?{urlencode({'iss': sandbox.settings.fhir_base, 'launch': secret})}", 302)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/style.json")
def style() -> Response:
    """How this EHR looks, for apps that want to look alike. See: SMART App Launch 2.2, styling."""
    return _json(
        200, {"color_background": "#fdf6e3", "color_text": "#22303c", "font_family_body": "Georgia, serif", "dim_border_radius": "2px"}
    )


@blueprint.get("/token")
def script_token() -> Response:
    """A token response without a browser; without a scope, everything that the user may have."""
    sandbox = current()
    context = _context(sandbox, patient=True)
    scope = request.args.get("scope") or "openid fhirUser " + ("patient/*.cruds user/*.cruds" if context["patient"] else "user/*.cruds")
    return answer(200, issue(sandbox, {**context, "scope": scope, "client": CLIENTS[0].id, "nonce": None}))


def _extra(sandbox: Sandbox) -> dict[str, Any]:
    """Launch context beyond patient and encounter, where the link asks for it. See: SMART App Launch 2.2, launch context."""
    extra: dict[str, Any] = {"smart_style_url": f"{sandbox.settings.base_url}/ehr/style.json"} if "style" in request.args else {}
    extra |= {name: request.args[name] for name in ("intent", "appContext", "tenant") if name in request.args}
    return extra | ({"need_patient_banner": False} if request.args.get("banner") == "no" else {})


def _context(sandbox: Sandbox, patient: bool) -> dict[str, Any]:
    """Who is signed in, with which patient and fault. FhirError 400 or 404 for what does not exist."""
    person = user(request.args.get("user"))
    if person is None:
        raise invalid("The user is one of prescriber, pharmacist, nurse, stranger.")
    chosen = (request.args.get("patient") or None) if patient else None
    if chosen and not sandbox.store.exists(f"Patient/{chosen}"):
        raise not_found(f"Patient/{chosen}")
    preset = sandbox.store.notes().get(chosen or "", ("", None))[1]
    fault = faults.find(request.args.get("fault") or preset)
    if fault is None:
        raise invalid(f"The fault is one of {', '.join(one.name for one in faults.FAULTS)}.")
    encounter = current_encounter(sandbox.store, chosen) if chosen else None
    return {"user": person.id, "patient": chosen, "encounter": encounter, "fault": fault.name}


def _json(status: int, body: Any) -> Response:
    return Response(encode(body), status, content_type="application/json")


@blueprint.errorhandler(FhirError)
def refused(error: FhirError) -> Response:
    """One sentence as JSON."""
    return _json(error.status, {"error": error.diagnostics})
