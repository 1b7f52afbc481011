"""A launch from end to end: begin sends the browser to the EHR, complete turns its callback into a launch context."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import jwt

from ivig_fhir.errors import IdentityUnproven, MissingIssuer, StateMismatch, TokenFailed
from ivig_fhir.smart.context import LaunchContext, launch_context
from ivig_fhir.smart.credentials import Credentials
from ivig_fhir.smart.discovery import TIMEOUTS, ConfigurationCache, Http, SmartConfiguration
from ivig_fhir.smart.identity import Identity, identify
from ivig_fhir.smart.issuers import Issuer, Issuers
from ivig_fhir.smart.keys import KeyCache, KeyRequest
from ivig_fhir.smart.launch import AuthorizationRequest, LaunchSecrets, PendingLaunch, Target, authorization_code, authorization_request
from ivig_fhir.smart.scopes import wanted
from ivig_fhir.smart.token import TokenEndpoint, TokenResponse


@dataclass(frozen=True)
class SmartClient:
    """This app as a client of EHRs: the issuer table, our address, our secrets, and the session all requests go through."""

    issuers: Issuers
    redirect_uri: str
    http: Http
    credentials: Credentials = field(default_factory=Credentials, repr=False)
    timeouts: tuple[float, float] = TIMEOUTS
    configurations: ConfigurationCache = field(default_factory=ConfigurationCache)
    keys: KeyCache = field(default_factory=KeyCache)

    def endpoint(self, issuer: Issuer, now: datetime) -> TokenEndpoint:
        """This issuer's token endpoint, as its configuration says now. Errors: DiscoveryFailed."""
        configuration = self.configurations.get(self.http, issuer, now, self.timeouts)
        return TokenEndpoint(self.http, issuer, configuration, self.credentials, self.timeouts)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished launch: its context, and the token to keep sealed."""

    context: LaunchContext
    token: TokenResponse


def begin(
    client: SmartClient,
    iss: str,
    launch: str | None,
    target: Target,
    rows: Iterable[str],
    secrets: LaunchSecrets,
    now: datetime,
    beside: Callable[[Issuer], tuple[str, ...]] = lambda issuer: (),
) -> tuple[PendingLaunch, AuthorizationRequest]:
    """What to keep under `secrets.state`, and where to send the browser.

    `launch` is None for a standalone launch, which the issuer's entry must allow. `rows` are the scopes of the table of searches,
    `beside` says what an issuer's server wants as well. An entry that names its scopes is asked for these alone.
    Errors: MissingIssuer, UnknownIssuer (nothing is fetched then), DiscoveryFailed.
    """
    if not iss:
        raise MissingIssuer()
    issuer = client.issuers.find(iss)
    if issuer.development or (launch is None and not issuer.standalone):
        raise MissingIssuer("launch without a launch parameter")
    configuration = client.configurations.get(client.http, issuer, now, client.timeouts)
    version = configuration.scope_version if issuer.scope_version == "auto" else issuer.scope_version
    scopes = issuer.scopes or (*wanted(rows, target, version, standalone=launch is None, online=issuer.online_access), *beside(issuer))
    pending = PendingLaunch(
        iss=issuer.iss,
        redirect_uri=issuer.redirect_uri or client.redirect_uri,
        scope=" ".join(scopes),
        target=target,
        standalone=launch is None,
        created=now,
        nonce=secrets.nonce,
        verifier=secrets.verifier,
    )
    return pending, authorization_request(issuer, configuration, pending, secrets, launch)


def complete(client: SmartClient, parameters: Mapping[str, str], pending: PendingLaunch | None, now: datetime) -> SignedIn:
    """The launch that a callback finishes. `pending` was kept under `parameters["state"]` for this browser, and has been taken.

    An id_token that does not hold ends the launch, and the token is handed back to the EHR to revoke; one that is absent leaves a
    user who may look and not act.
    Errors: StateMismatch, AuthorizationRefused, DiscoveryFailed, TokenFailed, IdentityUnproven, NoPatient, NoReadAccess.
    """
    if pending is None or pending.expired(now):
        raise StateMismatch()
    issuer = client.issuers.find(pending.iss)
    if parameters.get("error"):
        authorization_code(parameters, pending, None, now)
    endpoint = client.endpoint(issuer, now)
    code = authorization_code(parameters, pending, endpoint.configuration, now)
    try:
        token = endpoint.exchange(pending, code, now)
    except TokenFailed:
        client.configurations.forget(issuer)  # read anew at the next launch: the token endpoint may have moved
        raise
    try:
        identity = _identity(client, issuer, endpoint.configuration, pending, token, now)
    except IdentityUnproven:
        endpoint.revoke(token.refresh_token, now, "refresh_token")
        endpoint.revoke(token.access_token, now)
        raise
    return SignedIn(launch_context(pending, token, identity), token)


def _identity(
    client: SmartClient, issuer: Issuer, configuration: SmartConfiguration, pending: PendingLaunch, token: TokenResponse, now: datetime
) -> Identity | None:
    if not token.id_token:
        return None

    def lookup(asked: KeyRequest) -> jwt.PyJWK:
        return client.keys.key(client.http, issuer, configuration, asked, now, client.timeouts)

    return identify(token.id_token, issuer, configuration, pending.nonce, now, lookup)
