"""Runs: one order each from its first draft on, outliving the session; what was chosen, by whom, for which patient."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update

from ivig_fhir.errors import Conflict, NotFound, StateError
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit, flights, kept_charts, outbox
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import RUNS

_PLAIN = ("run", "patient", "user", "state", "created", "changed", "version", "replaces")
# Nothing is left to verify: what happens after it is the course of the order.
DECIDED = ("verified", "rejected", "cancelled", "on-hold", "stopped", "completed", "entered-in-error")
OPEN = ("proposed", "approved", "uncertain", "incomplete", "queried", "on-hold")


@dataclass(frozen=True, slots=True)
class Run:
    """One order: whose, in which state, and what was chosen (JSON text, as given). `weight` is the actual weight it was computed on.

    `version` counts the changes: who saves what they read names it, and two tabs never overwrite each other. `replaces` is the run whose
    order this one takes the place of, "" for an order of its own.
    """

    run: str
    tenancy: Tenancy
    patient: str
    user: str
    state: str
    created: datetime
    changed: datetime
    version: int
    selections: str = field(default="{}", repr=False)
    overrides: str = field(default="[]", repr=False)
    weight: str = field(default="", repr=False)
    replaces: str = ""


def start(tx: Tx, run: str, tenancy: Tenancy, patient: str, user: str, now: datetime, selections: str = "{}", replaces: str = "") -> Run:
    """Begins a run as a draft. `run` is a UUID that the caller drew; `user` the fhirUser, empty where nobody is proven."""
    whose = {"run": run, "iss": tenancy.iss, "tenant": tenancy.tenant, "patient": patient, "user": user}
    values = {**whose, "state": "proposed", "created": now, "changed": now, "version": 1, "replaces": replaces}
    sealed = {"sealed_selections": _seal(tx, run, "selections", selections), "sealed_overrides": _seal(tx, run, "overrides", "[]")}
    tx.conn.execute(insert(RUNS).values(**values, **sealed))
    audit.append(tx, now, user, tenancy.iss, "run.started", run)
    return load(tx, tenancy, run)


def load(tx: Tx, tenancy: Tenancy, run: str, patient: str | None = None) -> Run:
    """One run of this tenancy, and of this patient where one is named. Raises NotFound, also for a run of another patient."""
    row = tx.conn.execute(select(RUNS).where(RUNS.c.run == run, in_tenancy(tenancy))).first()
    if row is None or (patient is not None and row.patient != patient):
        raise NotFound("no such run")
    return _run(tx, row)


def open_runs(tx: Tx, tenancy: Tenancy, patient: str, user: str) -> tuple[Run, ...]:
    """The runs that a launch by this user for this patient offers again, newest first: everything that waits for its prescriber.

    The draft of a change is offered by the order that it would replace.
    """
    whose = in_tenancy(tenancy) & (RUNS.c.patient == patient) & (RUNS.c.user == user)
    own = (RUNS.c.replaces == "") | (RUNS.c.state != "proposed")
    found = tx.conn.execute(select(RUNS).where(whose, own, RUNS.c.state.in_(OPEN)).order_by(RUNS.c.changed.desc(), RUNS.c.run))
    return tuple(_run(tx, row) for row in found)


def in_state(tx: Tx, tenancy: Tenancy, states: Collection[str]) -> tuple[Run, ...]:
    """The runs of one tenancy in these states, oldest first: the worklist where the EHR can hold no Task."""
    query = select(RUNS).where(in_tenancy(tenancy), RUNS.c.state.in_(states)).order_by(RUNS.c.created, RUNS.c.run)
    return tuple(_run(tx, row) for row in tx.conn.execute(query))


def save(tx: Tx, run: Run, selections: str, overrides: str, weight: str, now: datetime, by: str = "", what: str = "") -> Run:
    """Keeps what was chosen in the run that was read. It is a draft again; an approval that never left is void.

    `by` is who changed it, where it is another person than the one who began it; `what` names the choices that changed, for the audit.

    Errors: Conflict if it changed since it was read, StateError once it may have reached the EHR.
    """
    if run.state not in ("proposed", "approved"):
        raise StateError(f"save in state {run.state}")
    changed = (
        update(RUNS)
        .where(RUNS.c.run == run.run, RUNS.c.version == run.version, RUNS.c.state == run.state)
        .values(
            state="proposed",
            changed=now,
            version=RUNS.c.version + 1,
            sealed_selections=_seal(tx, run.run, "selections", selections),
            sealed_overrides=_seal(tx, run.run, "overrides", overrides),
            sealed_weight=_seal(tx, run.run, "weight", weight) if weight else None,
        )
    )
    if tx.conn.execute(changed).rowcount != 1:
        raise Conflict("run changed since it was read")
    signed = run.state == "approved"
    if signed:
        kept_charts.forget(tx, run.run)
        outbox.settle(tx, run.run)
        flights.land(tx, run.run)
    audit.append(tx, now, by or run.user, run.tenancy.iss, "order.revised" if signed else "order.changed", run.run, note=what)
    return load(tx, run.tenancy, run.run)


def move(tx: Tx, run: str, expected: Collection[str], to: str, now: datetime) -> bool:
    """Moves a run to a state if it is in one of the expected ones, in one statement; whether it was.

    Which moves there are is the core's table of states, not known here.
    """
    moved = update(RUNS).where(RUNS.c.run == run, RUNS.c.state.in_(expected))
    return tx.conn.execute(moved.values(state=to, changed=now, version=RUNS.c.version + 1)).rowcount == 1


def touch(tx: Tx, run: str, now: datetime) -> bool:
    """Counts a change of a run that stays as it is, which makes others wait who would change it; whether there is such a run."""
    touched = update(RUNS).where(RUNS.c.run == run)
    return tx.conn.execute(touched.values(changed=now, version=RUNS.c.version + 1)).rowcount == 1


def of_user(tx: Tx, tenancy: Tenancy, user: str, at_most: int) -> tuple[Run, ...]:
    """The newest runs that a person began in one tenancy, whoever the patient is, the one changed last first."""
    whose = in_tenancy(tenancy) & (RUNS.c.user == user)
    found = tx.conn.execute(select(RUNS).where(whose).order_by(RUNS.c.changed.desc(), RUNS.c.run).limit(at_most))
    return tuple(_run(tx, row) for row in found)


def in_tenancy(tenancy: Tenancy) -> ColumnElement[bool]:
    """The condition on runs that every search for one begins with: the same EHR, and the same tenant of it."""
    return (RUNS.c.iss == tenancy.iss) & (RUNS.c.tenant == tenancy.tenant)


def _run(tx: Tx, row: Row[Any]) -> Run:
    fields: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    opened: dict[str, Any] = {}
    for name in ("selections", "overrides", "weight"):
        sealed = row._mapping[f"sealed_{name}"]
        opened[name] = tx.ring.open(sealed, _place(row.run, name)) if sealed else ""
    return Run(tenancy=Tenancy(row.iss, row.tenant), **fields, **opened)


def _seal(tx: Tx, run: str, column: str, text: str) -> str:
    return tx.ring.seal(text, _place(run, column))


def _place(run: str, column: str) -> str:
    return f"runs|{run}|{column}"
