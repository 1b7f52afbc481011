"""Discovery: an issuer's SMART configuration, from `.well-known` or else from its CapabilityStatement."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from ivig_fhir.errors import DiscoveryFailed
from ivig_fhir.smart.issuers import Issuer, safe_address

Http = requests.Session  # what every outgoing request goes through; made by the caller, so that a test can put a server behind it
TIMEOUTS = (3.05, 10.0)
CACHE = timedelta(minutes=10)
LARGEST = 1_000_000
LARGEST_STATEMENT = 10_000_000  # a HAPI server's CapabilityStatement has more than one million bytes
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


@dataclass(frozen=True, slots=True)
class SmartConfiguration:
    """What an EHR publishes about its sign-in. `found` says where it was read; lists it leaves out are empty."""

    authorization_endpoint: str
    token_endpoint: str
    issuer: str = ""
    jwks_uri: str = ""
    revocation_endpoint: str = ""
    introspection_endpoint: str = ""
    capabilities: frozenset[str] = frozenset()
    code_challenge_methods: tuple[str, ...] = ()
    token_auth_methods: tuple[str, ...] = ()
    scopes_supported: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ()
    found: str = "well-known"

    @property
    def scope_version(self) -> str:
        """The scope syntax to ask in: v1 only where v2 is not declared and v1 is."""
        declared = self.capabilities
        return "v1" if "permission-v1" in declared and "permission-v2" not in declared else "v2"

    @property
    def authorize_post(self) -> bool:
        """Whether the authorization request may be a POST form."""
        return "authorize-post" in self.capabilities


def fetch_json(http: Http, url: str, timeouts: tuple[float, float] = TIMEOUTS, largest: int = LARGEST) -> tuple[int, Any]:
    """GET of one JSON document without credentials: its status, and its body where that is 200 and JSON, else None.

    No redirects (they could leave the issuer's hosts) and at most `largest` bytes. Raises DiscoveryFailed when nothing answers.
    """
    try:
        with http.get(
            url, headers={"Accept": "application/json"}, timeout=timeouts, allow_redirects=False, stream=True, auth=_no_auth
        ) as answer:
            body = b""
            for chunk in answer.iter_content(65536):
                body += chunk
                if len(body) > largest:
                    raise DiscoveryFailed("document too large")
            status = answer.status_code
    except requests.RequestException as error:
        raise DiscoveryFailed(f"{type(error).__name__} from {urlsplit(url).hostname}") from error
    try:
        return status, json.loads(body) if status == 200 else None
    except (ValueError, RecursionError):
        return status, None


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from adding credentials of a .netrc file."""
    return request


def discover(http: Http, issuer: Issuer, timeouts: tuple[float, float] = TIMEOUTS) -> SmartConfiguration:
    """The SMART configuration of this issuer.

    Errors: DiscoveryFailed when neither `.well-known/smart-configuration` nor the CapabilityStatement can be used, when an endpoint
    leaves the issuer's hosts, or when PKCE methods are named without S256 (none named: old servers, S256 is sent anyway).
    See: SMART App Launch 2.2, conformance.
    """
    base = issuer.iss.removesuffix("/")
    status, document = fetch_json(http, f"{base}/.well-known/smart-configuration", timeouts)
    if isinstance(document, dict):
        found = _from_well_known(document)
    elif status in (200, 404):
        found = _from_statement(fetch_json(http, f"{base}/metadata", timeouts, LARGEST_STATEMENT)[1])
    else:
        raise DiscoveryFailed(f"smart-configuration answered {status}")
    return _checked(found, issuer, base + "/")


def _from_well_known(raw: Mapping[str, Any]) -> SmartConfiguration:
    return SmartConfiguration(
        authorization_endpoint=_text(raw.get("authorization_endpoint")),
        token_endpoint=_text(raw.get("token_endpoint")),
        issuer=_text(raw.get("issuer")),
        jwks_uri=_text(raw.get("jwks_uri")),
        revocation_endpoint=_text(raw.get("revocation_endpoint")),
        introspection_endpoint=_text(raw.get("introspection_endpoint")),
        capabilities=frozenset(_texts(raw.get("capabilities"))),
        code_challenge_methods=_texts(raw.get("code_challenge_methods_supported")),
        token_auth_methods=_texts(raw.get("token_endpoint_auth_methods_supported")),
        scopes_supported=_texts(raw.get("scopes_supported")),
        grant_types=_texts(raw.get("grant_types_supported")),
    )


def _from_statement(raw: object) -> SmartConfiguration:
    """The first oauth-uris extension that has both addresses; some servers publish a second one that has not."""
    rests = _dicts(raw.get("rest")) if isinstance(raw, dict) else []
    security = rests[0].get("security") if rests else None
    for extension in _dicts(security.get("extension") if isinstance(security, dict) else None):
        if extension.get("url") != _OAUTH_URIS:
            continue
        uris = {_text(inner.get("url")): _text(inner.get("valueUri")) for inner in _dicts(extension.get("extension"))}
        if uris.get("authorize") and uris.get("token"):
            return SmartConfiguration(
                authorization_endpoint=uris["authorize"],
                token_endpoint=uris["token"],
                revocation_endpoint=uris.get("revoke", ""),
                introspection_endpoint=uris.get("introspect", ""),
                capabilities=frozenset({"permission-v1"}),
                found="capability-statement",
            )
    raise DiscoveryFailed("no usable smart-configuration and no oauth-uris in metadata")


def _checked(found: SmartConfiguration, issuer: Issuer, base: str) -> SmartConfiguration:
    """The configuration with absolute addresses, all of them https (or loopback) on the issuer's hosts."""
    if not found.authorization_endpoint or not found.token_endpoint:
        raise DiscoveryFailed("endpoints missing")
    if found.code_challenge_methods and "S256" not in found.code_challenge_methods:
        raise DiscoveryFailed("PKCE without S256")
    kinds = ("authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint", "introspection_endpoint")
    absolute = {}
    for kind in kinds:
        url = getattr(found, kind)
        if url:
            absolute[kind] = urljoin(base, url)
            if not allowed_address(absolute[kind], issuer):
                raise DiscoveryFailed(f"{kind} is not an https address on a host of this issuer")
    return replace(found, **absolute)


def allowed_address(url: str, issuer: Issuer) -> bool:
    """Whether this address may be contacted for this issuer: https (http on loopback) and a host that its entry names."""
    without_query = url.split("?", 1)[0]
    return safe_address(without_query) and "#" not in url and urlsplit(url).netloc in issuer.hosts


class ConfigurationCache:
    """SMART configurations by issuer, each at most ten minutes old; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, SmartConfiguration]] = {}

    def get(self, http: Http, issuer: Issuer, now: datetime, timeouts: tuple[float, float] = TIMEOUTS) -> SmartConfiguration:
        """The configuration of this issuer, discovered anew when the kept one is ten minutes old. Failures are not kept."""
        with self._lock:
            kept = self._kept.get(issuer.iss)
        if kept is not None and timedelta() <= now - kept[0] < CACHE:
            return kept[1]
        found = discover(http, issuer, timeouts)
        with self._lock:
            self._kept[issuer.iss] = (now, found)
        return found

    def forget(self, issuer: Issuer) -> None:
        """Drops what is kept: the token endpoint answered 404 or 405, so its address may have moved."""
        with self._lock:
            self._kept.pop(issuer.iss, None)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
