"""The app's client keys: published first, signing later, retired, and gone once no EHR can need them any more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, insert, or_, select, update

from ivig_fhir.errors import SettingsError
from ivig_fhir.smart.client_keys import Algorithm, ClientKey, public_jwk
from ivig_fhir.store import audit
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import CLIENT_KEYS


@dataclass(frozen=True, slots=True)
class KeptKey:
    """What is known of one key, without its private part. It is published until `published_until` (None: no end is set)."""

    kid: str
    algorithm: Algorithm
    created: datetime
    signs_from: datetime
    retired: datetime | None
    published_until: datetime | None

    def state(self, now: datetime) -> str:
        """`announced` (published, does not sign yet), `signing`, `retired` (published, signs no more) or `gone`."""
        if self.published_until is not None and self.published_until <= now:
            return "gone"
        if self.retired is not None and self.retired <= now:
            return "retired"
        return "signing" if self.signs_from <= now else "announced"


def add(tx: Tx, key: ClientKey, now: datetime, overlap: timedelta) -> KeptKey:
    """Publishes a new key. The first of its algorithm signs at once; a later one after `overlap`, when every EHR has seen it."""
    signs_from = now + overlap if _signing(tx, key.algorithm, now) else now
    values = {
        "kid": key.kid,
        "algorithm": key.algorithm,
        "created": now,
        "signs_from": signs_from,
        "public_jwk": json.dumps(public_jwk(key), sort_keys=True),
        "sealed_private": tx.ring.seal(key.pem, _place(key.kid)),
    }
    tx.conn.execute(insert(CLIENT_KEYS).values(**values))
    audit.append(tx, now, "administrator", "", "key.made", note=key.kid)
    return KeptKey(key.kid, key.algorithm, now, signs_from, None, None)


def retire(tx: Tx, kid: str, now: datetime, overlap: timedelta, at_once: bool = False) -> KeptKey:
    """Ends a key: it signs no more, and stays published for `overlap`, or is gone at once where it may have become known.

    SettingsError for a key that is not there, and for the last one that signs with its algorithm (unless at once): make another first.
    """
    row = tx.conn.execute(select(CLIENT_KEYS).where(CLIENT_KEYS.c.kid == kid)).first()
    if row is None or _kept(row).state(now) == "gone":
        raise SettingsError("There is no key of this kid; `ivig-fhir keys list` shows them.")
    others = [other for other in _signing(tx, row.algorithm, now) if other.kid != kid]
    if not others and not at_once and _kept(row).state(now) == "signing":
        raise SettingsError(f"No other key signs with {row.algorithm} yet. Make one with `ivig-fhir keys new`, and retire this one later.")
    ends = {"retired": row.retired or now, "published_until": now if at_once else row.published_until or now + overlap}
    tx.conn.execute(update(CLIENT_KEYS).where(CLIENT_KEYS.c.kid == kid).values(**ends))
    audit.append(tx, now, "administrator", "", "key.retired", note=kid)
    return KeptKey(row.kid, row.algorithm, row.created, row.signs_from, **ends)


def signing(tx: Tx, algorithm: Algorithm, now: datetime) -> ClientKey | None:
    """The newest key that signs with this algorithm now, its private part opened; None where there is none."""
    rows = _signing(tx, algorithm, now)
    if not rows:
        return None
    return ClientKey(rows[0].kid, algorithm, tx.ring.open(rows[0].sealed_private, _place(rows[0].kid)))


def published(tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """The public parts that EHRs may see now."""
    shown = or_(CLIENT_KEYS.c.published_until.is_(None), CLIENT_KEYS.c.published_until > now)
    rows = tx.conn.execute(select(CLIENT_KEYS.c.public_jwk).where(shown).order_by(CLIENT_KEYS.c.created, CLIENT_KEYS.c.kid))
    return [json.loads(row.public_jwk) for row in rows]


def kept(tx: Tx) -> tuple[KeptKey, ...]:
    """Every key there ever was, oldest first."""
    return tuple(_kept(row) for row in tx.conn.execute(select(CLIENT_KEYS).order_by(CLIENT_KEYS.c.created, CLIENT_KEYS.c.kid)))


def _signing(tx: Tx, algorithm: str, now: datetime) -> list[Row[Any]]:
    """The rows that sign with an algorithm now, newest first."""
    unended = or_(CLIENT_KEYS.c.retired.is_(None), CLIENT_KEYS.c.retired > now)
    alive = (CLIENT_KEYS.c.algorithm == algorithm, CLIENT_KEYS.c.signs_from <= now, unended)
    return list(tx.conn.execute(select(CLIENT_KEYS).where(*alive).order_by(CLIENT_KEYS.c.signs_from.desc(), CLIENT_KEYS.c.kid)))


def _kept(row: Row[Any]) -> KeptKey:
    return KeptKey(row.kid, cast(Algorithm, row.algorithm), row.created, row.signs_from, row.retired, row.published_until)


def _place(kid: str) -> str:
    return f"client_keys|{kid}|private"
