"""Sealing at rest: AES-256-GCM under a key ring, each value bound to its table, row and column; and marks that prove who wrote."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ivig_fhir.errors import SealBroken, SettingsError

_MARKS = b"ivig-fhir audit marks"


@dataclass(frozen=True)
class KeyRing:
    """The keys by kid, newest first: the first seals and marks, any opens and knows its marks. A key may leave once no row names its kid.

    `marking` are the keys for marks, each derived from the key of that kid for nothing else.
    """

    keys: tuple[tuple[str, AESGCM], ...] = field(repr=False)
    marking: tuple[tuple[str, bytes], ...] = field(repr=False)

    @classmethod
    def read(cls, pairs: Iterable[tuple[str, str]]) -> KeyRing:
        """A ring from (kid, base64 of 32 bytes), as in the settings. Raises SettingsError, without the value."""
        keys, marking = [], []
        for kid, text in pairs:
            try:
                secret = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError) as error:
                raise SettingsError(f"IVIG_SECRET_KEYS: key {kid} is not base64.") from error
            if len(secret) != 32:
                raise SettingsError(f"IVIG_SECRET_KEYS: key {kid} is not 32 bytes long.")
            keys.append((kid, AESGCM(secret)))
            marking.append((kid, HKDF(SHA256(), 32, None, _MARKS).derive(secret)))
        if not keys:
            raise SettingsError("IVIG_SECRET_KEYS is not set; without it nothing can be stored.")
        return cls(tuple(keys), tuple(marking))

    def seal(self, text: str, place: str) -> str:
        """`kid.base64(nonce + ciphertext)`. `place` is what the value is bound to: table, row and column."""
        kid, key = self.keys[0]
        nonce = os.urandom(12)
        sealed = nonce + key.encrypt(nonce, text.encode("utf-8"), place.encode("utf-8"))
        return f"{kid}.{base64.b64encode(sealed).decode('ascii')}"

    def open(self, sealed: str, place: str) -> str:
        """What was sealed at this place. Raises SealBroken for an unknown kid, a changed value, or one moved from elsewhere."""
        kid, _, body = sealed.partition(".")
        key = dict(self.keys).get(kid)
        if key is None:
            raise SealBroken("unknown kid")
        try:
            raw = base64.b64decode(body, validate=True)
            return key.decrypt(raw[:12], raw[12:], place.encode("utf-8")).decode("utf-8")
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise SealBroken("value changed or moved") from error

    def mark(self, text: str) -> str:
        """`kid.hex`: the HMAC-SHA-256 of a text under the newest key, which nobody makes without the secret. See: RFC 2104, RFC 5869."""
        kid, key = self.marking[0]
        return f"{kid}.{_mac(key, text)}"

    def knows(self, mark: str, text: str) -> bool | None:
        """Whether the mark is that of this text; None where its key is not in the ring, and nobody can say."""
        kid, _, mac = mark.partition(".")
        key = dict(self.marking).get(kid)
        return None if key is None else hmac.compare_digest(_mac(key, text).encode(), mac.encode())


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode("utf-8"), hashlib.sha256).hexdigest()


def hashed(handle: str) -> str:
    """SHA-256 of a handle that only the browser or the EHR keeps: a state, a session id, a cookie."""
    return hashlib.sha256(handle.encode("utf-8")).hexdigest()
