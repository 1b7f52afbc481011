"""Launches under way: kept under the hash of their state for ten minutes, and taken once."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import delete, insert

from ivig_fhir.smart.launch import LIFETIME, PendingLaunch
from ivig_fhir.store.database import Tx
from ivig_fhir.store.seal import hashed
from ivig_fhir.store.tables import LAUNCHES


def keep(tx: Tx, state: str, browser: str, pending: PendingLaunch) -> None:
    """Keeps a launch until its callback. `browser` is the handle in this browser's cookie; neither it nor the state is stored."""
    fields = {name: getattr(pending, name) for name in PendingLaunch.__slots__ if name != "created"}
    tx.conn.execute(delete(LAUNCHES).where(LAUNCHES.c.created < pending.created - LIFETIME))
    tx.conn.execute(
        insert(LAUNCHES).values(
            state_hash=hashed(state),
            browser_hash=hashed(browser),
            created=pending.created,
            sealed_launch=tx.ring.seal(json.dumps(fields), _place(hashed(state))),
        )
    )


def take(tx: Tx, state: str, browser: str, now: datetime) -> PendingLaunch | None:
    """The launch of this state, removed so that it is used once; None if it is unknown, used, too old or of another browser."""
    removed = delete(LAUNCHES).where(LAUNCHES.c.state_hash == hashed(state)).returning(*LAUNCHES.c)
    row = tx.conn.execute(removed).first()
    if row is None or row.browser_hash != hashed(browser):
        return None
    fields = json.loads(tx.ring.open(row.sealed_launch, _place(row.state_hash)))
    pending = PendingLaunch(**fields, created=row.created)
    return None if pending.expired(now) else pending


def _place(state_hash: str) -> str:
    return f"launches|{state_hash}|launch"
