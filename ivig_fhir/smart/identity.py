"""Who is signed in: the id_token, believed only after every check, and the fhirUser it names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from ivig_fhir.errors import IdentityUnproven
from ivig_fhir.smart.discovery import SmartConfiguration
from ivig_fhir.smart.issuers import Issuer, TestUser
from ivig_fhir.smart.keys import ALGORITHMS, KeyRequest

LEEWAY = 60
_FHIR_USER = re.compile(r"(?:(https?://\S+?)/)?(Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/([A-Za-z0-9.-]{1,64})")


@dataclass(frozen=True, slots=True)
class Identity:
    """A person whom the EHR vouched for (`verified`), or the test user of an open development server.

    `reference` is `Practitioner/1` on the launching FHIR server, an absolute address on another (`local` is False: no token of
    ours goes there), and empty where the id_token names nobody. `display` is a name for the page, where one is known. `issuer` and
    `subject` are those of the id_token; `others` are further references to the same person, as the record has them.
    """

    reference: str
    type: str = ""
    id: str = ""
    subject: str = ""
    local: bool = True
    verified: bool = False
    development: bool = False
    display: str = ""
    issuer: str = ""
    others: tuple[str, ...] = ()

    @property
    def login(self) -> str:
        """`iss|sub`: one person at one sign-in service, whatever reference names them; "" without an id_token."""
        return f"{self.issuer}|{self.subject}" if self.issuer and self.subject else ""

    @property
    def proven(self) -> bool:
        """Whether we know who this is: someone who acts must be."""
        return bool(self.reference) and (self.verified or self.development)


# How a key is found: over the network at a launch. It gives the public key, or raises IdentityUnproven.
KeyLookup = Callable[[KeyRequest], jwt.PyJWK]


def identify(id_token: str, issuer: Issuer, configuration: SmartConfiguration, nonce: str, now: datetime, lookup: KeyLookup) -> Identity:
    """The person an id_token proves.

    The token's issuer is one of the entry's `oidc_issuers`, or else the configuration's; it is often not the FHIR base. The
    algorithm is one of ours, the key one that this issuer publishes, the audience this client, the nonce this launch's; times have
    60 s of leeway. Errors: IdentityUnproven, which ends the launch. See: SMART App Launch 2.2, scopes for requesting identity data.
    """
    try:
        header = jwt.get_unverified_header(id_token)
        claimed = jwt.decode(id_token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise IdentityUnproven("id_token is not a JWT") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise IdentityUnproven("id_token algorithm not allowed")
    expected = issuer.oidc_issuers or ((configuration.issuer,) if configuration.issuer else ())
    if claimed.get("iss") not in expected:
        raise IdentityUnproven("id_token of another issuer")
    key = lookup(KeyRequest(claimed["iss"], algorithm, kid if isinstance(kid, str) else None))
    claims = _verified(id_token, algorithm, key, issuer.client_id)
    _timely(claims, now)
    if not nonce or claims.get("nonce") != nonce:
        raise IdentityUnproven("id_token nonce differs")
    return _person(claims, issuer)


def _verified(id_token: str, algorithm: str, key: jwt.PyJWK, client_id: str) -> dict[str, Any]:
    """The claims, once signature and audience hold; the times are judged by our clock, not by the library's."""
    options: Any = {
        "require": ["iss", "sub", "aud", "exp", "iat"],
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "enforce_minimum_key_length": True,
    }
    try:
        claims = jwt.decode(id_token, key, algorithms=[algorithm], audience=client_id, options=options)
    except (jwt.PyJWTError, ValueError) as error:
        raise IdentityUnproven(f"id_token: {type(error).__name__}") from error
    audience = claims["aud"]
    several = isinstance(audience, list) and len(audience) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise IdentityUnproven("id_token was made for another party")
    return claims


def _timely(claims: Mapping[str, Any], now: datetime) -> None:
    moment = now.timestamp()
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in times.values()):
        raise IdentityUnproven("id_token times are not numbers")
    if moment >= times["exp"] + LEEWAY:
        raise IdentityUnproven("id_token expired")
    if times["iat"] > moment + LEEWAY or times.get("nbf", 0) > moment + LEEWAY:
        raise IdentityUnproven("id_token from the future")


def _person(claims: Mapping[str, Any], issuer: Issuer) -> Identity:
    """The fhirUser claim (older servers: profile), relative or absolute; a token that names nobody proves nobody."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise IdentityUnproven("id_token without sub")
    claim = claims.get("fhirUser") or claims.get("profile")
    match = _FHIR_USER.fullmatch(claim) if isinstance(claim, str) and len(claim) < 1000 else None
    if match is None:
        return Identity("", subject=subject, verified=True, issuer=claims["iss"])
    base, kind, key = match.groups()
    local = base is None or base == issuer.iss.removesuffix("/")
    return Identity(f"{kind}/{key}" if local else str(claim), kind, key, subject, local, verified=True, issuer=claims["iss"])


def test_identity(user: TestUser) -> Identity:
    """The test user whom an open development server supplies in place of a sign-in.

    The issuer table says that its two are two people, also where it names roles: each has a reference as a person.
    """
    kind, key = user.reference.split("/")
    person = (f"urn:ivig-fhir:test-user:{user.reference}",)
    return Identity(user.reference, kind, key, subject=user.reference, development=True, display=user.display, others=person)
