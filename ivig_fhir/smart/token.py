"""The token endpoint: one code for one token, in one attempt, and its answer read with care."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import requests

from ivig_fhir.errors import SettingsError, TokenFailed
from ivig_fhir.smart.discovery import LARGEST, TIMEOUTS, Http, SmartConfiguration
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.launch import PendingLaunch

ASSUMED_LIFETIME = 300
_OAUTH_ERRORS = ("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope")


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What the token endpoint granted. `scope` is the authority on what may be done; `scope_stated` is False where it was left out."""

    access_token: str = field(repr=False)
    expires_at: datetime
    scope: str
    scope_stated: bool = True
    refresh_token: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)


def exchange(
    http: Http,
    issuer: Issuer,
    configuration: SmartConfiguration,
    pending: PendingLaunch,
    code: str,
    now: datetime,
    client_secrets: Mapping[str, str] | None = None,
    timeouts: tuple[float, float] = TIMEOUTS,
) -> TokenResponse:
    """Exchanges an authorization code for a token: once, without redirects, for a code is single use.

    A public client names itself in the form; one with a secret in the Basic header and nowhere else.
    Errors: TokenFailed, with OAuth's error code in its detail. See: SMART App Launch 2.2, obtain access token; RFC 6749, 2.3.1, 4.1.3.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": pending.redirect_uri, "code_verifier": pending.verifier}
    body = _post(http, configuration.token_endpoint, issuer, form, client_secrets or {}, timeouts)
    return read_response(body, pending.scope, now)


def revoke(
    http: Http,
    issuer: Issuer,
    configuration: SmartConfiguration,
    token: str,
    client_secrets: Mapping[str, str] | None = None,
    timeouts: tuple[float, float] = TIMEOUTS,
) -> bool:
    """Asks the EHR to revoke a token; whether it did. Many cannot, and nothing depends on it. See: RFC 7009."""
    if not configuration.revocation_endpoint or not token:
        return False
    try:
        _post(http, configuration.revocation_endpoint, issuer, {"token": token}, client_secrets or {}, timeouts, empty=True)
    except TokenFailed:
        return False
    return True


def _post(
    http: Http,
    url: str,
    issuer: Issuer,
    form: dict[str, str],
    client_secrets: Mapping[str, str],
    timeouts: tuple[float, float],
    empty: bool = False,
) -> dict[str, Any]:
    """One POST with this client's authentication; the JSON object of a 200 (nothing, where the answer may be empty)."""
    headers = {"Accept": "application/json"}
    if issuer.auth == "public":
        form = {**form, "client_id": issuer.client_id}
    else:
        headers["Authorization"] = _basic(issuer, client_secrets)

    def authenticated(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(headers)  # here, so that a .netrc file cannot put its own credentials in their place
        return request

    try:
        with http.post(url, data=form, timeout=timeouts, allow_redirects=False, stream=True, auth=authenticated) as answer:
            content = b""
            for chunk in answer.iter_content(65536):
                content += chunk
                if len(content) > LARGEST:
                    raise TokenFailed("token answer too large")
            status = answer.status_code
    except requests.RequestException as error:
        raise TokenFailed(f"token endpoint: {type(error).__name__}") from error
    if status == 200 and empty:
        return {}
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        body = None
    if status != 200 or not isinstance(body, dict):
        raise _failed(status, body)
    return body


def _basic(issuer: Issuer, client_secrets: Mapping[str, str]) -> str:
    secret = client_secrets.get(issuer.client_secret, "")
    if not secret:
        raise SettingsError(f"{issuer.client_secret}, the client secret of {issuer.name}, is not set.")
    pair = f"{quote_plus(issuer.client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")


def _failed(status: int, body: object) -> TokenFailed:
    error = body.get("error") if isinstance(body, dict) else None
    named = error if error in _OAUTH_ERRORS else "no oauth error"
    if error == "invalid_client":
        remedy = "Ask your administrator to check this app's client id and secret."
        return TokenFailed(f"token endpoint {status} {named}", remedy=remedy)
    return TokenFailed(f"token endpoint {status} {named}")


def read_response(body: Mapping[str, Any], asked: str, now: datetime) -> TokenResponse:
    """A token response as data. TokenFailed where it holds no bearer token.

    Without `expires_in` five minutes are assumed; without `scope` what was asked is taken until the first refusal says otherwise;
    an empty `scope` grants nothing. Extension parameters are left where they are, in `context`.
    """
    access = body.get("access_token")
    if not isinstance(access, str) or not re.fullmatch(r"[\x21-\x7e]+", access):
        raise TokenFailed("no access_token")
    if str(body.get("token_type", "")).lower() != "bearer":
        raise TokenFailed("token_type is not bearer")
    scope = body.get("scope")
    return TokenResponse(
        access_token=access,
        expires_at=now + timedelta(seconds=_lifetime(body.get("expires_in"))),
        scope=scope if isinstance(scope, str) else asked,
        scope_stated=isinstance(scope, str),
        refresh_token=_text(body.get("refresh_token")),
        id_token=_text(body.get("id_token")),
        context={k: v for k, v in body.items() if k not in ("access_token", "refresh_token", "id_token")},
    )


def _lifetime(value: object) -> int:
    """Seconds, at most a day; servers send numbers, texts, nothing, or nonsense."""
    text = str(value).split(".")[0]
    seconds = int(text) if re.fullmatch(r"\d{1,9}", text) else 0
    return min(seconds, 86_400) if seconds else ASSUMED_LIFETIME


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
