"""This app's own keys: how one is made, what of it is published, and the assertion it signs for a token endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Algorithm = Literal["ES384", "RS384"]
ALGORITHMS: tuple[Algorithm, ...] = ("ES384", "RS384")
RSA_BITS = 3072
# An assertion may reach five minutes ahead of the server's clock; the minute less is room for two clocks that differ.
SECONDS_AHEAD = 240
SECONDS_BACK = 5


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One key pair: the kid under which it is published, its algorithm, the private part as PEM."""

    kid: str
    algorithm: Algorithm
    pem: str = field(repr=False)


def make_key(algorithm: Algorithm) -> ClientKey:
    """A new key pair; its kid is a digest of the public part."""
    private = ec.generate_private_key(ec.SECP384R1()) if algorithm == "ES384" else rsa.generate_private_key(65537, RSA_BITS)
    public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    form = serialization.PrivateFormat.PKCS8
    pem = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode("ascii")
    return ClientKey(sha256(public).hexdigest()[:32], algorithm, pem)


def public_jwk(key: ClientKey) -> dict[str, Any]:
    """What an EHR gets to see of a key. See: RFC 7517; SMART App Launch 2.2, asymmetric authentication."""
    private = serialization.load_pem_private_key(key.pem.encode("ascii"), password=None)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        bare = json.loads(ECAlgorithm.to_jwk(private.public_key()))
    elif isinstance(private, rsa.RSAPrivateKey):
        bare = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
    else:
        raise ValueError("a client key is neither EC nor RSA")
    public = {name: bare[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in bare}
    return {**public, "kid": key.kid, "alg": key.algorithm, "use": "sig", "key_ops": ["verify"]}


def assertion(key: ClientKey, client_id: str, audience: str, now: datetime, jti: str) -> str:
    """A signed JWT for one token request: who we are, to whom it is shown, over in four minutes, never the same twice.

    `audience` is the address that it is posted to, character for character; `jti` is unique. See: SMART App Launch 2.2; RFC 7523.
    """
    moment = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": moment - SECONDS_BACK,
        "exp": moment + SECONDS_AHEAD,
        "jti": jti,
    }
    return jwt.encode(claims, key.pem, algorithm=key.algorithm, headers={"kid": key.kid, "typ": "JWT"})
