"""Dispenses: vials with their lots that left the pharmacy for one infusion; one that broke a condition waits to be reconciled."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from ivig_fhir.errors import Conflict, NotFound
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit
from ivig_fhir.store.database import Tx
from ivig_fhir.store.proposals import in_tenancy
from ivig_fhir.store.tables import DISPENSES, RUNS


@dataclass(frozen=True, slots=True)
class Dispense:
    """Vials for the infusion of one day. `number` counts the dispenses of that day, `broken` names the conditions that did not hold.

    `vials` and `reason` are JSON text; `reconciliation` is what was found out later, "" until then.
    """

    id: str
    run: str
    infusion: str
    number: int
    at: datetime
    by: str
    broken: tuple[str, ...]
    vials: str = field(repr=False)
    reason: str = field(default="", repr=False)
    reconciled_by: str = ""
    reconciled_at: datetime | None = None
    reconciliation: str = field(default="", repr=False)


def put(tx: Tx, tenancy: Tenancy, made: Dispense) -> None:
    """Keeps a dispense. Conflict where the same one was kept at this moment: two people, or one who pressed twice."""
    values: dict[str, Any] = {name: getattr(made, name) for name in ("id", "run", "infusion", "number", "at", "by")}
    sealed = {"sealed_vials": _seal(tx, made.id, "vials", made.vials)}
    if made.reason:
        sealed["sealed_reason"] = _seal(tx, made.id, "reason", made.reason)
    try:
        tx.conn.execute(insert(DISPENSES).values(**values, broken=" ".join(made.broken), **sealed))
    except IntegrityError as error:
        raise Conflict("dispensed at the same moment", said="Vials for this infusion were dispensed at this moment already.") from error
    what = "order.dispensed-with-reason" if made.broken else "order.dispensed"
    audit.append(tx, made.at, made.by, tenancy.iss, what, made.run, note=" ".join(made.broken))


def of_run(tx: Tx, run: str) -> tuple[Dispense, ...]:
    """Every dispense for one order, in the order in which they were made."""
    found = tx.conn.execute(select(DISPENSES).where(DISPENSES.c.run == run).order_by(DISPENSES.c.at, DISPENSES.c.id))
    return tuple(_dispense(tx, row) for row in found)


def of_others(tx: Tx, tenancy: Tenancy, patient: str, run: str) -> tuple[Dispense, ...]:
    """Every dispense for the other orders of one patient of this tenancy."""
    joined = select(DISPENSES).join(RUNS, RUNS.c.run == DISPENSES.c.run)
    whose = in_tenancy(tenancy) & (RUNS.c.patient == patient) & (RUNS.c.run != run)
    return tuple(_dispense(tx, row) for row in tx.conn.execute(joined.where(whose).order_by(DISPENSES.c.at, DISPENSES.c.id)))


def discrepancies(tx: Tx, tenancy: Tenancy, everything: bool = False) -> tuple[Dispense, ...]:
    """The dispenses of a tenancy that broke a condition, oldest first: those to reconcile, or `everything`."""
    joined = select(DISPENSES).join(RUNS, RUNS.c.run == DISPENSES.c.run).where(in_tenancy(tenancy), DISPENSES.c.broken != "")
    wanted = joined if everything else joined.where(DISPENSES.c.reconciled_at.is_(None))
    return tuple(_dispense(tx, row) for row in tx.conn.execute(wanted.order_by(DISPENSES.c.at, DISPENSES.c.id)))


def load(tx: Tx, tenancy: Tenancy, id_: str) -> Dispense:
    """One dispense. NotFound for one of another tenancy."""
    joined = select(DISPENSES).join(RUNS, RUNS.c.run == DISPENSES.c.run).where(DISPENSES.c.id == id_, in_tenancy(tenancy))
    row = tx.conn.execute(joined).first()
    if row is None:
        raise NotFound("no such dispense")
    return _dispense(tx, row)


def reconcile(tx: Tx, tenancy: Tenancy, id_: str, note: str, by: str, now: datetime) -> None:
    """Closes a discrepancy with what was found out. NotFound for one of another tenancy, Conflict when it is closed already."""
    run = load(tx, tenancy, id_).run
    values = {"reconciled_by": by, "reconciled_at": now, "sealed_reconciliation": _seal(tx, id_, "reconciliation", note)}
    open_ = update(DISPENSES).where(DISPENSES.c.id == id_, DISPENSES.c.broken != "", DISPENSES.c.reconciled_at.is_(None))
    if tx.conn.execute(open_.values(values)).rowcount != 1:
        raise Conflict("reconciled already", said="This discrepancy is reconciled already, or is none.")
    audit.append(tx, now, by, tenancy.iss, "order.reconciled", run)


def _dispense(tx: Tx, row: Row[Any]) -> Dispense:
    def opened(name: str) -> str:
        sealed = row._mapping[f"sealed_{name}"]
        return tx.ring.open(sealed, _place(row.id, name)) if sealed else ""

    return Dispense(
        row.id,
        row.run,
        row.infusion,
        row.number,
        row.at,
        row.by,
        tuple(row.broken.split()),
        opened("vials"),
        opened("reason"),
        row.reconciled_by or "",
        row.reconciled_at,
        opened("reconciliation"),
    )


def _seal(tx: Tx, id_: str, column: str, text: str) -> str:
    return tx.ring.seal(text, _place(id_, column))


def _place(id_: str, column: str) -> str:
    return f"dispenses|{id_}|{column}"
