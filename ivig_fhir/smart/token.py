"""The token endpoint: a code or a refresh token for a token, in one attempt; its answer read with care; revocation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import requests

from ivig_fhir.errors import SessionEnded, SettingsError, TokenFailed
from ivig_fhir.smart.credentials import Credentials, proof
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


class Refused(TokenFailed):
    """The token endpoint said no, with this error code of OAuth."""

    def __init__(self, status: int, oauth_error: str) -> None:
        remedy = "Ask your administrator to check this app's client id and its secret or keys." if oauth_error == "invalid_client" else None
        super().__init__(f"token endpoint {status} {oauth_error or 'no oauth error'}", remedy=remedy)
        self.oauth_error = oauth_error


@dataclass(frozen=True)
class TokenEndpoint:
    """This app at one EHR's token endpoint: every request one attempt, no redirects, its own proof of who asks."""

    http: Http = field(repr=False)
    issuer: Issuer
    configuration: SmartConfiguration
    credentials: Credentials = field(default_factory=Credentials, repr=False)
    timeouts: tuple[float, float] = TIMEOUTS

    def exchange(self, pending: PendingLaunch, code: str, now: datetime) -> TokenResponse:
        """Exchanges an authorization code for a token: once, for a code is single use.

        Errors: TokenFailed, with OAuth's error code in its detail. See: SMART App Launch 2.2, obtain access token; RFC 6749, 4.1.3.
        """
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": pending.redirect_uri, "code_verifier": pending.verifier}
        return read_response(self._post(self.configuration.token_endpoint, form, now), pending.scope, now)

    def refresh(self, refresh_token: str, granted: str, now: datetime) -> TokenResponse:
        """A new token for a refresh token, which may not be used again afterwards: the answer holds the one to keep.

        No scope is sent, so the grant stays what it was; `granted` is that grant. Errors: SessionEnded where the EHR says that the
        grant is over, TokenFailed for anything else. See: SMART App Launch 2.2, refresh access token; RFC 6749, 6.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        try:
            body = self._post(self.configuration.token_endpoint, form, now)
        except Refused as error:
            if error.oauth_error == "invalid_grant":
                raise SessionEnded("refresh: invalid_grant") from error
            raise
        answer = read_response(body, granted, now)
        return answer if answer.refresh_token else replace(answer, refresh_token=refresh_token)

    def for_the_app(self, scope: str, now: datetime) -> TokenResponse:
        """A token for this app itself, with nobody signed in. It lasts for minutes, and is asked for anew.

        Errors: TokenFailed, also where the answer does not state what it grants. See: SMART App Launch 2.2, backend services.
        """
        answer = read_response(
            self._post(self.configuration.token_endpoint, {"grant_type": "client_credentials", "scope": scope}, now), "", now
        )
        if not answer.scope_stated:
            raise TokenFailed("a token for the app itself without a scope")
        return answer

    def revoke(self, token: str, now: datetime, hint: str = "access_token") -> bool:
        """Asks the EHR to revoke a token; whether it did. Many cannot, and nothing depends on it. See: RFC 7009."""
        if not self.configuration.revocation_endpoint or not token:
            return False
        try:
            self._post(self.configuration.revocation_endpoint, {"token": token, "token_type_hint": hint}, now, empty=True)
        except (TokenFailed, SettingsError):
            return False
        return True

    def _post(self, url: str, form: dict[str, str], now: datetime, empty: bool = False) -> dict[str, Any]:
        """One POST with this client's authentication; the JSON object of a 200 (nothing, where the answer may be empty)."""
        audience = self.configuration.token_endpoint  # also at the revocation endpoint: it is what names the server
        fields, headers = proof(self.issuer, audience, self.credentials, now)

        def authenticated(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers.update({"Accept": "application/json", **headers})  # here, so that no .netrc file puts its own in their place
            return request

        sent = {**form, **fields}
        try:
            with self.http.post(url, data=sent, timeout=self.timeouts, allow_redirects=False, stream=True, auth=authenticated) as answer:
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
            raise _refused(status, body)
        return body


def _refused(status: int, body: object) -> Refused:
    error = body.get("error") if isinstance(body, dict) else None
    return Refused(status, str(error) if error in _OAUTH_ERRORS else "")


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
