"""How this app proves itself to a token endpoint: by its id alone, with a secret, or with a signed assertion."""

from __future__ import annotations

import base64
import secrets as chance
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote_plus

from ivig_fhir.errors import SettingsError
from ivig_fhir.smart.client_keys import Algorithm, ClientKey, assertion
from ivig_fhir.smart.issuers import Issuer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def no_key(algorithm: Algorithm, now: datetime) -> ClientKey | None:
    """The key of an app that has none."""
    return None


@dataclass(frozen=True)
class Credentials:
    """What this app has to prove itself with: client secrets by setting, and the key that signs now, by algorithm."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    signing_key: Callable[[Algorithm, datetime], ClientKey | None] = field(default=no_key, repr=False)
    unique: Callable[[int], str] = field(default=chance.token_urlsafe, repr=False)


def proof(issuer: Issuer, audience: str, credentials: Credentials, now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """(form fields, headers) that say who asks; `audience` is the address of the token endpoint.

    A public client names itself in the form; one with a secret in the Basic header and nowhere else; one with a key signs an assertion
    for this one request. Errors: SettingsError for a secret or a key that is not there. See: SMART App Launch 2.2, client authentication.
    """
    if issuer.auth == "public":
        return {"client_id": issuer.client_id}, {}
    if issuer.auth == "basic":
        return {}, {"Authorization": _basic(issuer, credentials.secrets)}
    key = credentials.signing_key(issuer.signing_alg, now)
    if key is None:
        raise SettingsError(f"{issuer.name} wants a signature with {issuer.signing_alg}, and no key of ours signs with it.")
    signed = assertion(key, issuer.client_id, audience, now, credentials.unique(32))
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}, {}


def _basic(issuer: Issuer, secrets: Mapping[str, str]) -> str:
    """The Basic header, id and secret form-encoded as OAuth wants them. See: RFC 6749, 2.3.1."""
    secret = secrets.get(issuer.client_secret, "")
    if not secret:
        raise SettingsError(f"{issuer.client_secret}, the client secret of {issuer.name}, is not set.")
    pair = f"{quote_plus(issuer.client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
