"""Step 5, verify: one order with a second calculation, and the decision written where the order is."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.modes import WriteMode
from ivig_fhir.ehr.search import search
from ivig_fhir.errors import EhrUnavailable, IvigError, NotFound, ResourceGone, SeveralAnchors, StateError
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.identifiers import URI, run_of
from ivig_fhir.fhir.reading import identifiers, reference, reference_key
from ivig_fhir.order.approval import Clinician, Refusal
from ivig_fhir.order.bundle import TASK, checked
from ivig_fhir.order.companions import follow
from ivig_fhir.order.course_writes import HOLD
from ivig_fhir.order.decision import Act, Reason, Stored, decision_transaction
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.order.recompute import Approved, recompute, tables_of
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import Transaction, from_json, without_types
from ivig_fhir.order.verification import Review, Verification, decide, requester_of, verify
from ivig_fhir.order.wording import wording
from ivig_fhir.proposal.context import GROUP, MAIN
from ivig_fhir.store import orders, proposals, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.workflow.altered import alterations
from ivig_fhir.workflow.claim import claim_on, other_worker
from ivig_fhir.workflow.companions import read_companions
from ivig_fhir.workflow.open_chart import chart_from_answers
from ivig_fhir.workflow.read_ehr import read_answers
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.same_person import identified
from ivig_fhir.workflow.settle import send_decision, settle
from ivig_fhir.workflow.since_approval import since_approval

_ANOTHER_PATIENT = "What the EHR holds under this order's number is for another patient than the order was approved for."
_ANOTHER_RUN = "What the EHR holds under this order's number is not this order: somebody changed what it belongs to."
_BY_HAND = "Nothing was changed. Have it looked at and entered in error in the EHR; nobody may give it."


@dataclass(frozen=True)
class Case:
    """One order before the pharmacist: what the EHR holds, what was approved, the chart, the review that a decision names."""

    run: Run
    approved: Order
    review: Review
    chart: ChartSnapshot


def open_case(runtime: Runtime, session: sessions.Session, run_id: str) -> Case:
    """One order with everything that a pharmacist needs: read from the EHR now, recalculated from what is stored there.

    A decision whose answer was lost is looked for first. OutcomeUnknown while nobody can say what became of it.
    """
    settle(runtime, session, run_id)
    with runtime.database.read() as tx:
        run = proposals.load(tx, session.context.tenancy, run_id)
        order = orders.load(tx, session.context.tenancy, run_id)
    client = runtime.client(session)
    stored = read_stored(client, run_id, order, runtime.decision_mode(session).updates)
    patient = reference(stored.order, "subject").removeprefix("Patient/")
    answers = read_answers(runtime, session, patient)
    record = [answers.patient, *(r for a in answers.by_type.values() for r in a.resources)]
    replaced = {"replaces": f"urn:uuid:{run.replaces}"} if run.replaces else {}
    approved = Approved(decode(order.body), decode(run.selections) | replaced)
    unread = tuple(t for t, answer in answers.by_type.items() if not answer.complete)
    lines = recompute(stored.order, record, tables_of(runtime.content, runtime.site), runtime.now(), approved, unread)
    lines = (*lines, wording(stored.order)) if lines else ()
    receipt = Receipt.from_json(json.loads(order.receipt)) if order.receipt else None
    changed, lacking = alterations(order, stored.order), receipt is None or receipt.incomplete
    signers = tuple(identified(client, who) for who in (signer(order), requester_of(stored.order)))
    chart = chart_from_answers(answers, runtime.content, runtime.now(), runtime.site)
    new = since_approval(runtime, run, order, chart, lines)
    review = Review(OrderState(order.state), stored, signers, lines, lacking, changed.unsigned, changed.other, new)
    return Case(run, order, review, chart)


def read_stored(client: FhirClient, run_id: str, order: Order, writable: Collection[str] | None = None) -> Stored:
    """The order, its group and its tasks as the EHR holds them now.

    `writable` are the types of its companions that may be changed; None where nothing is to be known of them.

    Errors: NotFound when the order is not there; FhirError when one of them could not be read: what is not seen is not taken for absent,
    or a decision would pass it by; SeveralAnchors when somebody copied the order; StateError when the order lost its identifier, or what
    carries it is another patient's, or no part of the run.
    """
    urn = f"urn:uuid:{run_id}"
    found = search(client, "MedicationRequest", [("identifier", f"{URI}|{urn}")], fresh=True)
    mine = [r for r in found.matches.values() if f"{URI}|{urn}" in identifiers(r)]
    if found.problem and not mine:
        raise found.error or EhrUnavailable("order of this run")
    if not mine:
        raise _unfound(client, order)
    if len(mine) > 1:
        raise SeveralAnchors(f"{len(mine)} orders of one run")
    if reference_key(reference(mine[0], "subject")) != f"Patient/{order.patient}":
        raise StateError("order of another patient", said=_ANOTHER_PATIENT, remedy=_BY_HAND)
    if run_of(dict(mine[0])) != urn:
        raise StateError("order of another run", said=_ANOTHER_RUN, remedy=_BY_HAND)
    receipt = Receipt.from_json(json.loads(order.receipt)) if order.receipt else None
    companions = read_companions(client, order, writable) if writable is not None else ()
    beside = {role: _part(client, receipt, role) for role in (GROUP, TASK)}
    gone = tuple(r for r, held in beside.items() if held is None and receipt and (p := receipt.part(r)) and p.reference)
    return Stored(dict(mine[0]), beside[GROUP], beside[TASK], _hold(client, order), companions, gone)


def _unfound(client: FhirClient, order: Order) -> IvigError:
    """What it is that no order of this number is found: it is gone, or it stands where it was stored, without its number."""
    receipt = Receipt.from_json(json.loads(order.receipt)) if order.receipt else None
    held, main = _part(client, receipt, MAIN), receipt.part(MAIN) if receipt else None
    if main is None or held is None or f"{URI}|urn:uuid:{order.run}" in identifiers(held):
        return NotFound("order of this run", said="The EHR does not show this order any more.")
    said = f"The EHR holds this order as {main.reference} without the number by which it is found: nothing can be decided on it here."
    return StateError("order without its number", said=said, remedy=_BY_HAND)


def _hold(client: FhirClient, order: Order) -> dict[str, Any] | None:
    """The task that says that the order is suspended, where the last word on it was a hold."""
    word_on_it = json.loads(order.verification) if order.verification else {}
    where = (word_on_it.get("stored") or {}).get(HOLD)
    return _read(client, where) if order.state == OrderState.ON_HOLD and where else None


def _part(client: FhirClient, receipt: Receipt | None, role: str) -> dict[str, Any] | None:
    part = receipt.part(role) if receipt else None
    return _read(client, part.reference) if part is not None and part.reference else None


def _read(client: FhirClient, where: str) -> dict[str, Any] | None:
    try:
        return dict(client.read(where, fresh=True).body)
    except ResourceGone:
        return None


def approved_order(order: Order) -> dict[str, Any]:
    """The MedicationRequest exactly as it was approved."""
    main = from_json(decode(order.transaction)).entry(MAIN)
    return {} if main is None else main.resource


def signer(order: Order) -> Clinician:
    """Who approved the order, as it was kept."""
    return Clinician.from_json(json.loads(order.approval)["who"])


def decide_order(
    runtime: Runtime,
    session: sessions.Session,
    run_id: str,
    decision: OrderState,
    digest: str,
    reason: Mapping[str, str] | None,
    change: Mapping[str, Any] | None = None,
    unread: Mapping[str, str] | None = None,
) -> tuple[Refusal, ...]:
    """Verifies, queries or rejects the order whose digest was on screen, in the EHR and with us; or every reason against it.

    The order is read and recalculated again first. A verification names the page's digest, or that of the approved proposal, which
    is the one that a script is promised, as long as nothing stands otherwise in the EHR; a question or a rejection may. `change` is the
    order that a question proposes instead, `unread` what a verification says of each part that could not be read, by its type.
    Written with If-Match; ChangedInEhr when somebody was faster.
    """
    case = open_case(runtime, session, run_id)
    who, now = clinician(session), runtime.now()
    other = other_worker(claim_on(runtime, run_id, case.review.stored.task), who)
    if other is not None:
        return (Refusal("claimed", f"{other.display or 'Somebody else'} works on this order. Take it over first, or leave it to them."),)
    known = dict(runtime.content.constants["pharmacist_reasons"])
    seen = case.review.digest if digest == case.approved.digest and not case.review.beside else digest
    if reason is None:
        made = verify(case.review, seen, case.review.stored, who, now, unread)
    else:
        given = Reason(reason.get("code", ""), known.get(reason.get("code", ""), ""), reason.get("note", "").strip())
        made = decide(decision, given, known, case.review, seen or case.review.digest, case.review.stored, who, now, change)
    if not isinstance(made, Verification):
        return made
    notes = tuple(f"{u.type} could not be read. {u.note}" for u in made.unread)
    act = Act(decision, who, now, case.review.digest, runtime.canonical, runtime.version, made.reason, notes=notes)
    mode = runtime.decision_mode(session)
    if not mode.writes:
        return (Refusal("ehr", mode.reason),)
    writes, left = checked(decision_transaction(case.review.stored, act)), follow(case.review.stored.companions, decision).left
    send_decision(runtime, session, case.approved, made, _possible(writes, mode), left)
    return ()


def _possible(made: Transaction, mode: WriteMode) -> Transaction:
    """The decision without the Provenance where the EHR takes none; our own audit keeps who decided in any case."""
    return without_types(made, mode.abilities.creates)
