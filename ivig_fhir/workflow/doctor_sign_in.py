"""The doctor's look at the sign-in: discovery, endpoints, PKCE, how the app proves itself, keys, redirect address, scopes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args
from urllib.parse import urlsplit

from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.ehr.examination import Remark
from ivig_fhir.ehr.profiles import profile
from ivig_fhir.errors import DiscoveryFailed, SettingsError
from ivig_fhir.settings import LOOPBACK
from ivig_fhir.smart.credentials import Credentials, proof
from ivig_fhir.smart.discovery import LARGEST_STATEMENT, Http, SmartConfiguration, allowed_address, discover, fetch_json
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.keys import ALGORITHMS
from ivig_fhir.smart.launch import Target
from ivig_fhir.smart.scopes import wanted

_METHODS = {"public": "none", "basic": "client_secret_basic", "private_key_jwt": "private_key_jwt"}
_WISHED = ("launch-ehr", "sso-openid-connect", "context-ehr-patient")
_ONLY_THERE = "Only a smart-configuration says this, and there is none."


@dataclass(frozen=True)
class SignIn:
    """The sign-in of one issuer: what it publishes (None where nothing usable), the scopes that would be asked, the remarks."""

    configuration: SmartConfiguration | None
    order: tuple[str, ...]
    pharmacy: tuple[str, ...]
    remarks: tuple[Remark, ...]
    hosts: tuple[str, ...] = ()


def examine_sign_in(http: Http, issuer: Issuer, listed: bool, redirect_uri: str, credentials: Credentials, now: datetime) -> SignIn:
    """Everything about the sign-in of an issuer that can be seen without signing in. `listed`: it stands in the issuer table.

    Raises nothing of the issuer's: what failed is a remark. See: SMART App Launch 2.2, conformance.
    """
    addresses = tuple(dict.fromkeys(_published(http, issuer)))
    hosts = tuple(dict.fromkeys(urlsplit(a).netloc for a in addresses if urlsplit(a).netloc))
    foreign = tuple(h for h in hosts if h not in issuer.hosts)
    try:
        found = discover(http, replace(issuer, endpoint_hosts=(*issuer.endpoint_hosts, *foreign)))
    except DiscoveryFailed as error:
        return SignIn(None, *_scopes(issuer, None), (_undiscovered(error, listed), _redirect(issuer, redirect_uri)))
    told = found.found == "well-known"
    order, pharmacy = _scopes(issuer, found)
    remarks = [
        _discovered(found),
        _endpoints(found, foreign, listed),
        _pkce(found) if told else Remark("pkce", "unseen", _ONLY_THERE, "The app sends S256 in any case."),
        *([_offered(found)] if told else []),
        _client(found, issuer, listed, credentials, now) if told or listed else Remark("client", "unseen", _ONLY_THERE),
        _keys(http, found, replace(issuer, endpoint_hosts=(*issuer.endpoint_hosts, *foreign))),
        _redirect(issuer, redirect_uri),
        _asked(order, pharmacy, issuer, found),
    ]
    return SignIn(found, order, pharmacy, tuple(remarks), foreign)


def _published(http: Http, issuer: Issuer) -> Iterator[str]:
    """Every address in the smart-configuration, or in the security part of the metadata where there is none."""
    base = issuer.iss.removesuffix("/")
    try:
        document = fetch_json(http, f"{base}/.well-known/smart-configuration")[1]
        if not isinstance(document, dict):
            statement = fetch_json(http, f"{base}/metadata", largest=LARGEST_STATEMENT)[1]
            rest = statement.get("rest") if isinstance(statement, dict) else None
            document = [r.get("security") for r in rest if isinstance(r, dict)] if isinstance(rest, list) else []
    except DiscoveryFailed:
        return
    wanted_keys = ("issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "introspection_endpoint")
    yield from _addresses(document, (*wanted_keys, "valueUri"))


def _addresses(value: Any, keys: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            if key in keys and isinstance(child, str) and child.startswith(("http://", "https://")):
                yield child
            else:
                yield from _addresses(child, keys)
    elif isinstance(value, list):
        for child in value:
            yield from _addresses(child, keys)


def _undiscovered(error: DiscoveryFailed, listed: bool) -> Remark:
    said = f"No sign-in can be read: {error.detail}."
    if listed:
        return Remark("discovery", "problem", said, "Check iss in the issuer table, character for character; then ask the EHR's vendor.")
    return Remark("discovery", "unseen", said, "If nobody signs in on this server, give its entry an [issuer.development].")


def _discovered(found: SmartConfiguration) -> Remark:
    if found.found == "well-known":
        return Remark("discovery", "ok", "smart-configuration was read.")
    said = "There is no smart-configuration; the addresses are those of the CapabilityStatement, and v1 scopes are asked."
    return Remark("discovery", "note", said, "Nothing where the EHR is old; else ask its vendor for the smart-configuration.")


def _endpoints(found: SmartConfiguration, foreign: tuple[str, ...], listed: bool) -> Remark:
    said = f"authorize {found.authorization_endpoint}, token {found.token_endpoint}"
    said += f", revoke {found.revocation_endpoint}." if found.revocation_endpoint else "; none to revoke a token."
    if foreign:
        remedy = f"If this EHR owns them, put endpoint_hosts = [{', '.join(f'{chr(34)}{h}{chr(34)}' for h in foreign)}] into its entry."
        return Remark("endpoints", "problem" if listed else "note", f"{said} Not hosts of its entry: {', '.join(foreign)}.", remedy)
    return Remark("endpoints", "ok", said)


def _pkce(found: SmartConfiguration) -> Remark:
    methods = found.code_challenge_methods
    if not methods:
        return Remark("pkce", "note", "It names no code_challenge_methods_supported.", "Nothing: the app sends S256 in any case.")
    if "plain" in methods:
        return Remark("pkce", "note", "S256, but plain as well, which SMART forbids.", "Tell the vendor; the app sends S256 only.")
    return Remark("pkce", "ok", "S256.")


def _offered(found: SmartConfiguration) -> Remark:
    missing = [c for c in _WISHED if c not in found.capabilities]
    version = f"Scopes would be asked in {found.scope_version}."
    if missing:
        remedy = "Try a launch before anything else: servers are known that do more, or less, than they name."
        return Remark("offered", "note", f"{version} It does not name {', '.join(missing)}.", remedy)
    return Remark("offered", "ok", f"{version} It names the launch from a chart, its patient, and who signs in.")


def _client(found: SmartConfiguration, issuer: Issuer, listed: bool, credentials: Credentials, now: datetime) -> Remark:
    offered = ", ".join(found.token_auth_methods) or "nothing named"
    if not listed:
        return Remark("client", "ok", f"Ways to prove the app: {offered}.")
    try:
        proof(issuer, found.token_endpoint, credentials, now)
    except SettingsError as error:
        return Remark("client", "problem", error.message, "Set the secret, or make a key with `ivig-fhir keys new`.")
    method = _METHODS[issuer.auth]
    if found.token_auth_methods and method not in found.token_auth_methods and issuer.auth != "public":
        return Remark("client", "problem", f"The entry says {issuer.auth}; the EHR offers {offered}.", "Change auth in its entry.")
    note = "" if found.token_auth_methods else " The EHR names no way; a launch will tell."
    return Remark("client", "ok" if not note else "note", f"As {issuer.client_id}, {issuer.auth}.{note}")


def _keys(http: Http, found: SmartConfiguration, issuer: Issuer) -> Remark:
    """Whether an id_token could be checked: by whose keys, and how many of them fit."""
    signers = issuer.oidc_issuers or ((found.issuer,) if found.issuer else ())
    if not signers and not found.jwks_uri:
        return Remark(
            "keys",
            "unseen",
            f"Who signs id_tokens is not published. {_ONLY_THERE}",
            "Without one, whoever opens the app may look and not act.",
        )
    counts = {signer: _fitting(http, signer, found, issuer) for signer in signers}
    bad = [signer for signer, count in counts.items() if not count]
    if bad or not counts:
        said = f"No usable key was found for {', '.join(bad) or 'any signer'}."
        return Remark("keys", "problem", said, "Check oidc_issuers and endpoint_hosts in its entry: nobody could be identified.")
    return Remark("keys", "ok", "; ".join(f"{signer} has {count} usable" for signer, count in counts.items()) + ".")


def _fitting(http: Http, signer: str, found: SmartConfiguration, issuer: Issuer) -> int:
    about = signer.removesuffix("/") + "/.well-known/openid-configuration"
    url = found.jwks_uri
    try:
        document = fetch_json(http, about)[1] if allowed_address(about, issuer) else None
        if isinstance(document, dict) and document.get("issuer") == signer and isinstance(document.get("jwks_uri"), str):
            url = document["jwks_uri"]
        keys = fetch_json(http, url)[1] if url and allowed_address(url, issuer) else None
    except DiscoveryFailed:
        return 0
    listed = keys.get("keys") if isinstance(keys, dict) else None
    kinds = {kind for kind, _ in ALGORITHMS.values()}
    return (
        sum(isinstance(k, dict) and k.get("kty") in kinds and k.get("use", "sig") == "sig" for k in listed)
        if isinstance(listed, list)
        else 0
    )


def _redirect(issuer: Issuer, redirect_uri: str) -> Remark:
    address = issuer.redirect_uri or redirect_uri
    here = urlsplit(address).hostname in LOOPBACK
    if here and urlsplit(issuer.iss).hostname not in LOOPBACK:
        remedy = "Set IVIG_BASE_URL to the address under which the EHR's browsers reach this app, and register its /callback."
        return Remark("redirect", "note", f"{address} reaches only a browser on this machine.", remedy)
    return Remark("redirect", "ok", f"Register exactly {address}")


def _scopes(issuer: Issuer, found: SmartConfiguration | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a launch from a chart and one of the worklist would ask."""
    if issuer.scopes:
        return issuer.scopes, issuer.scopes
    version = issuer.scope_version if issuer.scope_version != "auto" else found.scope_version if found else "v2"
    rows = [q.scope for q in QUERIES]
    beside = profile(issuer.profile).scopes
    order, pharmacy = (wanted(rows, t, version, online=issuer.online_access) for t in get_args(Target))
    return (*order, *beside), (*pharmacy, *beside)


def _asked(order: Iterable[str], pharmacy: Iterable[str], issuer: Issuer, found: SmartConfiguration) -> Remark:
    """How many scopes are asked; the EHR's own list is no authority, for several publish only a part of it."""
    said = f"{len(tuple(order))} for an order, {len(tuple(pharmacy))} for the worklist{', from its entry' if issuer.scopes else ''}."
    listed = f" It publishes {len(found.scopes_supported)}." if found.scopes_supported else " It publishes none."
    return Remark("scopes", "ok", said + listed, "Let the EHR allow all of them; what is not granted is shown as not assessed.")
