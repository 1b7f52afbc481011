"""The key that signs id_tokens: made once, kept with the data, published as a JWK."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from ivig_fhir.sandbox.database import Database

ALGORITHM = "RS256"
_META = "signing-key"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key and its id, a digest of the public part."""

    private: rsa.RSAPrivateKey
    id: str

    def sign(self, claims: dict[str, Any]) -> str:
        """The claims as a signed JWT."""
        return jwt.encode(claims, self.private, algorithm=ALGORITHM, headers={"kid": self.id})

    def jwks(self) -> dict[str, Any]:
        """The public part as a JWK set. See: RFC 7517."""
        public = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        return {"keys": [{**public, "kid": self.id, "alg": ALGORITHM, "use": "sig", "key_ops": ["verify"]}]}


def signing_key(database: Database) -> SigningKey:
    """The key kept with the data; the first call makes it, so that tokens outlive a restart."""
    text = database.recall(_META)
    if text is None:
        text = _made()
        database.remember(_META, text)
    private = _read(text)
    public = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(private, sha256(public).hexdigest()[:16])


@cache
def _read(text: str) -> rsa.RSAPrivateKey:
    private = serialization.load_pem_private_key(text.encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("the kept signing key is no RSA key")
    return private


@cache
def _made() -> str:
    """A new key as PEM; one for the whole process, because making one is slow and tests start many sandboxes."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
