"""An EHR's sign-in service as data: its issuer entry, its configuration, its keys, and the tokens it would sign."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from ivig_fhir.smart.discovery import SmartConfiguration
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.smart.launch import PendingLaunch

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "https://ehr.example.org/fhir"
ISSUER = Issuer(iss=BASE, name="Example EHR", client_id="ivig")
WELL_KNOWN = f"{BASE}/.well-known/smart-configuration"
OPENID = f"{BASE}/.well-known/openid-configuration"
JWKS = "https://ehr.example.org/jwks"
TOKEN = "https://ehr.example.org/token"
REVOKE = "https://ehr.example.org/revoke"
CONFIGURATION = SmartConfiguration(
    authorization_endpoint="https://ehr.example.org/authorize",
    token_endpoint=TOKEN,
    issuer=BASE,
    jwks_uri=JWKS,
    revocation_endpoint=REVOKE,
    capabilities=frozenset({"permission-v2", "launch-ehr"}),
    code_challenge_methods=("S256",),
)
PENDING = PendingLaunch(
    iss=BASE,
    redirect_uri="https://ivig.example.org/callback",
    scope="openid fhirUser launch patient/Patient.r",
    target="order",
    standalone=False,
    created=NOW,
    nonce="the-nonce",
    verifier="v" * 86,
)


def metadata(**changes: Any) -> dict[str, Any]:
    """The smart-configuration document; a change to None leaves a field out."""
    document: dict[str, Any] = {
        "issuer": BASE,
        "jwks_uri": JWKS,
        "authorization_endpoint": CONFIGURATION.authorization_endpoint,
        "token_endpoint": TOKEN,
        "revocation_endpoint": REVOKE,
        "grant_types_supported": ["authorization_code"],
        "capabilities": ["permission-v2", "launch-ehr", "sso-openid-connect"],
        "code_challenge_methods_supported": ["S256"],
    }
    document.update(changes)
    return {key: value for key, value in document.items() if value is not None}


@cache
def rsa_key(name: str = "one") -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key(name: str = "one") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


def public_jwk(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **more: Any) -> dict[str, Any]:
    """The published form of a key."""
    text = RSAAlgorithm.to_jwk(key.public_key()) if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm.to_jwk(key.public_key())
    return {**json.loads(text), "use": "sig", **more}


def claims(**changes: Any) -> dict[str, Any]:
    """What a good id_token claims; a change to None leaves a claim out."""
    moment = int(NOW.timestamp())
    good = {
        "iss": BASE,
        "sub": "u-1",
        "aud": "ivig",
        "exp": moment + 300,
        "iat": moment,
        "nonce": "the-nonce",
        "fhirUser": f"{BASE}/Practitioner/p1",
    }
    return {key: value for key, value in {**good, **changes}.items() if value is not None}


def id_token(payload: dict[str, Any] | None = None, key: Any = None, algorithm: str = "RS256", kid: str | None = "k1") -> str:
    """A signed id_token."""
    headers = {"kid": kid} if kid else {}
    return jwt.encode(payload if payload is not None else claims(), key or rsa_key(), algorithm, headers=headers)
