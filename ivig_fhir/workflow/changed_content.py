"""Between the steps: what another version of the content would make of the orders that are approved and not yet decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.chart.keeping import from_json
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.building import decode
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.differences import differences
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.store import kept_charts, orders, proposals
from ivig_fhir.store.database import Database
from ivig_fhir.workflow.open_chart import chart_from_answers


@dataclass(frozen=True, slots=True)
class PendingOrder:
    """One order under another content: its run and state, the version it was approved on, what would differ, or why nobody knows."""

    run: str
    state: str
    version: str
    changes: tuple[str, ...]
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """Every pending order, and how many drafts there are, which are worked out anew when they are opened."""

    orders: tuple[PendingOrder, ...]
    drafts: int


def pending_under(database: Database, content: Content, site: Site) -> Pending:
    """Each pending order worked out again on another content: the same chart, choices and moment as when it was approved.

    What the record says today is not known here; the pharmacist's second calculation reads it. Nothing is changed.
    """
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    with database.read() as tx:
        kept = [
            (orders.load(tx, tenancy, run), proposals.load(tx, tenancy, run).selections, chart)
            for tenancy, run, chart in kept_charts.pending(tx)
        ]
        drafts = kept_charts.drafts(tx)
    found = tuple(_order(order, json.loads(chosen), chart, content, site, titles) for order, chosen, chart in kept)
    return Pending(found, drafts)


def _order(
    order: orders.Order, chosen: Mapping[str, Any], chart: str | None, content: Content, site: Site, titles: Mapping[str, str]
) -> PendingOrder:
    before = json.loads(order.body)
    made = PendingOrder(order.run, order.state, before["content"]["version"], ())
    if chart is None:
        return PendingOrder(made.run, made.state, made.version, (), "its chart was not kept")
    answers, read_at = from_json(decode(chart))
    selections = parse_selections({**chosen, "run": f"urn:uuid:{order.run}", "indication": before["indication"]})
    try:
        after = answer(propose(chart_from_answers(answers, content, read_at, site), selections, content, read_at, site))
    except SelectionError as error:
        return PendingOrder(made.run, made.state, made.version, (f"It could not be proposed: {error.message}",))
    return PendingOrder(made.run, made.state, made.version, differences(before, json.loads(json.dumps(after)), titles))
