"""The page that stands where an order changed since it was opened: field by field before and now, in the words of the order."""

from __future__ import annotations

import json
from typing import Any

from ivig_fhir.order.alteration import recalculated_since, since
from ivig_fhir.order.verification import Review
from ivig_fhir.web.render import dated, short_name
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.verify import Case, approved_order

View = dict[str, Any]


def changed_view(case: Case, seen: Review | None, runtime: Runtime) -> View:
    """What was on screen against what stands there now; where it is not remembered, what was approved against what stands there now."""
    kept = json.loads(case.approved.body)
    before = seen.stored.order if seen is not None else approved_order(case.approved)
    lines = [(x.field, dated(x.sent), dated(x.stored), x.essential) for x in since(before, case.review.stored.order)]
    again = recalculated_since(seen.lines, case.review.lines) if seen is not None else ()
    return {
        "title": short_name(runtime.content.order_sets[kept["indication"]].name),
        "patient": case.chart.patient.name,
        "before": "When you opened it" if seen is not None else "As it was approved",
        "lines": lines,
        "again": again,
        "altered": [f"{x.field}: approved {dated(x.sent)}, now {dated(x.stored)}" for x in case.review.altered],
    }
