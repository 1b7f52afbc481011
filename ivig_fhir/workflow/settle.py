"""Step 5 again: a decision on an order is kept, sent once, and looked for when its answer was lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ivig_fhir.ehr.reconcile import Written
from ivig_fhir.ehr.write import complete, find_out, write
from ivig_fhir.errors import ChangedInEhr, Conflict, FhirError, LaunchError, OutcomeUnknown
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.companions import Left, unfollowed
from ivig_fhir.order.course import Step
from ivig_fhir.order.receipt import ALREADY, STORED
from ivig_fhir.order.reply import Reply
from ivig_fhir.order.states import Event
from ivig_fhir.order.transaction import Transaction, from_json, to_json
from ivig_fhir.order.verification import Verification
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import orders, rechecks, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.access import Access, session_access
from ivig_fhir.workflow.lease import going_on
from ivig_fhir.workflow.open_server import introduce
from ivig_fhir.workflow.runtime import Runtime

_THERE = (STORED, ALREADY)


def send_decision(
    runtime: Runtime,
    session: sessions.Session,
    order: Order,
    made: Verification | Reply | Step,
    writes: Transaction,
    left: Sequence[Left] = (),
) -> None:
    """Keeps a decision, a reply or a step of a running order, sends it, and records it once the EHR holds it.

    `left` are the companions that are known not to follow.

    Errors: Conflict while another decision is under way; OutcomeUnknown when the answer was lost, and then `settle` finds out; any other
    FhirError when nothing was stored. What the EHR does not hold after a lost answer is kept until somebody looks again: it may be slow
    on its way, and would stand in the EHR with nobody here who knew of it.
    """
    held = held_text(order, made, writes, left)
    with runtime.database.write() as tx:
        if not orders.hold_decision(tx, order.run, (order.state,), held, made.who.reference, runtime.now()):
            raise Conflict("a decision is under way", said="Another decision on this order is under way.")
    try:
        introduce(runtime, session)
        written = write(runtime.client(session), writes, runtime.decision_mode(session), going_on(runtime, order.run))
    except OutcomeUnknown:
        _release(runtime, order.run)
        raise
    except FhirError:
        _drop(runtime, order.run)
        raise
    if written.outcome == "not-sent":
        _release(runtime, order.run)
        said = "The EHR did not answer and does not hold the decision, unless it still arrives."
        raise OutcomeUnknown("decision not found", said=said, remedy="Open the order again: it says what became of the decision.")
    _record(runtime, session.context.tenancy, order.run, decode(held), written)


def held_text(order: Order, made: Verification | Reply | Step, writes: Transaction, left: Sequence[Left] = ()) -> str:
    """What is kept of a decision while its fate is open: the decision, from which state, by whom, and what is sent."""
    word = _after(order) | made.to_json() | {"companions": [x.to_json() for x in left]}
    return _text({"decision": word, "from": order.state, "by": made.who.reference, "transaction": to_json(writes)})


def settle(runtime: Runtime, session: sessions.Session, run: str) -> None:
    """Finds out what became of a decision whose answer was lost, if there is one. Errors: those of `settle_decision`."""
    settle_decision(runtime, session_access(runtime, session), run)


def settle_decision(runtime: Runtime, access: Access, run: str) -> None:
    """The same by any access: the decision is recorded where the EHR holds it, or forgotten.

    Where the EHR holds the order as it was decided and not all that goes with it, what is missing is sent, if this access may.
    OutcomeUnknown while it still cannot be said.
    """
    with runtime.database.read() as tx:
        order = orders.load(tx, access.tenancy, run)
    if not order.decision:
        return
    with runtime.database.write() as tx:
        order = orders.load(tx, access.tenancy, run)
        if not orders.claim_decision(tx, run, runtime.now()):
            return
    held = decode(order.decision)
    try:
        written = _found(runtime, access, run, from_json(held["transaction"]))
    except ChangedInEhr:  # somebody else's version stands there: this decision was not stored, and what is there decides
        _drop(runtime, run)
        return
    except (FhirError, LaunchError):
        with runtime.database.write() as tx:
            orders.end_claim(tx, run)
        raise
    if written.outcome == "not-sent":
        _drop(runtime, run)
    else:
        _record(runtime, access.tenancy, run, held, written)


def _found(runtime: Runtime, access: Access, run: str, writes: Transaction) -> Written:
    how = access.decisions()
    written = find_out(access.client, writes, how)
    if written.outcome == "not-sent" or all(p.state in _THERE for p in written.parts):
        return written
    if not how.writes:  # somebody who may sends what is missing; until then nothing is called done
        raise OutcomeUnknown("a decision in part", said="The EHR holds a decision on this order only in part.")
    return complete(access.client, writes, written.parts, going_on(runtime, run))


def settle_all(runtime: Runtime, session: sessions.Session) -> None:
    """Settles every decision of open fate at this EHR and tenant, as far as it can be found out now; the rest stays in the outbox."""
    with runtime.database.read() as tx:
        runs = orders.undecided(tx, session.context.tenancy, runtime.now())
    for run in runs:
        try:
            settle(runtime, session, run)
        except FhirError:
            continue


def _record(runtime: Runtime, tenancy: Tenancy, run: str, held: dict[str, Any], written: Written) -> None:
    """The decision as it was made, with the parts that the EHR does not hold, and where it holds the others."""
    stored = {p.role: p.reference for p in written.parts if p.reference}
    beside = {e.role: e for e in from_json(held["transaction"]).entries if e.beside}
    lost = [p for p in written.parts if p.state not in _THERE]
    left = [*(held["decision"].get("companions") or ()), *(unfollowed(beside[p.role], p.said).to_json() for p in lost if p.role in beside)]
    made = held["decision"] | {
        "not_stored": [p.role for p in lost if p.role not in beside],
        "stored": {role: where for role, where in stored.items() if role not in beside},
        "companions": left,
        "versions": {p.role: p.version for p in written.parts if p.role in beside and p.reference},
    }
    now = runtime.now()
    with runtime.database.write() as tx:
        orders.record_decision(tx, run, (held["from"],), made["decision"], _text(made), held["by"], now)
        if made.get("event") == Event.RESUME:  # in one commit: an order that goes on is not held by an earlier look
            said = _text({"note": "", "display": made["who"]["display"]})
            rechecks.clear(tx, run, held["by"], now, said, tenancy.iss)


def _release(runtime: Runtime, run: str) -> None:
    with runtime.database.write() as tx:
        orders.release(tx, run, runtime.now(), kind="decision")


def _after(order: Order) -> dict[str, Any]:
    """What was said on the order before, which stays with the new word: a question is not lost when it is answered and decided."""
    return {"asked": decode(order.verification)} if order.verification else {}


def _drop(runtime: Runtime, run: str) -> None:
    with runtime.database.write() as tx:
        orders.drop_decision(tx, run, runtime.now())


def _text(data: Any) -> str:
    return encode(data).decode("utf-8")
