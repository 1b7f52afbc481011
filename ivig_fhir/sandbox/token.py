"""The token endpoint, and what a bearer token stands for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from hmac import compare_digest
from typing import Any
from urllib.parse import unquote_plus

from flask import Blueprint, Response, request

from ivig_fhir.sandbox import faults, scopes
from ivig_fhir.sandbox.access import Access
from ivig_fhir.sandbox.clients import Client, client
from ivig_fhir.sandbox.codec import encode
from ivig_fhir.sandbox.outcome import FhirError
from ivig_fhir.sandbox.parts import Sandbox, current
from ivig_fhir.sandbox.users import user

Json = dict[str, Any]
LIFETIME = 3600
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")

blueprint = Blueprint("token", __name__, url_prefix="/auth")


class TokenError(Exception):
    """A refusal of the token endpoint. See: RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@blueprint.post("/token")
def token() -> Response:
    """Exchanges an authorization code for tokens. See: SMART App Launch 2.2, obtain access token."""
    try:
        return answer(200, _exchange(current()))
    except TokenError as error:
        response = answer(error.status, {"error": error.error, "error_description": error.description})
        if error.status == 401:
            response.headers["WWW-Authenticate"] = "Basic"
        return response


def answer(status: int, body: Json) -> Response:
    """A JSON answer that nobody may keep."""
    response = Response(encode(body), status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response


def issue(sandbox: Sandbox, grant: Json) -> Json:
    """The token response for a grant: client, user, patient, encounter, fault, asked scope, nonce. See: SMART App Launch 2.2."""
    person, fault = user(grant["user"]), faults.find(grant["fault"])
    if person is None or fault is None:
        raise TokenError("invalid_grant", "The user or the fault of this grant is not known.")
    context, allowed = scopes.grant(grant["scope"], bool(grant["patient"]), person.letters)
    permissions = fault.grant(allowed)
    kept = {
        "scopes": [one.text() for one in permissions],
        "patient": grant["patient"],
        "user": person.reference,
        "own_profile": "openid" in context and ("fhirUser" in context or "profile" in context),
        "fault": fault.name,
    }
    response: Json = {
        "access_token": sandbox.handles.issue("token", kept, LIFETIME),
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "scope": scopes.written(context, permissions),
        "need_patient_banner": True,
    }
    if grant["patient"]:
        response["patient"] = grant["patient"]
    if grant["encounter"]:
        response["encounter"] = grant["encounter"]
    if "openid" in context:
        response["id_token"] = _id_token(sandbox, grant, person.reference if kept["own_profile"] else None)
    return response


def access(sandbox: Sandbox, header: str | None) -> Access:
    """The rights of the bearer token in an Authorization header. FhirError 401 without one that is known and not over."""
    kind, _, secret = (header or "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        raise FhirError(401, "login", "A bearer token is needed.", {"WWW-Authenticate": 'Bearer realm="Sandbox EHR"'})
    kept = sandbox.handles.look("token", secret.strip())
    if kept is None:
        challenge = 'Bearer realm="Sandbox EHR", error="invalid_token"'
        raise FhirError(401, "expired", "The token is unknown or over.", {"WWW-Authenticate": challenge})
    permissions = tuple(one for one in (scopes.parse(text) for text in kept["scopes"]) if one)
    fault = faults.find(kept["fault"]) or faults.NONE
    digest = hashlib.sha256(secret.strip().encode()).hexdigest()
    return Access(permissions, kept["patient"], kept["user"], kept["own_profile"], fault, digest)


def _exchange(sandbox: Sandbox) -> Json:
    app = _client()
    if request.form.get("grant_type") != "authorization_code":
        raise TokenError("unsupported_grant_type", "Only authorization_code is supported.")
    grant = sandbox.handles.take("code", request.form.get("code", ""))
    if grant is None:
        raise TokenError("invalid_grant", "The code is unknown, used or over.")
    if grant["client"] != app.id:
        raise TokenError("invalid_grant", "The code was given to another app.")
    if grant["redirect_uri"] != request.form.get("redirect_uri"):
        raise TokenError("invalid_grant", "The redirect_uri is not the one of the authorization request.")
    verifier = request.form.get("code_verifier", "")
    if not _VERIFIER.fullmatch(verifier) or not compare_digest(_challenge(verifier), grant["code_challenge"]):
        raise TokenError("invalid_grant", "The code_verifier does not fit the code_challenge.")
    return issue(sandbox, grant)


def _client() -> Client:
    """The app that asks: Basic for a confidential one, only client_id for a public one."""
    header = request.headers.get("Authorization", "")
    id_, secret = request.form.get("client_id"), None
    if header.lower().startswith("basic "):
        try:
            text = base64.b64decode(header[6:], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        name, colon, password = text.partition(":")
        id_, secret = unquote_plus(name), unquote_plus(password) if colon else None
    app = client(id_)
    if app is None or not app.proves(secret):
        raise TokenError("invalid_client", "The app did not prove who it is.", 401)
    return app


def _id_token(sandbox: Sandbox, grant: Json, fhir_user: str | None) -> str:
    issued = int(sandbox.now().timestamp())
    claims: Json = {
        "iss": sandbox.settings.fhir_base,
        "sub": grant["user"],
        "aud": grant["client"],
        "iat": issued,
        "exp": issued + LIFETIME,
    }
    if grant["nonce"]:
        claims["nonce"] = grant["nonce"]
    if fhir_user:
        claims["fhirUser"] = f"{sandbox.settings.fhir_base}/{fhir_user}"
    return sandbox.key.sign(claims)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
