"""The token endpoint: a code for tokens, a refresh token for the next ones, and a token for an app itself."""

from __future__ import annotations

import base64
import hashlib
import re
from hmac import compare_digest
from typing import Any

from flask import Blueprint, Response, request

from ivig_fhir.sandbox import faults, scopes
from ivig_fhir.sandbox.clients import Client
from ivig_fhir.sandbox.grants import end_family, living
from ivig_fhir.sandbox.oauth import TokenError, answer, refused
from ivig_fhir.sandbox.parts import Sandbox, current
from ivig_fhir.sandbox.proof import proven_client
from ivig_fhir.sandbox.users import user

Json = dict[str, Any]
LIFETIME = 3600
SHORT = 300
ONLINE = 8 * 3600
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")

blueprint = Blueprint("token", __name__, url_prefix="/auth")
blueprint.register_error_handler(TokenError, refused)


@blueprint.post("/token")
def token() -> Response:
    """Tokens for an authorization code, for a refresh token, or for an app itself.

    See: SMART App Launch 2.2, obtain and refresh access token, and backend services.
    """
    sandbox = current()
    app, kind = proven_client(sandbox), request.form.get("grant_type")
    if kind == "authorization_code":
        return answer(200, _exchanged(sandbox, app))
    if kind == "refresh_token":
        return answer(200, _refreshed(sandbox, app))
    if kind == "client_credentials":
        return answer(200, _for_the_app(sandbox, app))
    raise TokenError("unsupported_grant_type", "Only authorization_code, refresh_token and client_credentials are supported.")


def issue(sandbox: Sandbox, grant: Json) -> Json:
    """The token response for a grant: client, user, patient, encounter, fault, asked scope, nonce. See: SMART App Launch 2.2.

    A grant without a `family` begins one. A refresh token comes with online_access, and lasts as long as a working day.
    """
    person, fault = user(grant["user"]), faults.find(grant["fault"])
    if person is None or fault is None:
        raise TokenError("invalid_grant", "The user or the fault of this grant is not known.")
    context, allowed = scopes.grant(grant["scope"], bool(grant["patient"]), person.letters)
    permissions, lifetime = fault.grant(allowed), fault.token_seconds or LIFETIME
    family = grant.get("family") or sandbox.handles.issue("family", {}, ONLINE)
    kept = {
        "client": grant["client"],
        "family": family,
        "scope": scopes.written(context, permissions),
        "scopes": [one.text() for one in permissions],
        "patient": grant["patient"],
        "encounter": grant["encounter"],
        "user": person.reference,
        "subject": person.id,
        "own_profile": "openid" in context and ("fhirUser" in context or "profile" in context),
        "fault": fault.name,
        "exp": int(sandbox.now().timestamp()) + lifetime,
    }
    response: Json = {
        "access_token": sandbox.handles.issue("token", kept, lifetime),
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": kept["scope"],
        "need_patient_banner": True,
        **grant.get("extra", {}),
    }
    response |= {name: grant[name] for name in ("patient", "encounter") if grant[name]}
    if "online_access" in context:
        response["refresh_token"] = sandbox.handles.issue("refresh", {**grant, "family": family}, ONLINE)
    if "openid" in context and "family" not in grant:  # the person is proven once, at the sign-in
        response["id_token"] = _id_token(sandbox, grant, person.reference if kept["own_profile"] else None)
    return response


def _exchanged(sandbox: Sandbox, app: Client) -> Json:
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


def _refreshed(sandbox: Sandbox, app: Client) -> Json:
    """Each refresh token is good once. One that comes again was stolen, from the app or by it: then all of its sign-in is over."""
    secret = request.form.get("refresh_token", "")
    used = sandbox.handles.look("used-refresh", secret)
    if used is not None:
        end_family(sandbox, used["family"])
        raise TokenError("invalid_grant", "The refresh token was used before; everything of its sign-in is over.")
    grant = living(sandbox, "refresh", secret)
    if grant is None or grant["client"] != app.id:
        raise TokenError("invalid_grant", "The refresh token is unknown, over, or another app's.")
    asked = request.form.get("scope", grant["scope"])
    if not set(asked.split()) <= set(grant["scope"].split()):
        raise TokenError("invalid_scope", "A refresh grants nothing new.")
    sandbox.handles.take("refresh", secret)
    sandbox.handles.keep("used-refresh", secret, {"family": grant["family"]}, ONLINE)
    return issue(sandbox, {**grant, "scope": asked})


def _for_the_app(sandbox: Sandbox, app: Client) -> Json:
    """A token for five minutes, with nobody signed in and nothing to refresh. See: SMART App Launch 2.2, backend services."""
    if not app.letters:
        raise TokenError("unauthorized_client", "This app is not registered to act by itself.")
    permissions = scopes.grant_to_app(request.form.get("scope", ""), app.letters)
    if not permissions:
        raise TokenError("invalid_scope", "No system scope of those that were asked can be granted.")
    scope = scopes.written((), permissions)
    kept = {
        "client": app.id,
        "family": sandbox.handles.issue("family", {}, SHORT),
        "scope": scope,
        "scopes": [one.text() for one in permissions],
        "patient": None,
        "encounter": None,
        "user": "",
        "subject": app.id,
        "own_profile": False,
        "fault": faults.NONE.name,
        "exp": int(sandbox.now().timestamp()) + SHORT,
    }
    return {"access_token": sandbox.handles.issue("token", kept, SHORT), "token_type": "bearer", "expires_in": SHORT, "scope": scope}


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
