"""Deliver: what the outbox holds is settled by whoever may: a prescriber's launch, a token that still lives, or the app by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from ivig_fhir.errors import Conflict, FhirError, IvigError, LaunchError, SealBroken, SettingsError, StateError, TokenRejected
from ivig_fhir.smart.backend import AppBearer
from ivig_fhir.store import orders, outbox, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.store.outbox import Delivery
from ivig_fhir.workflow.access import Access, app_access, session_access
from ivig_fhir.workflow.runtime import Runtime, verdict
from ivig_fhir.workflow.settle import settle_decision
from ivig_fhir.workflow.write_back import look, send

LOOKS_AGAIN = timedelta(minutes=1)
Outcome = Literal["settled", "waiting", "later", "stuck", "expired"]
# Not that something failed, but that this way in was none: the next one is tried.
_NO_WAY_IN = (TokenRejected, LaunchError)
# A sign-in service that is away, or a key that is missing, says nothing of the order: it is no failed attempt.
_NO_TRY = (LaunchError, SettingsError)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one thing of the outbox, and the state of its order now.

    outcome: settled; waiting (for a token, or for the request that is at it); later (it failed and is tried again); stuck and expired
    (a person has to look at it). `by` is the way in, "" where there was none; `said` the reason, for people.
    """

    item: Delivery
    outcome: Outcome
    state: str
    by: str = ""
    said: str = ""


def app_bearers(runtime: Runtime) -> Mapping[str, AppBearer]:
    """The app's own bearers, by the EHRs whose entries name a backend client; nothing is asked for yet."""
    listed = runtime.smart.issuers.entries
    return {i.iss: AppBearer(runtime.smart, i, i.backend, runtime.now) for i in listed if i.backend is not None}


def deliver_due(runtime: Runtime, bearers: Mapping[str, AppBearer]) -> Iterator[Delivered]:
    """Settles everything that is due, one after the other, each in commits of its own; what fails is put off, so that this ends."""
    while True:
        with runtime.database.write() as tx:
            item = outbox.claim(tx, runtime.now())
        if item is None:
            return
        yield _deliver(runtime, item, ways_in(runtime, item, bearers))


def ways_in(runtime: Runtime, item: Delivery, bearers: Mapping[str, AppBearer]) -> Iterator[Access]:
    """Every access by which this may be settled, one after the other: living sessions first, then the app by itself.

    An order is sent and looked for by the session of any prescriber who has this patient's chart open; a decision is looked for by that
    of a pharmacist too. The app by itself needs a grant to write orders, for this very tenant. An order that takes the place of another
    one waits for its prescriber: it ends the other in their name.
    """
    if item.kind == "send" and _order(runtime, item).replaces:
        return
    with runtime.database.read() as tx:
        alive = sessions.living(tx, item.tenancy, item.patient, runtime.now(), runtime.limits)
    for session in alive:
        if may_settle(session, item):
            try:
                held = runtime.renewal.renewed(session)
            except (LaunchError, FhirError):
                continue
            access = session_access(runtime, held, f"ivig-fhir deliver for {held.context.user}")
            if _enough(access, item):
                yield access
    bearer = bearers.get(item.tenancy.iss)
    if bearer is not None:
        access = app_access(runtime, runtime.issuer(item.tenancy.iss), bearer)
        if access.tenancy == item.tenancy and _enough(access, item):
            yield access


def may_settle(session: sessions.Session, item: Delivery) -> bool:
    """Whether whoever is signed in may settle this: a proven prescriber of the patient; of a decision, a pharmacist as well."""
    context, ask = session.context, verdict(session)
    if context.tenancy != item.tenancy or not context.user or ask("MedicationRequest", "r") == "no":
        return False
    prescriber = session.role == "prescriber" and context.patient == item.patient
    return prescriber or (item.kind == "decision" and session.role == "pharmacist")


def settle_one(runtime: Runtime, access: Access, item: Delivery) -> str:
    """Looks for what is of unknown fate, sends what is not there and may still be sent; the order's state then.

    Errors: those of `look`, `send` and `settle_decision`.
    """
    order = _order(runtime, item)
    if item.kind == "decision" and order.decision:
        settle_decision(runtime, access, item.run)
    elif item.kind != "decision" and order.state == "uncertain":
        if look(runtime, access, order) == "approved":
            send(runtime, access, _order(runtime, item))
    elif item.kind != "decision" and order.state == "approved":
        send(runtime, access, order)
    else:  # there is nothing to settle any more
        with runtime.database.write() as tx:
            outbox.settle(tx, item.run)
    return _order(runtime, item).state


def _deliver(runtime: Runtime, item: Delivery, ways: Iterator[Access]) -> Delivered:
    """One thing, by the first way in that is one."""
    error: IvigError | None = None
    by = ""
    try:
        for access in ways:
            by = access.by
            try:
                settle_one(runtime, access, item)
                error = None
                break
            except _NO_WAY_IN as refused:
                error = refused
    except (FhirError, LaunchError, SettingsError, Conflict) as failed:
        error = failed
    except (StateError, SealBroken) as broken:
        with runtime.database.write() as tx:
            outbox.give_up(tx, item.run, item.kind, "stuck", broken.code)
        error = broken
    return _noted(runtime, item, by, error)


def _noted(runtime: Runtime, item: Delivery, by: str, error: IvigError | None) -> Delivered:
    """Puts back what is not settled: without a failed attempt where nobody could try, or where somebody else is at it."""
    now = runtime.now()
    with runtime.database.write() as tx:
        if error is not None and not isinstance(error, _NO_TRY):
            outbox.later(tx, item, now, error.code)
        else:
            outbox.wait(tx, item, now + LOOKS_AGAIN, error.code if error else "" if by else "no-token")
        left = outbox.find(tx, item)
    state = _order(runtime, item).state
    if left is None:
        return Delivered(item, "settled", state, by)
    if left.state != "waiting":
        return Delivered(left, "stuck" if left.state == "stuck" else "expired", state, by, error.message if error else "")
    said = error.message if error else "Somebody else is at it." if by else "It waits for somebody who may send it."
    return Delivered(left, "later" if error and not isinstance(error, _NO_TRY) else "waiting", state, by, said)


def _order(runtime: Runtime, item: Delivery) -> Order:
    with runtime.database.read() as tx:
        return orders.load(tx, item.tenancy, item.run)


def _enough(access: Access, item: Delivery) -> bool:
    """Whether this access can do it at all."""
    return item.kind == "decision" or access.mode().writes
