"""Orders: what was approved, byte for byte, and what became of it; one claim to write, one state column to move it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, or_, select, update

from ivig_fhir.errors import Conflict, NotFound, StateError
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit, claims, flights, kept_charts, outbox, proposals, screens
from ivig_fhir.store.database import Tx
from ivig_fhir.store.proposals import DECIDED, Run, in_tenancy
from ivig_fhir.store.tables import ORDERS, RUNS

# Longer than a write may take with all its timeouts: until then nobody looks for the order, for it may still be on its way.
LEASE = timedelta(seconds=120)
ON_ITS_WAY = "Another order of immunoglobulin for this patient is approved and on its way to the EHR. Open that one first."
_AT_ONCE = 500
_TEXTS = ("approval", "body", "transaction", "receipt", "resources", "verification", "decision")


@dataclass(frozen=True, slots=True)
class Order:
    """An approved order. `digest` is what the approval names; `body` the approved proposal, exactly; `approval`, `transaction` (what
    is sent), `receipt` and `verification` are JSON text, empty until there is one; `resources` the references the EHR gave. `decision`
    is a pharmacist's decision while its fate in the EHR is open. `patient` is the id of whose it is, `replaces` the run of the order whose
    place it takes.
    """

    run: str
    state: str
    digest: str
    approved_by: str
    approved_at: datetime
    body_digest: str
    transaction_digest: str = ""
    lease_until: datetime | None = None
    approval: str = field(default="", repr=False)
    body: str = field(default="", repr=False)
    transaction: str = field(default="", repr=False)
    receipt: str = field(default="", repr=False)
    verification: str = field(default="", repr=False)
    decision: str = field(default="", repr=False)
    resources: tuple[str, ...] = ()
    patient: str = ""
    replaces: str = ""


def text_digest(text: str) -> str:
    """`sha256:…` of a text, of its UTF-8 bytes."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8")).hexdigest()


def approve(
    tx: Tx, run: Run, digest: str, body: str, transaction: str, approval: str, by: str, now: datetime, to_send: bool = False
) -> Order:
    """Keeps an approval of the run that was read: who, when, of which digest, with the proposal and the transaction as text.

    An order that is `to_send` is in the outbox from the same transaction on, so that it is sent even if this process dies now.
    Errors: Conflict if the run changed since it was read or is no draft any more, or if another order of this patient is on its way;
    then nothing is kept.
    """
    moved = update(RUNS).where(RUNS.c.run == run.run, RUNS.c.state == "proposed", RUNS.c.version == run.version)
    if tx.conn.execute(moved.values(state="approved", changed=now, version=RUNS.c.version + 1)).rowcount != 1:
        raise Conflict("approve: run changed since it was read")
    tx.conn.execute(delete(ORDERS).where(ORDERS.c.run == run.run))  # an approval that never left, and was revised
    texts = {"approval": approval, "body": body, "transaction": transaction}
    tx.conn.execute(
        insert(ORDERS).values(
            run=run.run,
            digest=digest,
            approved_by=by,
            approved_at=now,
            body_digest=text_digest(body),
            transaction_digest=text_digest(transaction) if transaction else None,
            **_sealed(tx, run.run, texts),
        )
    )
    if to_send:
        if not flights.take(tx, run.run):
            raise Conflict("approve: another order of this patient is on its way", said=ON_ITS_WAY)
        outbox.put(tx, run.run, "send", now + LEASE)  # the request that approves has the first try
    audit.append(tx, now, by, run.tenancy.iss, "order.approved", run.run, digest)
    return load(tx, run.tenancy, run.run)


def load(tx: Tx, tenancy: Tenancy, run: str) -> Order:
    """The order of a run of this tenancy. Raises NotFound where nothing was approved."""
    joined = select(ORDERS, RUNS.c.state, RUNS.c.patient, RUNS.c.replaces).join(RUNS, RUNS.c.run == ORDERS.c.run)
    row = tx.conn.execute(joined.where(ORDERS.c.run == run, in_tenancy(tenancy))).mappings().first()
    if row is None:
        raise NotFound("no order for this run")
    texts: dict[str, Any] = {
        name: tx.ring.open(row[f"sealed_{name}"], place(run, name)) if row[f"sealed_{name}"] else "" for name in _TEXTS
    }
    resources = tuple(json.loads(texts.pop("resources") or "[]"))
    plain: dict[str, Any] = {
        name: row[name]
        for name in ("run", "state", "digest", "approved_by", "approved_at", "body_digest", "lease_until", "patient", "replaces")
    }
    return Order(**plain, transaction_digest=row["transaction_digest"] or "", resources=resources, **texts)


