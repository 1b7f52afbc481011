"""The issuer table: which EHRs may launch us, as what client, and whom they make a prescriber."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from ivig_fhir.errors import SettingsError, UnknownIssuer
from ivig_fhir.settings import CLIENT_SECRET, LOOPBACK
from ivig_fhir.smart.client_keys import ALGORITHMS, Algorithm

Role = Literal["prescriber", "pharmacist", "nurse", "stranger", "unproven"]
Auth = Literal["public", "basic", "private_key_jwt"]
ROLES = ("prescriber", "pharmacist", "nurse")
AUTHS = ("public", "basic", "private_key_jwt")


@dataclass(frozen=True, slots=True)
class TestUser:
    """The named person whom an open development server without sign-in supplies."""

    __test__ = False
    reference: str
    display: str


@dataclass(frozen=True, slots=True)
class Backend:
    """The app as a client of its own, without a person: what `ivig-fhir deliver` asks for. `scopes` replaces the list that is asked."""

    client_id: str
    signing_alg: Algorithm = "ES384"
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Issuer:
    """One EHR that may launch us. Every key of its entry in the issuer table is described in that file's head."""

    iss: str
    name: str
    client_id: str = ""
    auth: Auth = "public"
    client_secret: str = ""
    signing_alg: Algorithm = "ES384"
    redirect_uri: str = ""
    standalone: bool = False
    online_access: bool = False
    scope_version: Literal["auto", "v1", "v2"] = "auto"
    scopes: tuple[str, ...] = ()
    oidc_issuers: tuple[str, ...] = ()
    endpoint_hosts: tuple[str, ...] = ()
    frame_ancestors: tuple[str, ...] = ()
    profile: str = "generic"
    default_role: Role = "stranger"
    roles: Mapping[str, Role] = field(default_factory=dict)
    prescriber: TestUser | None = None
    pharmacist: TestUser | None = None
    backend: Backend | None = None
    cds_iss: str = ""
    cds_jku: str = ""
    cds_jwks: tuple[Mapping[str, Any], ...] = ()

    @property
    def development(self) -> bool:
        """Whether this is an open server without sign-in, with named test users; every page says so."""
        return self.prescriber is not None

    @property
    def hosts(self) -> frozenset[str]:
        """host[:port] of everything that may be contacted on behalf of this issuer."""
        own = {urlsplit(url).netloc for url in (self.iss, *self.oidc_issuers)}
        return frozenset(own | set(self.endpoint_hosts))


@dataclass(frozen=True, slots=True)
class Issuers:
    """The issuer table."""

    entries: tuple[Issuer, ...]

    def find(self, iss: str) -> Issuer:
        """The issuer whose `iss` is exactly this string. Raises UnknownIssuer, before anything is fetched."""
        for entry in self.entries:
            if entry.iss == iss:
                return entry
        host = urlsplit(iss).hostname if len(iss) < 2000 and "[" not in iss and "]" not in iss else None
        shown = host if host and re.fullmatch(r"[A-Za-z0-9.-]{1,80}", host) else "this address"
        raise UnknownIssuer(said=f"This EHR ({shown}) is not set up for IVIG Orders.")


