"""Step 3, approve: a prescriber signs exactly what was on screen, after the record was read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from ivig_fhir.chart.keeping import to_json as chart_to_json
from ivig_fhir.errors import Conflict, NotAllowed
from ivig_fhir.fhir.building import encode
from ivig_fhir.order.approval import Approval, Refusal, approve, changed_facts
from ivig_fhir.order.bundle import Abilities, checked, tolerance_of, transaction
from ivig_fhir.order.transaction import to_json
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.context import OrderContext, proposal_context
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenOverride
from ivig_fhir.store import kept_charts, orders, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.displace import prior_order, refuse_unreplaceable
from ivig_fhir.workflow.propose import Page, drafted, open_page, remember, reread
from ivig_fhir.workflow.runtime import Runtime, clinician

_OTHER_WAY = "What is stored in the EHR is not what this page said when you opened it."


def approve_order(
    runtime: Runtime, session: sessions.Session, run_id: str, digest: str, overrides: Sequence[ChosenOverride], shown: str = ""
) -> tuple[Refusal, ...]:
    """Signs the proposal whose digest was on screen, or says every reason against it; empty when it is signed.

    The chart is read again first: if anything that the dose or a finding stood on changed, nothing is signed and the page shows the
    record as it is now. `shown` is the way of writing that the page named; where it is another one by now, nothing is signed either.
    What will be written is built and passes both gates before the approval is kept, in one commit with its audit row and, where the
    EHR takes orders, its place in the outbox. Errors: Conflict, GateRefused.
    """
    how = runtime.mode(session)
    if shown and shown != how.mode:
        return (Refusal("mode", f"{_OTHER_WAY} {how.reason} Read what is stored where, then approve."),)
    page = open_page(runtime, session, run_id)
    refuse_unreplaceable(runtime, session, page.run)
    proposal = drafted(page)
    now_read = reread(runtime, session, page)
    changed = changed_facts(proposal.used, drafted(now_read).used)
    who, now = clinician(session), runtime.now()
    outcome = approve(proposal, digest, overrides, who, now, runtime.content, runtime.settings.environment, runtime.site, changed)
    if changed:
        remember(runtime, session, now_read)
    if not isinstance(outcome, Approval):
        return outcome
    made = _transaction(runtime, session, page, proposal, outcome)
    with runtime.database.write() as tx:
        body = _text(answer(replace(proposal, overrides=outcome.overrides)))
        orders.approve(tx, page.run, digest, body, made, _approval(outcome, how.mode), who.reference, now, to_send=how.writes)
        kept_charts.keep(tx, page.run.run, _text(chart_to_json(page.reading.answers, page.reading.at)))
    return ()


def refuse(refusals: Sequence[Refusal]) -> None:
    """Raises what a refusal means where there is no page to show it on."""
    if not refusals:
        return
    said = " ".join(dict.fromkeys(r.said for r in refusals))
    if {r.code for r in refusals} & {"role", "identity", "signer"}:
        raise NotAllowed("refused", said=said)
    raise Conflict("refused: " + ", ".join(sorted({r.code for r in refusals})), said=said)


def _transaction(runtime: Runtime, session: sessions.Session, page: Page, proposal: Proposal, approval: Approval) -> str:
    """What will be written, as text, gated. Where the EHR takes no orders the whole is kept all the same: it is handed over as text."""
    mode = runtime.mode(session)
    context = _frame(runtime, session, page, proposal)
    made = transaction(proposal, approval, runtime.content, context, mode.abilities if mode.writes else Abilities())
    checked(made, tolerance_of(proposal), proposal.dose.course_g if proposal.dose else None)
    return _text(to_json(made))


def _frame(runtime: Runtime, session: sessions.Session, page: Page, proposal: Proposal) -> OrderContext:
    """The order's frame: encounter of the launch, active coverage, and the diagnosis as the record codes it."""
    coverage = tuple(p.source.reference for p in page.chart.papers if p.type == "Coverage" and p.status == "active")
    reason = next(
        (dict(r).get("code") for r in page.chart.resources("Condition") if f"Condition/{r.get('id')}" == proposal.condition), None
    )
    encounter = f"Encounter/{session.context.encounter}" if session.context.encounter else None
    frame = proposal_context(proposal, runtime.canonical, runtime.version)
    return replace(frame, encounter=encounter, coverage=coverage, reason=reason, prior=prior_order(runtime, session, page.run))


def by_hand(order: Order) -> bool:
    """Whether the order was approved to be entered by hand: the app never sends such a one, for it may be in the EHR already."""
    return json.loads(order.approval).get("mode") in ("hand-off", "read-only")


def _approval(approval: Approval, mode: str) -> str:
    """The signature as it is kept, with the way of writing that the signer saw."""
    made: dict[str, Any] = asdict(approval) | {"mode": mode}
    made["who"] = approval.who.to_json()
    made["at"] = approval.at.isoformat()
    return _text(made)


def _text(data: Any) -> str:
    return encode(data).decode("utf-8")
