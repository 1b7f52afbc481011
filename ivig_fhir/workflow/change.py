"""Step 5, a change: the pharmacist works out another order; the prescriber approves it with one action, or keeps the old one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivig_fhir.errors import NotFound, SelectionError, StateError
from ivig_fhir.fhir import identifiers
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.approval import Refusal
from ivig_fhir.order.states import Event, OrderState, allows
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.compare_products import ProductRow, compare_products
from ivig_fhir.proposal.differences import rows
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import ChosenOverride, parse_selections
from ivig_fhir.proposal.selections_json import as_json, as_ordered
from ivig_fhir.store import orders, proposals, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.approve import approve_order
from ivig_fhir.workflow.propose import Page, drafted, open_page
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.verify import Case, decide_order, open_case

KINDS = {"product": "another product", "rounding": "another rounding", "start": "another start or other days"}
Rows = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Tried:
    """A change as it was worked out on the record of now: its kind, the choices, the proposal, and what differs (what, before, now)."""

    kind: str
    chosen: Mapping[str, Any]
    proposal: Proposal
    rows: Rows


@dataclass(frozen=True)
class Replacement:
    """The order with the change that a pharmacist proposed, and the page of the order that would take its place.

    `rows` is the difference as it is now; `moved` whether it is another one than the pharmacist saw.
    """

    order: Order
    change: Mapping[str, Any]
    page: Page
    rows: Rows

    @property
    def moved(self) -> bool:
        """Whether the record or the content changed since the pharmacist worked it out."""
        return [list(r) for r in self.rows] != [list(r) for r in self.change["rows"]]


def products_for(runtime: Runtime, case: Case) -> tuple[ProductRow, ...]:
    """Every product for this order on the record of now, with what speaks against each."""
    selections = parse_selections(_base(case))
    return compare_products(case.chart, selections, runtime.content, case.chart.now, runtime.site)


def try_change(runtime: Runtime, case: Case, asked: Mapping[str, str]) -> Tried:
    """The order with one thing changed, by the same calculation that made it. SelectionError for what cannot be used or is no change."""
    chosen = _chosen(runtime, case, asked)
    made = propose(case.chart, parse_selections(chosen), runtime.content, case.chart.now, runtime.site)
    found = rows(json.loads(case.approved.body), _plain(made), _titles(runtime))
    if not found:
        raise SelectionError(said="This is the order as it is: nothing would change.")
    if made.outcome != "proposed":
        raise SelectionError(said="With this change there is no order to approve: " + " ".join(f.message for f in made.hard_stops))
    if made.start.date() < case.chart.now.astimezone(runtime.site.timezone).date():
        raise SelectionError(said="The first day of this order is past: give the changed order another one.")
    return Tried(asked["kind"], {k: v for k, v in chosen.items() if k not in ("run", "replaces")}, made, found)


def propose_change(
    runtime: Runtime, session: sessions.Session, run_id: str, asked: Mapping[str, str], digest: str, reason: Mapping[str, str]
) -> tuple[Refusal, ...]:
    """Sends the change to the prescriber: the order is queried with it, and stays a draft. Empty when done, else every reason against it.

    The change is worked out again on the record of now; errors as `decide_order` and `try_change`.
    """
    tried = try_change(runtime, open_case(runtime, session, run_id), asked)
    change = {"kind": tried.kind, "chosen": tried.chosen, "digest": tried.proposal.digest, "rows": [list(r) for r in tried.rows]}
    return decide_order(runtime, session, run_id, OrderState.QUERIED, digest, reason, change)


def _base(case: Case) -> dict[str, Any]:
    """The choices of the approved order, its reasons too; meant for the run that would replace it."""
    kept, urn = json.loads(case.approved.body), f"urn:uuid:{case.run.run}"
    chosen = as_ordered(decode(case.run.selections), kept)
    return {**chosen, "overrides": kept["overrides"], "run": identifiers.derived(urn, "change"), "replaces": urn}


def _chosen(runtime: Runtime, case: Case, asked: Mapping[str, str]) -> dict[str, Any]:
    """The choices with the change; other days may go with another product or rounding, as when the first day is past."""
    base, kind = _base(case), asked.get("kind", "")
    if kind not in KINDS:
        raise SelectionError(said=f"A change is one of: {', '.join(KINDS.values())}.")
    if kind == "product":
        row = next((r for r in products_for(runtime, case) if r.product.id == asked.get("product") and not r.chosen), None)
        if row is None or row.proposal is None:
            raise SelectionError(said="This product cannot be ordered here.")
        base = as_json(row.proposal.selections)
    if kind == "rounding":
        base["rounding"] = {"increments_g": [s.strip() for s in asked.get("increments_g", "").split(",") if s.strip()]}
    return _moved(base, asked) if kind == "start" or asked.get("start") or asked.get("dates") else base


def _moved(base: dict[str, Any], asked: Mapping[str, str]) -> dict[str, Any]:
    """Other days: one by one, or from another first day on."""
    days = [d.strip() for d in asked.get("dates", "").split(",") if d.strip()]
    start = asked.get("start", "").strip()
    if bool(days) == bool(start):
        raise SelectionError(said="Type the first day, or every day one by one.")
    if days:
        return {**base, "dates": days, "days": None, "start": None}
    return {**base, "start": start, "dates": None}


def _titles(runtime: Runtime) -> dict[str, str]:
    return {id_: title for _, id_, title in runtime.content.constants["check_index"]}


def _plain(made: Proposal) -> Any:
    """The answer as it is kept: plain JSON, so that it compares with one that was read back."""
    return json.loads(encode(answer(made)))


def open_replacement(runtime: Runtime, session: sessions.Session, run_id: str, fresh: bool = False) -> Replacement:
    """The change that waits for the prescriber's answer, worked out on the record as it was read; its draft is begun where it is not yet.

    StateError where no change is proposed (any more).
    """
    tenancy, patient = session.context.tenancy, session.context.patient
    with runtime.database.write() as tx:
        proposals.load(tx, tenancy, run_id, patient)
        order = orders.load(tx, tenancy, run_id)
        change = (json.loads(order.verification) if order.verification else {}).get("change")
        if not allows(order.state, Event.REPLACE) or not change:
            raise StateError("no change", said="No change of this order is proposed, or somebody has decided on it already.")
        new = identifiers.derived(f"urn:uuid:{run_id}", f"change-{change['digest']}").removeprefix("urn:uuid:")
        try:
            proposals.load(tx, tenancy, new, patient)
        except NotFound:
            kept = encode(change["chosen"]).decode("utf-8")
            proposals.start(tx, new, tenancy, order.patient, session.context.user, runtime.now(), kept, replaces=run_id)
    page = open_page(runtime, session, new, fresh)
    if page.proposal is None:
        raise StateError("change unusable", said=f"This change can no longer be ordered: {page.problem} Answer the pharmacist instead.")
    return Replacement(order, change, page, rows(json.loads(order.body), _plain(drafted(page)), _titles(runtime)))


def approve_replacement(
    runtime: Runtime, session: sessions.Session, run_id: str, digest: str, overrides: Sequence[ChosenOverride]
) -> tuple[str, tuple[Refusal, ...]]:
    """Signs the changed order whose digest was on screen: its run, and every reason against it, empty when it is signed."""
    new = open_replacement(runtime, session, run_id).page.run.run
    return new, approve_order(runtime, session, new, digest, overrides)