def load(path: Path) -> Issuers:
    """Reads the issuer table. SettingsError names the entry and the key that is unknown, missing or wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The issuer table {path.name} cannot be read.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The issuer table {path.name} is not TOML: {error}.") from error
    return read(raw)


def read(raw: Mapping[str, Any]) -> Issuers:
    """The issuer table from parsed TOML: `[roles]` for all, and one `[[issuer]]` per EHR."""
    _only(raw, {"roles", "issuer"}, "the issuer table")
    common = _roles(raw.get("roles", {}), "[roles]")
    entries = tuple(_entry(item, common) for item in raw.get("issuer", []))
    seen = [entry.iss for entry in entries]
    for iss in seen:
        if seen.count(iss) > 1:
            raise SettingsError(f"The issuer {iss} is listed twice.")
    return Issuers(entries)


_TEXT = ("iss", "name", "client_id", "client_secret", "redirect_uri", "profile", "cds_iss", "cds_jku")
_LISTS = ("scopes", "oidc_issuers", "endpoint_hosts", "frame_ancestors")
_CHOICES = {"auth": AUTHS, "scope_version": ("auto", "v1", "v2"), "default_role": (*ROLES, "stranger"), "signing_alg": ALGORITHMS}
_SWITCHES = ("standalone", "online_access")


def _entry(item: Mapping[str, Any], common: Mapping[str, Role]) -> Issuer:
    """One `[[issuer]]` entry, or SettingsError."""
    where = f"issuer {item.get('iss', '(without iss)')}"
    _only(item, {*_TEXT, *_LISTS, *_CHOICES, *_SWITCHES, "roles", "development", "backend", "cds_jwks"}, where)
    given: dict[str, Any] = {key: _text(item[key], f"{where}: {key}") for key in _TEXT if key in item}
    given |= {key: _texts(item[key], f"{where}: {key}") for key in _LISTS if key in item}
    for key, choices in _CHOICES.items():
        if key in item and item[key] not in choices:
            raise SettingsError(f"{where}: {key} must be one of {', '.join(choices)}.")
        given |= {key: item[key]} if key in item else {}
    for key in _SWITCHES:
        given[key] = item.get(key, False)
        if not isinstance(given[key], bool):
            raise SettingsError(f"{where}: {key} must be true or false.")
    given["roles"] = {**common, **_roles(item.get("roles", {}), where)}
    if "cds_jwks" in item:
        given["cds_jwks"] = _public_keys(item["cds_jwks"], f"{where}: cds_jwks")
    if "development" in item:
        given |= _development(item["development"], where)
    if "backend" in item:
        given["backend"] = _backend(item["backend"], f"{where}: backend")
    for key in ("iss", "name"):
        if not given.get(key):
            raise SettingsError(f"{where}: {key} is missing.")
    issuer = Issuer(**given)
    _coherent(issuer, where)
    return issuer


def _coherent(issuer: Issuer, where: str) -> None:
    """Refuses entries that could not work or would not be safe."""
    for url in (issuer.iss, *issuer.oidc_issuers, *filter(None, (issuer.redirect_uri, issuer.cds_jku))):
        if not safe_address(url):
            raise SettingsError(f"{where}: {url} must be https, or http on this machine itself, without user, query or fragment.")
    for origin in issuer.frame_ancestors:
        if not safe_address(origin) or urlsplit(origin).path:
            raise SettingsError(f"{where}: frame_ancestors must be origins such as https://ehr.example.org.")
    for host in issuer.endpoint_hosts:
        if not re.fullmatch(r"[A-Za-z0-9.-]+(:\d{1,5})?", host):
            raise SettingsError(f"{where}: endpoint_hosts must be host names.")
    if not issuer.client_id and not issuer.development:
        raise SettingsError(f"{where}: client_id is missing.")
    if issuer.development and issuer.client_id:
        raise SettingsError(f"{where}: an open development server has no client_id.")
    if issuer.development and issuer.backend:
        raise SettingsError(f"{where}: an open development server has no backend.")
    if issuer.cds_jku and issuer.cds_jwks:
        raise SettingsError(f"{where}: cds_jku and cds_jwks are both given; use one.")
    if issuer.cds_iss and not issuer.cds_jku and not issuer.cds_jwks:
        raise SettingsError(f"{where}: cds_iss needs cds_jku or cds_jwks.")
    if (issuer.auth == "basic") != bool(issuer.client_secret):
        raise SettingsError(f"{where}: auth basic needs client_secret, and nothing else does.")
    if issuer.signing_alg != "ES384" and issuer.auth != "private_key_jwt":
        raise SettingsError(f"{where}: signing_alg needs auth private_key_jwt.")
    if issuer.client_secret and not issuer.client_secret.startswith(CLIENT_SECRET):
        raise SettingsError(f"{where}: client_secret names the setting that holds the secret, {CLIENT_SECRET}….")


def safe_address(url: str) -> bool:
    """Whether this is an absolute https address (http only on loopback) that carries nothing but host, port and path."""
    try:
        parts = urlsplit(url)
        port_readable = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.password or parts.fragment or parts.query or not port_readable:
        return False
    if re.search(r"[\s\\\x00-\x1f]", url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)


def _roles(raw: object, where: str) -> dict[str, Role]:
    if not isinstance(raw, dict) or any(role not in ROLES for role in raw.values()):
        raise SettingsError(f"{where}: roles map a code to one of {', '.join(ROLES)}.")
    return {str(code): cast(Role, role) for code, role in raw.items()}


def _development(raw: object, where: str) -> dict[str, TestUser]:
    if not isinstance(raw, dict) or set(raw) != {"prescriber", "pharmacist"}:
        raise SettingsError(f"{where}: development names a test prescriber and a test pharmacist.")
    users = {}
    for role, user in raw.items():
        _only(user, {"reference", "display"}, f"{where}: development.{role}")
        reference = _text(user.get("reference"), f"{where}: development.{role}.reference")
        if not re.fullmatch(r"(Practitioner|PractitionerRole)/[A-Za-z0-9.-]{1,64}", reference):
            raise SettingsError(f"{where}: development.{role}.reference must be Practitioner/<id>.")
        users[role] = TestUser(reference, _text(user.get("display"), f"{where}: development.{role}.display"))
    if users["prescriber"].reference == users["pharmacist"].reference:
        raise SettingsError(f"{where}: the test prescriber and the test pharmacist are one person.")
    return users


def _backend(raw: object, where: str) -> Backend:
    _only(raw, {"client_id", "signing_alg", "scopes"}, where)
    item = cast(dict[str, Any], raw)
    if item.get("signing_alg", "ES384") not in ALGORITHMS:
        raise SettingsError(f"{where}.signing_alg must be one of {', '.join(ALGORITHMS)}.")
    scopes = _texts(item.get("scopes", []), f"{where}.scopes")
    if any(not scope.startswith("system/") for scope in scopes):
        raise SettingsError(f"{where}.scopes must be system/ scopes: nobody is signed in.")
    return Backend(_text(item.get("client_id"), f"{where}.client_id"), item.get("signing_alg", "ES384"), scopes)


def _public_keys(raw: object, where: str) -> tuple[Mapping[str, Any], ...]:
    """The keys of a JWK Set that stands in the table itself; a private key there is refused."""
    _only(raw, {"keys"}, where)
    keys = cast(dict[str, Any], raw).get("keys")
    if not isinstance(keys, list) or not keys or any(not isinstance(k, dict) or not k.get("kid") or not k.get("kty") for k in keys):
        raise SettingsError(f"{where} must hold keys, each with kty and kid.")
    if any("d" in key or key["kty"] == "oct" for key in keys):
        raise SettingsError(f"{where} may hold public keys only.")
    return tuple(keys)


def _only(raw: object, keys: Iterable[str], where: str) -> None:
    if not isinstance(raw, dict):
        raise SettingsError(f"{where} is not a table.")
    for key in sorted(set(raw) - set(keys)):
        raise SettingsError(f"{where}: unknown key {key}.")


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or value != value.strip():
        raise SettingsError(f"{where} must be a text.")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise SettingsError(f"{where} must be a list of texts.")
    return tuple(_text(item, where) for item in value)
