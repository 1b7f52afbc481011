"""The outbox: what must still be settled with an EHR, claimed by one worker at a time and never lost with a process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, or_, select, update

from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import OUTBOX, RUNS

LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 8
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to settle: which run, of what kind (`reconcile`: the order, `decision`: the word on it), the how-manieth attempt this is,
    and `waiting` or `stuck`.
    """

    id: int
    run: str
    tenancy: Tenancy
    kind: str
    attempts: int
    state: str = "waiting"


def put(tx: Tx, run: str, kind: str, due: datetime) -> None:
    """Notes that something must be settled, in the transaction that made it necessary; once for a run and kind."""
    values = {"due": due, "lease_until": None, "attempts": 0, "state": "waiting", "last_error": None}
    if tx.conn.execute(update(OUTBOX).where(OUTBOX.c.run == run, OUTBOX.c.kind == kind).values(values)).rowcount == 0:
        tx.conn.execute(insert(OUTBOX).values(run=run, kind=kind, **values))


def claim(tx: Tx, now: datetime, lease: timedelta = LEASE) -> Delivery | None:
    """The next thing that is due and that nobody has, leased to the caller; one that a dead worker held comes back after its lease."""
    free = or_(OUTBOX.c.lease_until.is_(None), OUTBOX.c.lease_until <= now)
    due = select(OUTBOX.c.id).where(OUTBOX.c.state == "waiting", OUTBOX.c.due <= now, free).order_by(OUTBOX.c.due, OUTBOX.c.id).limit(1)
    taken = update(OUTBOX).where(OUTBOX.c.id == due.with_for_update(skip_locked=True).scalar_subquery())
    row = tx.conn.execute(taken.values(lease_until=now + lease, attempts=OUTBOX.c.attempts + 1).returning(OUTBOX)).first()
    if row is None:
        return None
    at = tx.conn.execute(select(RUNS.c.iss, RUNS.c.tenant).where(RUNS.c.run == row.run)).one()
    return Delivery(row.id, row.run, Tenancy(at.iss, at.tenant), row.kind, row.attempts)


def later(tx: Tx, delivery: Delivery, now: datetime, error_code: str) -> None:
    """Puts a failed attempt back with a wait that doubles, to an hour; after eight it waits for a person (`stuck`)."""
    wait = min(timedelta(minutes=1) * 2 ** (delivery.attempts - 1), LONGEST_WAIT)
    state = "stuck" if delivery.attempts >= MOST_ATTEMPTS else "waiting"
    values = {"due": now + wait, "lease_until": None, "state": state, "last_error": error_code[:10]}
    tx.conn.execute(update(OUTBOX).where(OUTBOX.c.id == delivery.id).values(values))


def settle(tx: Tx, run: str) -> None:
    """Removes what is settled; the audit keeps what happened."""
    tx.conn.execute(delete(OUTBOX).where(OUTBOX.c.run == run))


def waiting(tx: Tx) -> tuple[Delivery, ...]:
    """Everything not settled, stuck or not, oldest first: what `ivig-fhir deliver` lists."""
    query = select(OUTBOX, RUNS.c.iss, RUNS.c.tenant).join(RUNS, RUNS.c.run == OUTBOX.c.run).order_by(OUTBOX.c.due, OUTBOX.c.id)
    found = tx.conn.execute(query)
    return tuple(Delivery(row.id, row.run, Tenancy(row.iss, row.tenant), row.kind, row.attempts, row.state) for row in found)
