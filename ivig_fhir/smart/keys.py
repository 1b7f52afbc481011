"""The EHR's published keys: fetched from its own hosts only, kept ten minutes, fetched once more for an unknown kid."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urljoin

import jwt

from ivig_fhir.errors import DiscoveryFailed, IdentityUnproven
from ivig_fhir.smart.discovery import CACHE, TIMEOUTS, Http, SmartConfiguration, allowed_address, fetch_json
from ivig_fhir.smart.issuers import Issuer

# The algorithms of ours, and the kind of key each needs. HS256 and none are absent: a public key must never serve as a secret.
ALGORITHMS: dict[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
}


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """Which key is looked for: of which OpenID issuer, for which algorithm, with which kid (None: the token names none)."""

    oidc_issuer: str
    algorithm: str
    kid: str | None


class KeyCache:
    """Key sets by address, each at most ten minutes old; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, tuple[dict[str, Any], ...]]] = {}

    def key(
        self,
        http: Http,
        issuer: Issuer,
        configuration: SmartConfiguration,
        wanted: KeyRequest,
        now: datetime,
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> jwt.PyJWK:
        """The one public key that this token can have been signed with.

        Without a kid there must be exactly one key of the algorithm's kind. Errors: IdentityUnproven.
        """
        url = _jwks_uri(http, issuer, configuration, wanted.oidc_issuer, timeouts)
        with self._lock:
            kept = self._kept.get(url)
        if kept is not None and timedelta() <= now - kept[0] < CACHE:
            found = _choose(kept[1], wanted)
            if found is not None:
                return found
        keys = _fetch(http, url, timeouts)
        with self._lock:
            self._kept[url] = (now, keys)
        found = _choose(keys, wanted)
        if found is None:
            raise IdentityUnproven("no key for this id_token")
        return found


def _jwks_uri(http: Http, issuer: Issuer, configuration: SmartConfiguration, oidc_issuer: str, timeouts: tuple[float, float]) -> str:
    """Where the keys are: as the OpenID issuer says of itself, else as the SMART configuration says."""
    address = oidc_issuer.removesuffix("/") + "/.well-known/openid-configuration"
    url = configuration.jwks_uri
    if allowed_address(address, issuer):
        try:
            document = fetch_json(http, address, timeouts)[1]
        except DiscoveryFailed:
            document = None
        if isinstance(document, dict) and document.get("issuer") == oidc_issuer and isinstance(document.get("jwks_uri"), str):
            url = urljoin(address, cast(str, document["jwks_uri"]))
    if not url or not allowed_address(url, issuer):
        raise IdentityUnproven("jwks_uri missing or not on a host of this issuer")
    return url


def _fetch(http: Http, url: str, timeouts: tuple[float, float]) -> tuple[dict[str, Any], ...]:
    try:
        document = fetch_json(http, url, timeouts)[1]
    except DiscoveryFailed as error:
        raise IdentityUnproven("keys could not be fetched") from error
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise IdentityUnproven("no key set at jwks_uri")
    return tuple(key for key in keys if isinstance(key, dict))


def _choose(keys: Iterable[Mapping[str, Any]], wanted: KeyRequest) -> jwt.PyJWK | None:
    """The key of this kid and kind; without a kid the only one of this kind."""
    kind, curve = ALGORITHMS[wanted.algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", wanted.algorithm) == wanted.algorithm
        and (wanted.kid is None or key.get("kid") == wanted.kid)
    ]
    if len(fitting) != 1:
        return None
    public = {name: value for name, value in fitting[0].items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")}
    try:
        return jwt.PyJWK(public, algorithm=wanted.algorithm)
    except jwt.PyJWTError as error:
        raise IdentityUnproven("a published key cannot be read") from error
