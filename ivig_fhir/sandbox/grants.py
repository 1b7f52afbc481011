"""What a token stands for while it lasts: on FHIR requests, at introspection, and until it is revoked.

The tokens of one sign-in are a family: a refresh token that is used twice, or handed back, ends them all.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, request

from ivig_fhir.sandbox import faults, scopes
from ivig_fhir.sandbox.access import Access
from ivig_fhir.sandbox.oauth import TokenError, answer, refused
from ivig_fhir.sandbox.outcome import FhirError
from ivig_fhir.sandbox.parts import Sandbox, current
from ivig_fhir.sandbox.proof import proven_client

Json = dict[str, Any]
blueprint = Blueprint("grants", __name__, url_prefix="/auth")
blueprint.register_error_handler(TokenError, refused)


def living(sandbox: Sandbox, kind: str, secret: str) -> Json | None:
    """What an access token (`token`) or a refresh token (`refresh`) stands for; None when it or its family is over."""
    kept = sandbox.handles.look(kind, secret)
    return kept if kept is not None and sandbox.handles.look("family", kept.get("family", "")) is not None else None


def end_family(sandbox: Sandbox, family: str) -> None:
    """Ends every token of one sign-in."""
    sandbox.handles.take("family", family)


def access(sandbox: Sandbox, header: str | None) -> Access:
    """The rights of the bearer token in an Authorization header. FhirError 401 without one that is known and not over."""
    kind, _, secret = (header or "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise FhirError(401, "login", "A bearer token is needed.", {"WWW-Authenticate": 'Bearer realm="Sandbox EHR"'})
    kept = living(sandbox, "token", secret.strip())
    if kept is None:
        challenge = 'Bearer realm="Sandbox EHR", error="invalid_token"'
        raise FhirError(401, "expired", "The token is unknown or over.", {"WWW-Authenticate": challenge})
    permissions = tuple(one for one in (scopes.parse(text) for text in kept["scopes"]) if one)
    fault = faults.find(kept["fault"]) or faults.NONE
    digest = hashlib.sha256(secret.strip().encode()).hexdigest()
    return Access(permissions, kept["patient"], kept["user"], kept["own_profile"], fault, digest)


@blueprint.post("/revoke")
def revoke() -> Response:
    """Ends a token of the app that asks; a token that is not there is a success as well. See: RFC 7009."""
    sandbox = current()
    app, secret = proven_client(sandbox), request.form.get("token", "")
    for kind in ("refresh", "token"):
        kept = sandbox.handles.look(kind, secret)
        if kept is None or kept["client"] != app.id:
            continue
        sandbox.handles.take(kind, secret)
        if kind == "refresh":
            end_family(sandbox, kept["family"])
    return answer(200, {})


@blueprint.post("/introspect")
def introspect() -> Response:
    """What a token is good for, told to an app that can prove itself. See: RFC 7662; SMART App Launch 2.2, token introspection."""
    sandbox = current()
    if proven_client(sandbox).public:
        raise TokenError("invalid_client", "Only an app that can prove itself may ask.", 401)
    kept = living(sandbox, "token", request.form.get("token", ""))
    if kept is None:
        return answer(200, {"active": False})
    told = {"active": True, "scope": kept["scope"], "client_id": kept["client"], "exp": kept["exp"], "token_type": "Bearer"}
    told |= {name: kept[name] for name in ("patient", "encounter") if kept[name]}
    if kept["own_profile"]:
        base = sandbox.settings.fhir_base
        told |= {"iss": base, "sub": kept["subject"], "fhirUser": f"{base}/{kept['user']}"}
    return answer(200, told)
