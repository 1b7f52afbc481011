"""The outbox: what must still be settled with an EHR, claimed by one worker at a time and never lost with a process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Update, delete, insert, or_, select, update

from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import OUTBOX, RUNS

LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 8
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to settle: which run, of whom, of what kind, the how-manieth attempt this is, and how it stands.

    kind: `send` (an approved order that has not left), `reconcile` (one of unknown fate), `decision` (a word on one, of unknown fate).
    state: `waiting`; `stuck` (it failed for good or too often) and `expired` (too late to be sent unread), which wait for a person.
    `error` is the code of the last failure, or `no-token` where nobody may settle it at the moment.
    """

    id: int
    run: str
    tenancy: Tenancy
    kind: str
    attempts: int
    state: str = "waiting"
    patient: str = ""
    due: datetime | None = None
    error: str = ""


def put(tx: Tx, run: str, kind: str, due: datetime) -> None:
    """Notes that something must be settled, in the transaction that made it necessary; once for a run and kind, its attempts kept."""
    values = {"due": due, "lease_until": None, "state": "waiting", "last_error": None}
    if tx.conn.execute(update(OUTBOX).where(OUTBOX.c.run == run, OUTBOX.c.kind == kind).values(values)).rowcount == 0:
        tx.conn.execute(insert(OUTBOX).values(run=run, kind=kind, attempts=0, **values))


def postpone(tx: Tx, run: str, due: datetime) -> None:
    """Lets what waits for a run wait until `due`: whoever writes it is still at work."""
    tx.conn.execute(update(OUTBOX).where(OUTBOX.c.run == run, OUTBOX.c.state == "waiting").values(due=due))


def turn(tx: Tx, run: str, before: str, kind: str, due: datetime) -> None:
    """Makes what was of one kind of another, its attempts kept: an order that was sent is looked for, one that is not there is sent."""
    tx.conn.execute(delete(OUTBOX).where(OUTBOX.c.run == run, OUTBOX.c.kind == kind))
    tx.conn.execute(update(OUTBOX).where(OUTBOX.c.run == run, OUTBOX.c.kind == before).values(kind=kind))
    put(tx, run, kind, due)


def claim(tx: Tx, now: datetime, lease: timedelta = LEASE) -> Delivery | None:
    """The next thing that is due and that nobody has, leased to the caller; one that a dead worker held comes back after its lease."""
    free = or_(OUTBOX.c.lease_until.is_(None), OUTBOX.c.lease_until <= now)
    due = select(OUTBOX.c.id).where(OUTBOX.c.state == "waiting", OUTBOX.c.due <= now, free).order_by(OUTBOX.c.due, OUTBOX.c.id).limit(1)
    taken = update(OUTBOX).where(OUTBOX.c.id == due.with_for_update(skip_locked=True).scalar_subquery())
    row = tx.conn.execute(taken.values(lease_until=now + lease, attempts=OUTBOX.c.attempts + 1).returning(OUTBOX)).first()
    if row is None:
        return None
    at = tx.conn.execute(select(RUNS.c.iss, RUNS.c.tenant, RUNS.c.patient).where(RUNS.c.run == row.run)).one()
    return _delivery(row, at)


def later(tx: Tx, delivery: Delivery, now: datetime, error_code: str) -> None:
    """Puts a failed attempt back with a wait that doubles, to an hour; after eight it waits for a person (`stuck`)."""
    wait = min(timedelta(minutes=1) * 2 ** (delivery.attempts - 1), LONGEST_WAIT)
    state = "stuck" if delivery.attempts >= MOST_ATTEMPTS else "waiting"
    values = {"due": now + wait, "lease_until": None, "state": state, "last_error": error_code[:10]}
    tx.conn.execute(_still(delivery).values(values))


def wait(tx: Tx, delivery: Delivery, due: datetime, reason: str) -> None:
    """Puts back what nobody could try at all, until `due`: it is no failed attempt."""
    values = {"due": due, "lease_until": None, "attempts": max(delivery.attempts - 1, 0), "last_error": reason[:10]}
    tx.conn.execute(_still(delivery).values(values))


def find(tx: Tx, delivery: Delivery) -> Delivery | None:
    """The same thing as it stands now; None once it is settled."""
    return next((d for d in waiting(tx) if d.id == delivery.id), None)


def stands(tx: Tx, run: str, kind: str) -> str:
    """How one thing of a run stands; "" where there is nothing to settle."""
    return tx.conn.execute(select(OUTBOX.c.state).where(OUTBOX.c.run == run, OUTBOX.c.kind == kind)).scalar_one_or_none() or ""


def _still(delivery: Delivery) -> Update:
    """Of what waits; what was left to a person meanwhile stays with them."""
    return update(OUTBOX).where(OUTBOX.c.id == delivery.id, OUTBOX.c.state == "waiting")


def give_up(tx: Tx, run: str, kind: str, state: str, reason: str) -> None:
    """Leaves something to a person, `stuck` or `expired`: it is not tried again by itself."""
    values = {"lease_until": None, "state": state, "last_error": reason[:10]}
    tx.conn.execute(update(OUTBOX).where(OUTBOX.c.run == run, OUTBOX.c.kind == kind).values(values))


def settle(tx: Tx, run: str) -> None:
    """Removes what is settled; the audit keeps what happened."""
    tx.conn.execute(delete(OUTBOX).where(OUTBOX.c.run == run))


def waiting(tx: Tx, tenancy: Tenancy | None = None, patient: str | None = None) -> tuple[Delivery, ...]:
    """Everything not settled, stuck or not, oldest first; of one tenancy, and of one patient, where they are named."""
    query = select(OUTBOX, RUNS.c.iss, RUNS.c.tenant, RUNS.c.patient).join(RUNS, RUNS.c.run == OUTBOX.c.run)
    if tenancy is not None:
        query = query.where(RUNS.c.iss == tenancy.iss, RUNS.c.tenant == tenancy.tenant)
    if patient is not None:
        query = query.where(RUNS.c.patient == patient)
    return tuple(_delivery(row, row) for row in tx.conn.execute(query.order_by(OUTBOX.c.due, OUTBOX.c.id)))


def _delivery(row: Any, at: Any) -> Delivery:
    """A row of the outbox, and of whom it is."""
    tenancy = Tenancy(at.iss, at.tenant)
    return Delivery(row.id, row.run, tenancy, row.kind, row.attempts, row.state, at.patient, row.due, row.last_error or "")