def bodies(tx: Tx, tenancy: Tenancy, runs: Sequence[str]) -> dict[str, str]:
    """What was approved, of many orders of this tenancy at once: the body of each run, as JSON text."""
    found: dict[str, str] = {}
    for at in range(0, len(runs), _AT_ONCE):
        some = select(ORDERS.c.run, ORDERS.c.sealed_body).join(RUNS, RUNS.c.run == ORDERS.c.run)
        for row in tx.conn.execute(some.where(ORDERS.c.run.in_(runs[at : at + _AT_ONCE]), in_tenancy(tenancy))):
            found[row.run] = tx.ring.open(row.sealed_body, place(row.run, "body"))
    return found


def claim_for_write(tx: Tx, run: str, by: str, now: datetime, lease: timedelta = LEASE) -> bool:
    """Takes the right to send an approved order; False for everyone after the first, so a double click sends one, and while another
    order of the same patient is on its way.

    From here on its fate is uncertain until an answer settles it; should this process die, the outbox looks for it after the lease.
    Commit before sending.
    """
    if not flights.take(tx, run) or not proposals.move(tx, run, ("approved",), "uncertain", now):
        return False
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(lease_until=now + lease))
    outbox.turn(tx, run, "send", "reconcile", now + lease)
    audit.append(tx, now, by, _tenancy(tx, run).iss, "order.sending", run)
    return True


def claim_for_reconcile(tx: Tx, run: str, by: str, now: datetime, lease: timedelta = LEASE) -> bool:
    """Takes the right to look for an order of uncertain fate, once the write's own lease is over; False while somebody has it."""
    return _claim(tx, run, "uncertain", by, now, lease)


def claim_for_completion(tx: Tx, run: str, by: str, now: datetime, lease: timedelta = LEASE) -> bool:
    """Takes the right to send what an incomplete order lacks; False while somebody has it, so that two of them double nothing."""
    return _claim(tx, run, "incomplete", by, now, lease)


def _claim(tx: Tx, run: str, state: str, by: str, now: datetime, lease: timedelta) -> bool:
    free = or_(ORDERS.c.lease_until.is_(None), ORDERS.c.lease_until <= now)
    mine = select(RUNS.c.run).where(RUNS.c.run == run, RUNS.c.state == state).scalar_subquery()
    if tx.conn.execute(update(ORDERS).where(ORDERS.c.run == mine, free).values(lease_until=now + lease)).rowcount != 1:
        return False
    audit.append(tx, now, by, _tenancy(tx, run).iss, "order.reconciling" if state == "uncertain" else "order.completing", run)
    return True


def end_claim(tx: Tx, run: str) -> None:
    """Gives a claim back where nothing is of unknown fate."""
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(lease_until=None))


def keep_claim(tx: Tx, run: str, now: datetime, lease: timedelta = LEASE) -> None:
    """Makes a claim last while its writes go on, one after another: nobody looks for what is still on its way."""
    held = update(ORDERS).where(ORDERS.c.run == run, ORDERS.c.lease_until.is_not(None))
    if tx.conn.execute(held.values(lease_until=now + lease)).rowcount == 1:
        outbox.postpone(tx, run, now + lease)


def release(tx: Tx, run: str, now: datetime, kind: str = "reconcile") -> None:
    """Gives a claim back while the fate stays uncertain, so that the next look need not wait for the lease.

    Nothing is on its way any more: whoever orders for this patient is told that one may be in the EHR, and is not kept from it.
    """
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(lease_until=None))
    flights.land(tx, run)
    outbox.put(tx, run, kind, now)
    audit.append(tx, now, "", _tenancy(tx, run).iss, "order.unanswered", run, note=kind)


def record_write(
    tx: Tx, run: str, to: str, receipt: str, resources: Iterable[str], by: str, now: datetime, transaction: str = "", note: str = ""
) -> Order:
    """Settles a write that the EHR answered: `sent`, or `incomplete` where it lost something.

    `transaction` replaces the text where something else was sent than was prepared (the sequential path). `note` is for the audit:
    the kinds of what was lost. Errors: StateError.
    """
    if not proposals.move(tx, run, ("approved", "uncertain", "sent", "incomplete", "queried"), to, now):
        raise StateError("write of an order that is not under way")
    texts = {"receipt": receipt, "resources": json.dumps(sorted(resources)), **({"transaction": transaction} if transaction else {})}
    values: dict[str, Any] = {"lease_until": None, **_sealed(tx, run, texts)}
    if transaction:
        values["transaction_digest"] = text_digest(transaction)
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(values))
    outbox.settle(tx, run)
    flights.land(tx, run)
    tenancy = _tenancy(tx, run)
    audit.append(tx, now, by, tenancy.iss, f"order.{to}", run, text_digest(receipt), note)
    return load(tx, tenancy, run)


