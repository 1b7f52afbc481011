"""What the two pages of a change show: the pharmacist's, where it is worked out, and the prescriber's, where it is approved or not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.finding_view import finding_view
from ivig_fhir.web.order_view import banner_view, facts_of, number_view
from ivig_fhir.web.render import amount, day, short_name, shouted
from ivig_fhir.web.talk_view import talk_view
from ivig_fhir.workflow.change import KINDS, Replacement, Tried
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.verify import Case

View = dict[str, Any]
FIELDS = ("kind", "product", "increments_g", "start", "dates")
_ROUNDINGS = ("10", "5", "2.5", "1", "0.5", "")


def proposing_view(case: Case, products: Sequence[Any], tried: Tried | None, asked: Mapping[str, str], runtime: Runtime) -> View:
    """The pharmacist's page: the three kinds of a change, and what the one that was tried would do."""
    kept, content = json.loads(case.approved.body), runtime.content
    brand, grams = content.products[kept["product"]["id"]].brand, amount(kept["dose"]["per_infusion_g"], "g")
    return {
        "title": short_name(content.order_sets[kept["indication"]].name),
        "patient": shouted(case.chart.patient.name),
        "now": f"{brand}, {grams} each from {day(kept['start'][:10])}",
        "products": [_product(r) for r in products if not r.chosen and r.proposal is not None],
        "roundings": [(step, f"to whole {step} g" if step else "not to whole vials") for step in _ROUNDINGS],
        "asked": {k: str(asked.get(k, "")) for k in FIELDS},
        "tried": _tried(tried, content) if tried else None,
        "digest": case.review.digest,
        "reasons": content.constants["pharmacist_reasons"],
        "kinds": KINDS,
    }


def _product(row: Any) -> View:
    against = "; ".join(a.said for a in row.against)
    vials = " + ".join(f"{v.count} × {plain(v.grams)} g" for v in row.vials)
    said = f"{row.product.brand}: {amount(row.per_infusion_g, 'g')}, {vials}"
    return {"id": row.product.id, "label": f"{said} (against it: {against})" if against else said}


def _tried(tried: Tried, content: Content) -> View:
    return {
        "kind": KINDS[tried.kind],
        "rows": tried.rows,
        "findings": [{"severity": f.severity, "message": f.message} for f in tried.proposal.findings if f.severity != "info"],
        "asks": [f.message for f in tried.proposal.open_overrides],
        "not_assessed": len([n for n in tried.proposal.not_assessed if n.reason.value != "not-supported"]),
    }


def change_view(replacement: Replacement, made: Proposal, runtime: Runtime) -> View:
    """The prescriber's page: what the pharmacist asks, the difference, what needs a reason, one button."""
    titles = {id_: title for _, id_, title in runtime.content.constants["check_index"]}
    opened = replacement.page
    return {
        "banner": banner_view(made, opened.chart),
        "title": short_name(made.order_set.name),
        "order": number_view(made),
        "facts": facts_of(made),
        "kind": KINDS[replacement.change["kind"]],
        "rows": replacement.rows,
        "moved": replacement.moved,
        "talk": talk_view(replacement.order),
        "open": [finding_view(f, titles[f.check]) for f in made.open_overrides],
        "stops": [f.message for f in made.hard_stops],
        "not_assessed": len(made.not_assessed),
        "digest": made.digest,
        "may_approve": made.outcome == "proposed",
    }


def tried_json(tried: Tried) -> View:
    """The same for scripts."""
    return {
        "kind": tried.kind,
        "digest": tried.proposal.digest,
        "rows": [list(r) for r in tried.rows],
        "asks": [f.check for f in tried.proposal.open_overrides],
    }
