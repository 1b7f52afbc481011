"""Screens: what pharmacists had before them of open orders, sealed, so that any process can tell what changed since."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import SCREENS

LONGEST = timedelta(days=2)  # a page that is older is opened anew before anybody decides


def keep(tx: Tx, digest: str, run: str, seen: str, now: datetime) -> None:
    """Keeps what was on the page with this digest (JSON text), once; what is too old goes."""
    tx.conn.execute(delete(SCREENS).where(SCREENS.c.at < now - LONGEST))
    if tx.conn.execute(select(SCREENS.c.digest).where(SCREENS.c.digest == digest)).first() is None:
        tx.conn.execute(insert(SCREENS).values(digest=digest, run=run, at=now, sealed_seen=tx.ring.seal(seen, _place(digest))))


def find(tx: Tx, digest: str, run: str) -> str | None:
    """What was on the page of this order with this digest, if it is still kept."""
    row = tx.conn.execute(select(SCREENS.c.sealed_seen).where(SCREENS.c.digest == digest, SCREENS.c.run == run)).first()
    return tx.ring.open(row.sealed_seen, _place(digest)) if row is not None else None


def forget(tx: Tx, run: str) -> None:
    """Drops all of an order that is decided."""
    tx.conn.execute(delete(SCREENS).where(SCREENS.c.run == run))


def _place(digest: str) -> str:
    return f"screens|{digest}|seen"
