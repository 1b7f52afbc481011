"""Claims: which pharmacist works on which order; one at a time, whether the EHR can hold a task or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from ivig_fhir.errors import Conflict
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit
from ivig_fhir.store.database import Tx
from ivig_fhir.store.proposals import DECIDED, in_tenancy
from ivig_fhir.store.tables import CLAIMS, RUNS

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """Who works on an order, since when; `status` is accepted or in-progress, as in a task."""

    run: str
    by: str
    display: str
    status: str
    since: datetime


def take(tx: Tx, tenancy: Tenancy, claim: Claim, over: bool = False) -> None:
    """Keeps the claim. Conflict while another person has one, unless it is taken `over`; the table holds one a run, whoever is first."""
    before = of(tx, claim.run)
    values = {"by": claim.by, "display": claim.display, "status": claim.status, "since": claim.since}
    if before is None:
        try:
            tx.conn.execute(insert(CLAIMS).values(run=claim.run, **values))
        except IntegrityError as error:
            raise Conflict("claimed at the same moment", said="Somebody else took this order at this moment.") from error
    else:
        mine = CLAIMS.c.by.in_((before.by,) if over else (claim.by,))
        if tx.conn.execute(update(CLAIMS).where(CLAIMS.c.run == claim.run, mine).values(values)).rowcount != 1:
            raise Conflict("claimed by somebody else", said=f"{before.display or 'Somebody else'} works on this order.")
    taken_over = before is not None and before.by != claim.by
    what = "order.taken-over" if taken_over else "order.started" if claim.status == "in-progress" else "order.claimed"
    audit.append(tx, claim.since, claim.by, tenancy.iss, what, claim.run)


def drop(tx: Tx, tenancy: Tenancy, run: str, by: str, now: datetime) -> None:
    """Hands an order back; nothing happens where the person has no claim on it."""
    if tx.conn.execute(delete(CLAIMS).where(CLAIMS.c.run == run, CLAIMS.c.by == by)).rowcount:
        audit.append(tx, now, by, tenancy.iss, "order.released", run)


def restore(tx: Tx, tenancy: Tenancy, made: Claim, before: Claim | None, now: datetime) -> None:
    """Puts a claim back as it was, because the EHR did not take the new one."""
    tx.conn.execute(delete(CLAIMS).where(CLAIMS.c.run == made.run, CLAIMS.c.by == made.by))
    if before is not None and of(tx, made.run) is None:  # somebody else may have taken it meanwhile
        values = {"by": before.by, "display": before.display, "status": before.status, "since": before.since}
        tx.conn.execute(insert(CLAIMS).values(run=made.run, **values))
    audit.append(tx, now, made.by, tenancy.iss, "order.released", made.run, note="the EHR did not take the claim")


def forget(tx: Tx, run: str) -> None:
    """Drops the claim on an order that is decided; the audit keeps who worked on it."""
    tx.conn.execute(delete(CLAIMS).where(CLAIMS.c.run == run))


def of(tx: Tx, run: str) -> Claim | None:
    """The claim on one order."""
    return of_runs(tx, (run,)).get(run)


def of_runs(tx: Tx, runs: Iterable[str]) -> Mapping[str, Claim]:
    """The claims on these orders."""
    wanted, found = list(runs), {}
    for at in range(0, len(wanted), _AT_ONCE):
        for row in tx.conn.execute(select(CLAIMS).where(CLAIMS.c.run.in_(wanted[at : at + _AT_ONCE]))):
            found[row.run] = Claim(row.run, row.by, row.display, row.status, row.since)
    return found


def states(tx: Tx, tenancy: Tenancy, open_only: bool) -> Mapping[str, str]:
    """The state of every approved run of one tenancy, or only of those that nobody has decided."""
    decided = RUNS.c.state.notin_(DECIDED) if open_only else RUNS.c.state.is_not(None)
    found = (
        select(RUNS.c.run, RUNS.c.state)
        .where(in_tenancy(tenancy), RUNS.c.state != "proposed", decided)
        .order_by(RUNS.c.created, RUNS.c.run)
    )
    return {row.run: row.state for row in tx.conn.execute(found)}
