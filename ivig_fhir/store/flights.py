"""Flights: at most one approved order of a patient is on its way to the EHR; the table's unique keys say so, not a count."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import FLIGHTS, RUNS


def take(tx: Tx, run: str) -> bool:
    """Notes that the order of a run is on its way; False while another order of the same patient is. One that is noted stays so.

    Two that come at one moment meet in the unique key of patient, tenant and EHR: the second waits for the first, and is refused.
    """
    whose = tx.conn.execute(select(RUNS.c.run, RUNS.c.iss, RUNS.c.tenant, RUNS.c.patient).where(RUNS.c.run == run)).mappings().one()
    try:
        with tx.conn.begin_nested():
            tx.conn.execute(insert(FLIGHTS).values(whose))
            return True
    except IntegrityError:
        return tx.conn.execute(select(FLIGHTS.c.run).where(FLIGHTS.c.run == run)).first() is not None


def land(tx: Tx, run: str) -> None:
    """The order of a run is no longer on its way: stored, void, or waiting for a person."""
    tx.conn.execute(delete(FLIGHTS).where(FLIGHTS.c.run == run))


def aloft(tx: Tx, tenancy: Tenancy, patient: str) -> str | None:
    """The run whose order is on its way for this patient, if there is one."""
    whose = (FLIGHTS.c.iss == tenancy.iss) & (FLIGHTS.c.tenant == tenancy.tenant) & (FLIGHTS.c.patient == patient)
    return tx.conn.execute(select(FLIGHTS.c.run).where(whose)).scalar_one_or_none()
