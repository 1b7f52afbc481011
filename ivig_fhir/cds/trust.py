"""Trust: which EHR calls, proven by the JWT it signed with a key that its entry in the issuer table names."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt

from ivig_fhir.errors import CallerUnproven, DiscoveryFailed
from ivig_fhir.smart.issuers import Issuer, Issuers

# Those that CDS Hooks names. Neither HMAC nor none: a public key must never serve as a secret.
ALGORITHMS = {"ES384": ("EC", "P-384"), "RS384": ("RSA", None)}
LEEWAY = timedelta(seconds=60)
_REFETCH_AFTER = timedelta(seconds=60)
_KEYS_LAST = timedelta(minutes=10)
Keys = tuple[Mapping[str, Any], ...]


class Replays:
    """The tokens that were used, each until it expires anyway. Of this process only: several processes need one shared memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[tuple[str, str], float] = {}

    def first_use(self, iss: str, jti: str, until: float, now: float) -> bool:
        """Whether this token is used for the first time; from now on it was used."""
        with self._lock:
            self._used = {key: end for key, end in self._used.items() if end > now}
            if (iss, jti) in self._used:
                return False
            self._used[iss, jti] = until
            return True


class PublishedKeys:
    """Key sets by their registered address, ten minutes old at the most, and asked for again at most once a minute."""

    def __init__(self, fetch: Callable[[str], Any]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, Keys]] = {}

    def at(self, url: str, kid: str, now: datetime) -> Keys:
        """The keys at an address; fetched again for a kid that is not among those kept. CallerUnproven when they cannot be had."""
        with self._lock:
            when, keys = self._kept.get(url, (None, ()))
            known = any(key.get("kid") == kid for key in keys)
            if when is None or now - when >= (_KEYS_LAST if known else _REFETCH_AFTER):
                self._kept[url] = (now, keys)  # also when asking fails: whoever calls without proof must not make us ask on and on
                keys = self._asked(url)
                self._kept[url] = (now, keys)
            return keys

    def _asked(self, url: str) -> Keys:
        try:
            document = self._fetch(url)
        except DiscoveryFailed as error:
            raise CallerUnproven("keys could not be fetched") from error
        keys = document.get("keys") if isinstance(document, dict) else None
        return tuple(key for key in keys if isinstance(key, dict)) if isinstance(keys, list) else ()


class Callers:
    """Decides who may call. `fetch` gets the JSON at a registered `cds_jku`, and is never given any other address."""

    def __init__(self, issuers: Issuers, fetch: Callable[[str], Any], allow_unsigned: bool) -> None:
        self._by_iss = {e.cds_iss or e.iss: e for e in issuers.entries if e.cds_jku or e.cds_jwks}
        self._keys = PublishedKeys(fetch)
        self._replays = Replays()
        self._allow_unsigned = allow_unsigned

    def check(self, authorization: str, audiences: Collection[str], loopback: bool, now: datetime) -> Issuer | None:
        """The EHR that signed this call; None for an unsigned one from this machine itself, where that is allowed.

        `audiences` are the addresses that the token may be for, each exactly as it was called. Errors: CallerUnproven, whose detail
        names what failed. A token counts once. See: CDS Hooks 2.0, trusting CDS clients.
        """
        if not authorization and self._allow_unsigned and loopback:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise CallerUnproven("no bearer token")
        try:
            header = jwt.get_unverified_header(token.strip())
            claimed = jwt.decode(token.strip(), options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise CallerUnproven("not a JWT") from error
        issuer = self._issuer(claimed)
        claims = _verified(token.strip(), self._key(issuer, header, now))
        _timely(claims, now)
        _meant_for(claims, audiences)
        self._once(claims, now)
        return issuer

    def _issuer(self, claims: Mapping[str, Any]) -> Issuer:
        iss = claims.get("iss")
        if not isinstance(iss, str) or iss not in self._by_iss:
            raise CallerUnproven("unknown iss")
        return self._by_iss[iss]

    def _key(self, issuer: Issuer, header: Mapping[str, Any], now: datetime) -> jwt.PyJWK:
        algorithm, kid, jku = header.get("alg"), header.get("kid"), header.get("jku")
        if algorithm not in ALGORITHMS:
            raise CallerUnproven("algorithm not allowed")
        if not isinstance(kid, str) or not kid:
            raise CallerUnproven("no kid")
        if issuer.cds_jku and jku is not None and jku != issuer.cds_jku:
            raise CallerUnproven("jku not registered")
        keys = issuer.cds_jwks or self._keys.at(issuer.cds_jku, kid, now)
        return _chosen(keys, algorithm, kid)

    def _once(self, claims: Mapping[str, Any], now: datetime) -> None:
        jti = claims["jti"]
        if not isinstance(jti, str) or not jti:
            raise CallerUnproven("no jti")
        until = claims["exp"] + LEEWAY.total_seconds()
        if not self._replays.first_use(claims["iss"], jti, until, now.timestamp()):
            raise CallerUnproven("token used before", said="This call's token was used before.")


def _chosen(keys: Iterable[Mapping[str, Any]], algorithm: str, kid: str) -> jwt.PyJWK:
    kind, curve = ALGORITHMS[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kid") == kid
        and key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    ]
    if len(fitting) != 1:
        raise CallerUnproven("no key of that kid")
    try:
        return jwt.PyJWK(dict(fitting[0]), algorithm=algorithm)
    except jwt.PyJWTError as error:
        raise CallerUnproven("the key cannot be read") from error


def _verified(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    """The claims once the signature holds; times and audience are judged here, by our clock and to the letter."""
    options: Any = {
        "require": ["iss", "aud", "exp", "iat", "jti"],
        "verify_aud": False,
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "verify_jti": False,
        "enforce_minimum_key_length": True,
    }
    try:
        return jwt.decode(token, key, algorithms=[key.algorithm_name], options=options)
    except (jwt.PyJWTError, ValueError) as error:
        raise CallerUnproven(f"JWT: {type(error).__name__}") from error


def _timely(claims: Mapping[str, Any], now: datetime) -> None:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
        raise CallerUnproven("times are not numbers")
    moment, leeway = now.timestamp(), LEEWAY.total_seconds()
    if moment >= times["exp"] + leeway:
        raise CallerUnproven("token expired", said="This call's token has expired.")
    if max(times["iat"], times.get("nbf", times["iat"])) > moment + leeway:
        raise CallerUnproven("token from the future", said="This call's token is dated in the future.")


def _meant_for(claims: Mapping[str, Any], audiences: Collection[str]) -> None:
    named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not any(isinstance(a, str) and a in audiences for a in named):
        raise CallerUnproven("another aud", said="This call's token is meant for another address.")
