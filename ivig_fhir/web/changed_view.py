"""The page that stands where an order changed since it was opened: field by field before and now, in the words of the order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ivig_fhir.order.alteration import recalculated_since, since
from ivig_fhir.order.receipt import Line
from ivig_fhir.order.seen import Seen
from ivig_fhir.order.verification import Review
from ivig_fhir.store.orders import Order
from ivig_fhir.web.render import dated, short_name
from ivig_fhir.workflow.overtaken import since_approved
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.verify import Case

View = dict[str, Any]


def changed_view(case: Case, seen: Seen | None, runtime: Runtime) -> View:
    """What was on screen against what stands there now; where it is not remembered, what was approved against what stands there now."""
    now = case.review.stored.order
    lines = since(seen.order, now) if seen is not None else since_approved(case.approved, now)
    again = recalculated_since(seen.lines, case.review.lines) if seen is not None else ()
    altered = [f"{x.field}: approved {dated(x.sent)}, now {dated(x.stored)}" for x in case.review.altered]
    view = lines_view(case.approved, case.chart.patient.name, lines, seen is not None, runtime)
    return view | {"again": again, "altered": altered, "new": _new(case.review, seen)}


def _new(now: Review, seen: Seen | None) -> list[str]:
    """What the checks find since the approval, and what could not be read, that was not on screen."""
    known = seen.known if seen is not None else frozenset()
    found = [dated(x.said) for x in now.since.found if tuple(map(str, x.key)) not in known]
    return [*found, *(f"{u.type} could not be read." for u in now.since.unread if (u.type,) not in known)]


def lines_view(order: Order, patient: str, lines: Iterable[Line], seen: bool, runtime: Runtime) -> View:
    """The difference of an order in its words; `seen`: it is since it was on screen, and not since it was approved."""
    return {
        "title": short_name(runtime.content.order_sets[json.loads(order.body)["indication"]].name),
        "patient": patient,
        "before": "When you opened it" if seen else "As it was approved",
        "lines": [(x.field, dated(x.sent), dated(x.stored), x.essential) for x in lines],
    }