def record_unsent(tx: Tx, run: str, by: str, now: datetime, note: str = "", again: bool = True) -> None:
    """Settles a write that certainly stored nothing (refused, or looked for and not found): approved again, free to send.

    Where sending it `again` can help it waits in the outbox; else a person has to look at it first.
    """
    if not proposals.move(tx, run, ("uncertain",), "approved", now):
        raise StateError("unsent: the order is not uncertain")
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(lease_until=None))
    outbox.turn(tx, run, "reconcile", "send", now)
    if not again or not flights.take(tx, run):
        leave(tx, run, "stuck", note)
    audit.append(tx, now, by, _tenancy(tx, run).iss, "order.unsent", run, note=note)


def leave(tx: Tx, run: str, state: str, note: str) -> None:
    """Leaves an approved order that is not in the EHR to a person: it is not sent by itself any more, and keeps no other one waiting."""
    outbox.give_up(tx, run, "send", state, note)
    flights.land(tx, run)


def hold_decision(tx: Tx, run: str, expected: Collection[str], decision: str, by: str, now: datetime, lease: timedelta = LEASE) -> bool:
    """Keeps a decision before it is sent, so that it is found again should its answer get lost; False while another is under way.

    Commit before sending.
    """
    mine = select(RUNS.c.run).where(RUNS.c.run == run, RUNS.c.state.in_(tuple(expected))).scalar_subquery()
    held = update(ORDERS).where(ORDERS.c.run == mine, ORDERS.c.sealed_decision.is_(None))
    if tx.conn.execute(held.values(lease_until=now + lease, **_sealed(tx, run, {"decision": decision}))).rowcount != 1:
        return False
    outbox.put(tx, run, "decision", now + lease)
    audit.append(tx, now, by, _tenancy(tx, run).iss, "order.deciding", run, text_digest(decision))
    return True


def drop_decision(tx: Tx, run: str, now: datetime) -> None:
    """Forgets a decision that certainly is not in the EHR; the order stands as it stood."""
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(sealed_decision=None, lease_until=None))
    outbox.settle(tx, run)
    audit.append(tx, now, "", _tenancy(tx, run).iss, "order.undecided", run)


def claim_decision(tx: Tx, run: str, now: datetime, lease: timedelta = LEASE) -> bool:
    """Takes the right to look for a decision of open fate; False while somebody sends it or looks for it."""
    free = or_(ORDERS.c.lease_until.is_(None), ORDERS.c.lease_until <= now)
    held = update(ORDERS).where(ORDERS.c.run == run, ORDERS.c.sealed_decision.is_not(None), free)
    return tx.conn.execute(held.values(lease_until=now + lease)).rowcount == 1


def undecided(tx: Tx, tenancy: Tenancy, now: datetime) -> tuple[str, ...]:
    """The runs of one tenancy with a decision of open fate that nobody is sending at this moment."""
    free = or_(ORDERS.c.lease_until.is_(None), ORDERS.c.lease_until <= now)
    found = (
        select(ORDERS.c.run).join(RUNS, RUNS.c.run == ORDERS.c.run).where(in_tenancy(tenancy), ORDERS.c.sealed_decision.is_not(None), free)
    )
    return tuple(tx.conn.execute(found.order_by(ORDERS.c.run)).scalars())


def record_decision(tx: Tx, run: str, expected: Collection[str], to: str, verification: str, by: str, now: datetime) -> Order:
    """Keeps somebody's word on a written order: `queried`, `sent` again, `verified`, `rejected`, `cancelled`, and what came after.

    Errors: Conflict if it is in none of the expected states, because somebody else decided.
    """
    if not proposals.move(tx, run, expected, to, now):
        raise Conflict(f"decision {to}: state differs", said="Somebody else has decided on this order meanwhile.")
    kept = _sealed(tx, run, {"verification": verification}) if verification else {}
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(sealed_decision=None, lease_until=None, **kept))
    if to in DECIDED:
        kept_charts.forget(tx, run)
        claims.forget(tx, run)
        screens.forget(tx, run)
    outbox.settle(tx, run)
    tenancy = _tenancy(tx, run)
    audit.append(tx, now, by, tenancy.iss, f"order.{to}", run, text_digest(verification) if verification else "")
    return load(tx, tenancy, run)


def _tenancy(tx: Tx, run: str) -> Tenancy:
    row = tx.conn.execute(select(RUNS.c.iss, RUNS.c.tenant).where(RUNS.c.run == run)).first()
    if row is None:
        raise NotFound("no such run")
    return Tenancy(row.iss, row.tenant)


def _sealed(tx: Tx, run: str, texts: dict[str, str]) -> dict[str, str]:
    return {f"sealed_{name}": tx.ring.seal(text, place(run, name)) for name, text in texts.items() if text}


def place(run: str, column: str) -> str:
    """Where a text of an order stands, which its seal is bound to."""
    return f"orders|{run}|{column}"
