"""Step 5 before the decision: a pharmacist claims an order, with us and on its task in the EHR, so that no two work on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ivig_fhir.ehr.update import update
from ivig_fhir.errors import Conflict, FhirError, NotAllowed, OutcomeUnknown, StateError
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.bundle import TASK
from ivig_fhir.order.claim import Step, claimed_task, holder
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.store import claims, orders, sessions
from ivig_fhir.store.claims import Claim
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import DECIDED
from ivig_fhir.workflow.runtime import Runtime, clinician, granted

_STATUS = {Step.CLAIM: "accepted", Step.START: "in-progress", Step.TAKE_OVER: "in-progress"}


def claim_order(runtime: Runtime, session: sessions.Session, run: str, step: Step) -> None:
    """Does the step with us first, which only one person can, then on the task; what the EHR refuses is undone with us.

    Errors: Conflict, also ChangedInEhr, when somebody else works on the order or was faster; StateError once it is decided; NotAllowed
    for a person whom the EHR did not prove.
    """
    who, now = clinician(session), runtime.now()
    if not who.proven:
        raise NotAllowed("claim unproven", said="The EHR did not prove who is signed in, so nothing can be claimed.")
    with runtime.database.read() as tx:
        order = orders.load(tx, session.context.tenancy, run)
    if order.state in DECIDED:
        raise StateError(f"{step} of {order.state}", said="This order is decided; there is nothing to work on.")
    if step is Step.RELEASE:
        _on_task(runtime, session, order, step, who)
        with runtime.database.write() as tx:
            claims.drop(tx, session.context.tenancy, run, who.person, now)
        return
    made = Claim(run, who.person, who.display, _STATUS[step], now)
    with runtime.database.write() as tx:
        before = claims.of(tx, run)
        claims.take(tx, session.context.tenancy, made, over=step is Step.TAKE_OVER)
    try:
        _on_task(runtime, session, order, step, who)
    except (FhirError, Conflict, StateError):
        with runtime.database.write() as tx:
            claims.restore(tx, session.context.tenancy, made, before, runtime.now())
        raise


def claim_on(runtime: Runtime, run: str, task: Mapping[str, Any] | None) -> Claim | None:
    """Who works on an order: by our own claim, else by the owner of the EHR's task, who may work with another app."""
    with runtime.database.read() as tx:
        claim = claims.of(tx, run)
    worker = holder(task) if claim is None and task is not None else None
    if worker is None or task is None:
        return claim
    since = parse_time(task.get("lastModified"))
    return Claim(run, worker.reference, worker.display, str(task.get("status")), since.earliest if since else runtime.now())


def other_worker(claim: Claim | None, who: Clinician) -> Claim | None:
    """The claim, if it is another person's; that forbids to decide on the order."""
    return None if claim is None or who.is_same(Clinician(claim.by, claim.display, frozenset())) else claim


def _on_task(runtime: Runtime, session: sessions.Session, order: Order, step: Step, who: Clinician) -> None:
    """The same on the EHR's task, where there is one that this session may change; an unknown outcome shows at the next look."""
    part = Receipt.from_json(json.loads(order.receipt)).part(TASK) if order.receipt else None
    if part is None or not part.reference or granted(session, "Task", "u").answer != "yes":
        return
    with suppress(OutcomeUnknown):
        update(runtime.client(session), part.reference, lambda task: claimed_task(task, step, who, runtime.now()))
