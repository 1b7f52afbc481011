"""The prescriber's side: what became of the orders that one person began, and which of them wait for that person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ivig_fhir.errors import FhirError
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.smart.scopes import allowed
from ivig_fhir.store import orders, proposals, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.workflow.read_ehr import read_patient
from ivig_fhir.workflow.runtime import Runtime

# States in which nothing happens before the prescriber does something, the most pressing first; then what waits for somebody else.
WAITING = ("queried", "incomplete", "uncertain", "approved", "on-hold", "rejected", "proposed")
_OTHERS = ("sent", "verified")
_NOT_VERIFIED = ("proposed", "approved", "uncertain", "incomplete", "sent", "queried")
_ENDED = ("cancelled", "verified", "completed", "stopped", "entered-in-error", "rejected")
_MOST = 100


@dataclass(frozen=True)
class Mine:
    """One order of the person who is signed in: the run, what was approved of it, when its first infusion is to begin (None: not chosen).

    `old` a draft that nobody touched for longer than the site's limit; `late` the first infusion is near or past, and nobody has verified
    it; `waits` for this person. `patient_name` is "" for an order of the patient who is open.
    """

    run: Run
    order: Order | None
    start: datetime | None
    old: bool
    late: bool
    waits: bool
    patient_name: str = ""

    @property
    def word(self) -> Mapping[str, Any]:
        """The last word that somebody said on it; empty where there is none."""
        return json.loads(self.order.verification) if self.order and self.order.verification else {}


def my_orders(runtime: Runtime, session: sessions.Session) -> tuple[Mine, ...]:
    """The orders that this person began for the patient who is open, what waits for the person first.

    Where nobody is proven there are none: an order without a person is nobody's.
    """
    return tuple(m for m in _mine(runtime, session) if m.run.patient == session.context.patient)


def elsewhere(runtime: Runtime, session: sessions.Session) -> tuple[Mine, ...]:
    """The person's open orders of other patients, with their names; none where no scope reaches beyond the patient of the launch."""
    if allowed(session.context.scope, "Patient", "read", "user").answer != "yes":
        return ()
    others = [m for m in _mine(runtime, session) if m.run.patient != session.context.patient and m.run.state not in _ENDED]
    return tuple(replace(m, patient_name=_name(runtime, session, m.run.patient)) for m in others)


def _name(runtime: Runtime, session: sessions.Session, patient: str) -> str:
    try:
        return read_patient(runtime, session, f"Patient/{patient}").name or "Patient without a name"
    except FhirError:
        return "Patient whose name could not be read"


def _mine(runtime: Runtime, session: sessions.Session) -> list[Mine]:
    """All that this person touched; a draft that was only opened is nothing yet."""
    found = _kept(runtime, session)
    begun = {run.patient: max(r.created for r, _ in found if r.patient == run.patient) for run, _ in found}
    made = [_looked_at(runtime, run, order, begun[run.patient] > run.changed) for run, order in found]
    return sorted(made, key=lambda m: (_rank(m.run.state), -m.run.changed.timestamp()))


def _kept(runtime: Runtime, session: sessions.Session) -> list[tuple[Run, Order | None]]:
    who, found = session.context.user, list[tuple[Run, Order | None]]()
    if not who:
        return found
    with runtime.database.read() as tx:
        for run in proposals.of_user(tx, session.context.tenancy, who, _MOST):
            if run.state != "proposed":
                found.append((run, orders.load(tx, session.context.tenancy, run.run)))
            elif run.version > 1:
                found.append((run, None))
    return found


def _rank(state: str) -> int:
    order = (*WAITING, *_OTHERS)
    return order.index(state) if state in order else len(order)


def _looked_at(runtime: Runtime, run: Run, order: Order | None, followed: bool) -> Mine:
    """`followed`: this person began another order for the patient since; a rejected one then waits no more."""
    now, limits = runtime.now(), runtime.settings
    start = _start(run, order, runtime)
    soon = start is not None and start <= now + timedelta(hours=limits.start_hours)
    old = run.state == "proposed" and run.changed <= now - timedelta(hours=limits.draft_hours)
    waits = run.state in WAITING and not (run.state == "rejected" and followed)
    return Mine(run, order, start, old, soon and run.state in _NOT_VERIFIED, waits)


def _start(run: Run, order: Order | None, runtime: Runtime) -> datetime | None:
    """When the first infusion is to begin: of what was approved, else of what was chosen; a bare day is the site's hour of start."""
    kept: Mapping[str, Any] = json.loads(order.body) if order else decode(run.selections)
    zone = runtime.site.timezone
    time = parse_time(kept.get("start") or min((str(d) for d in kept.get("dates") or []), default=None), zone)
    if time is None:
        return None
    begins = time.earliest if "T" in time.text else datetime.combine(time.earliest.date(), runtime.site.infusion_start, zone)
    return begins.astimezone(zone)
