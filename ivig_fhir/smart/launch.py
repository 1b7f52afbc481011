"""The authorization request and its answer: state, nonce, PKCE, and the order in which a callback is judged."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from ivig_fhir.errors import AuthorizationRefused, StateMismatch
from ivig_fhir.smart.discovery import SmartConfiguration
from ivig_fhir.smart.issuers import Issuer

LIFETIME = timedelta(minutes=10)
LONGEST_URL = 2000
Target = Literal["order", "pharmacy"]


@dataclass(frozen=True, slots=True)
class LaunchSecrets:
    """What nobody may guess: the state (256 bits), the nonce and the PKCE verifier (86 characters)."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def draw(cls, token_urlsafe: Callable[[int], str]) -> LaunchSecrets:
        """Drawn from the caller's source of randomness: `LaunchSecrets.draw(secrets.token_urlsafe)`."""
        return cls(state=token_urlsafe(32), nonce=token_urlsafe(32), verifier=token_urlsafe(64))

    @property
    def challenge(self) -> str:
        """The S256 code challenge of the verifier. See: RFC 7636, 4.2."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class PendingLaunch:
    """What must survive until the callback, kept under the hash of its state. Single use, at most ten minutes old."""

    iss: str
    redirect_uri: str
    scope: str
    target: Target
    standalone: bool
    created: datetime
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    def expired(self, now: datetime) -> bool:
        """Whether ten minutes have passed, or its time lies ahead of the clock."""
        return not timedelta(0) <= now - self.created <= LIFETIME


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where the browser goes next: a GET address, or a form to POST when the address would be too long for some servers."""

    method: Literal["GET", "POST"]
    url: str = field(repr=False)
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def authorization_request(
    issuer: Issuer, configuration: SmartConfiguration, pending: PendingLaunch, secrets: LaunchSecrets, launch: str | None
) -> AuthorizationRequest:
    """The SMART authorization request.

    `launch` is echoed byte for byte in an EHR launch and left out in a standalone one; `aud` is the issuer's `iss` as registered.
    See: SMART App Launch 2.2, obtain authorization code; RFC 7636.
    """
    fields = [
        ("response_type", "code"),
        ("client_id", issuer.client_id),
        ("redirect_uri", pending.redirect_uri),
        ("scope", pending.scope),
        ("state", secrets.state),
        ("aud", issuer.iss),
        ("code_challenge", secrets.challenge),
        ("code_challenge_method", "S256"),
        ("nonce", secrets.nonce),
    ]
    if launch is not None:
        fields.append(("launch", launch))
    endpoint = configuration.authorization_endpoint
    url = endpoint + ("&" if "?" in endpoint else "?") + urlencode(fields)
    if len(url) > LONGEST_URL and configuration.authorize_post:
        return AuthorizationRequest("POST", endpoint, tuple(fields))
    return AuthorizationRequest("GET", url)


# What OAuth's error codes mean to a clinician, and what to do. See: RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6.
_RELAUNCH = "Start IVIG Orders again from the patient's chart."
_REFUSALS: dict[str, tuple[str, str]] = {
    "access_denied": ("Sign-in was cancelled.", _RELAUNCH),
    "invalid_scope": ("The EHR does not allow the data this app asks for.", "Ask your administrator to review the scopes of this app."),
    "unauthorized_client": ("This app is not approved in this EHR.", "Ask your administrator to approve it."),
    "invalid_client": ("This app is not approved in this EHR.", "Ask your administrator to approve it."),
    "invalid_request": ("The EHR rejected the launch.", _RELAUNCH),
    "unsupported_response_type": ("The EHR rejected the launch.", "Ask your administrator to review how this app is registered."),
    "temporarily_unavailable": ("The EHR's sign-in service is busy.", "Wait a minute, then start again from the chart."),
    "server_error": ("The EHR's sign-in service had an error.", "Wait a minute, then start again from the chart."),
    "login_required": ("The EHR asks you to sign in again.", "Sign in to the EHR, then start again from the chart."),
    "interaction_required": ("The EHR asks you to sign in again.", "Sign in to the EHR, then start again from the chart."),
    "consent_required": ("The EHR asks for a consent that was not given.", _RELAUNCH),
}


def authorization_code(
    parameters: Mapping[str, str], pending: PendingLaunch | None, configuration: SmartConfiguration | None, now: datetime
) -> str:
    """The code in a callback's parameters, judged in this order: state, then error, then code.

    `pending` is what was kept under `state` for this browser, already taken so that it cannot be used twice; None if nothing was.
    A code beside an error is ignored. An `iss` in the answer must be the configuration's issuer.
    Errors: StateMismatch, AuthorizationRefused. See: SMART App Launch 2.2; RFC 6749, 4.1.2; RFC 9207.
    """
    if not parameters.get("state") or pending is None or pending.expired(now):
        raise StateMismatch()
    if parameters.get("error"):
        raise _refused(parameters)
    answered_by = parameters.get("iss")
    if answered_by and configuration is not None and configuration.issuer and answered_by != configuration.issuer:
        raise AuthorizationRefused("iss of the answer is another issuer", said="The sign-in was answered by another service.")
    code = parameters.get("code", "")
    if not code or len(code) > 16_000:
        raise AuthorizationRefused("no code in the answer")
    return code


def _refused(parameters: Mapping[str, str]) -> AuthorizationRefused:
    """The refusal in a clinician's words; what the server adds is cut to 200 characters, and escaped where it is shown."""
    error = parameters["error"]
    known = error in _REFUSALS
    said, remedy = _REFUSALS.get(error, (f"The EHR refused the sign-in ({error[:60]}).", _RELAUNCH))
    description = " ".join(parameters.get("error_description", "").split())[:200]
    if description:
        said = f"{said} It said: {description}"
    return AuthorizationRefused(f"authorize error {error if known else 'unknown'}", said=said, remedy=remedy)
