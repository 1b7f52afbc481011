"""Step 5, on the record of now: the approved order is proposed again, and what the checks say since is held against the approval."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.building import decode
from ivig_fhir.order.recompute import Recalculated
from ivig_fhir.order.since import Since, not_recalculated, since
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.proposal.selections_json import as_ordered
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.story import words

_OPEN = ("sent", "queried", "incomplete")


def since_approval(runtime: Runtime, run: Run, order: Order, chart: ChartSnapshot, lines: tuple[Recalculated, ...]) -> Since:
    """What is new since the approval, while nobody has decided on the order; with its problem where content knows the order no longer."""
    if order.state not in _OPEN:
        unread = [t for t, answer in chart.answers.items() if not answer.complete]
        return Since(dark=tuple(not_recalculated(lines, runtime.content, unread)))
    kept, urn = json.loads(order.body), f"urn:uuid:{run.run}"
    chosen = {**as_ordered(decode(run.selections), kept), "run": urn}
    if run.replaces:
        chosen["replaces"] = f"urn:uuid:{run.replaces}"
    try:
        today = propose(chart, parse_selections(chosen), runtime.content, chart.now, runtime.site)
    except SelectionError as error:
        return Since(problem=f"The checks cannot be made on this order any more: {error.message}")
    return since(kept, today, lines, runtime.content, _answers(order))


def _answers(order: Order) -> Mapping[tuple[str, ...], str]:
    """What a prescriber answered to a question that named findings, by the key of each."""
    found: dict[tuple[str, ...], str] = {}
    later: Mapping[str, Any] = {}
    for word in words(order):
        if later.get("decision") == "sent" and word["decision"] == "queried":
            found |= {tuple(key): str(later["note"]) for key in word.get("named") or () if tuple(key) not in found}
        later = word
    return found
