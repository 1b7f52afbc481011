"""What the review page shows, from a proposal and its chart: plain data for the template, no decision of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.answer import given_json
from ivig_fhir.proposal.compare import compare_policies
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.figures_view import figure_rows
from ivig_fhir.web.finding_view import findings_view
from ivig_fhir.web.given_view import given_view
from ivig_fhir.web.indication_view import indication_view
from ivig_fhir.web.order_view import banner_view, facts_of, number_view
from ivig_fhir.web.pictures import rate_picture, trend
from ivig_fhir.web.products_view import products_view
from ivig_fhir.web.render import STATES, amount, measured, percent, short_name
from ivig_fhir.workflow.propose import Alternatives, Page

View = dict[str, Any]
TRENDS = (("creatinine", "Creatinine"), ("igg", "IgG"), ("hemoglobin", "Haemoglobin"), ("platelets", "Platelets"))
_RATE_WORDS = {
    "label": "Every step is printed in the label.",
    "maker": "The steps are the maker's chart.",
    "illustrative": "The first rate and the maximum are the label's; the steps between are an illustration that this site has not adopted.",
    "site": "The steps were adopted by this site.",
    "none": "One rate for the whole infusion.",
}


def review_view(p: Proposal, page: Page, others: Alternatives, content: Content, change: View | None = None) -> View:
    """The page's data; who may do what is added by the route. `change` says what the last change did."""
    chart, state = page.chart, page.run.state
    return {
        "title": f"IVIG for {short_name(p.order_set.name)}" + (f", {p.regimen.phase}" if p.regimen else ""),
        "state": STATES[state],
        "handed": state not in ("proposed", "approved"),
        "signed": state == "approved",
        "banner": banner_view(p, chart),
        "digest": p.digest,
        "change": change,
        **findings_view(p, content, others.offers),
        "passed_over": chart.oddities,
        "indication": indication_view(p, content),
        "products": products_view(others.products),
        "companions": _companions(p, content),
        "figures": figure_rows(asdict(f) for f in p.figures),
        "given": given_view(given_json(p.given_before)),
        "citations": sorted((content.citations[k] for k in _citations(p, content)), key=lambda c: c.key),
        "trends": [t for t in (trend(title, chart.panel(panel)) for panel, title in TRENDS) if t],
        **_order_parts(p, chart, content),
    }


def _companions(p: Proposal, content: Content) -> View:
    """Chosen and offered companions apart; of one that a finding speaks against, which."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    shown = [
        {
            "id": c.id,
            "title": c.title,
            "text": c.text,
            "required": c.required,
            "selected": c.selected,
            "against": [titles[a] for a in c.against],
        }
        for c in p.companions
    ]
    return {"chosen": [c for c in shown if c["selected"]], "offered": [c for c in shown if not c["selected"]]}


def _order_parts(p: Proposal, chart: ChartSnapshot, content: Content) -> View:
    if p.dose is None:
        words = p.order_set.guidance or "No dose is offered for this indication."
        return {"order": None, "no_order": words if p.regimen is None else "No dose can be computed until what is missing is there."}
    return {
        "order": number_view(p),
        "facts": facts_of(p),
        "working": p.dose.working,
        "basis": _basis(p),
        "picture": rate_picture(p.rate, p.start, p.weight.dosing_kg),
        "rate": p.rate,
        "product": p.product.brand,
        "mg_ml": p.concentration_mg_ml,
        "rate_note": f"{_RATE_WORDS[p.rate.basis]} Whole mL/h, rounded down. Go up only with stable vital signs and no symptoms.",
        "rate_notes": p.rate.notes,
        "vials_note": _vials(p),
        **_policies(p, chart, content),
    }


def _basis(p: Proposal) -> list[tuple[str, str]]:
    w = p.weight
    source = f" {w.said} ({w.source})." if w.source else ""
    rows = [("Weight", f"{measured(w.dosing_kg, 'kg')} dosing weight. Policy {w.policy}, version {w.policy_version}. {w.why}{source}")]
    if p.regimen:
        rows.append(("Dose", f"Regimen: {p.regimen.title}."))
    if p.dose:
        step = f"nearest {amount(p.dose.increment_g, 'g')}" if p.dose.increment_g else "to 0.1 g, no whole vials within the tolerance"
        whose = f" Policy {p.rounding.policy}, version {p.rounding.version}." if p.rounding else ""
        rows.append(("Rounding", f"Each infusion on its own, {step}: {percent(p.dose.deviation_percent)}.{whose}"))
    return rows


def _vials(p: Proposal) -> str:
    vials = ", ".join(f"{v.count} × {amount(v.grams, 'g')}" for v in p.vials)
    return f"Vials of each infusion: {vials}; waste {amount(p.waste_g, 'g')}. {p.product.properties.get('diluent', '')}".strip()


def _policies(p: Proposal, chart: ChartSnapshot, content: Content) -> View:
    """This order's policy and those that differ from it; the others in one sentence."""
    rows = [_policy_row(p, r) for r in compare_policies(p, chart, content)]
    figures = ("kg", "exact", "rounded", "course")
    chosen = next((r for r in rows if r["chosen"]), None)
    same = [r for r in rows if chosen and not r["chosen"] and all(r[k] == chosen[k] for k in figures)]
    return {"policies": [r for r in rows if r not in same], "same_policies": ", ".join(r["id"] for r in same)}


def _policy_row(p: Proposal, row: Any) -> View:
    return {
        "id": row.policy,
        "chosen": p.weight.used != "stated" and row.policy == p.weight.policy,
        "kg": str(row.dosing_kg),
        "exact": plain(half_up(row.exact_g, "0.1")),
        "rounded": plain(row.rounded_g),
        "course": plain(row.course_g),
        "why": row.why,
    }


def _citations(p: Proposal, content: Content) -> Sequence[str]:
    keys = [k for f in p.findings for k in f.citations] + [k for c in p.companions if c.selected for k in c.citations]
    keys += [*p.product.source.citations, *p.order_set.source.citations, *(k for e in p.order_set.evidence for k in e.source.citations)]
    return tuple(dict.fromkeys(k for k in keys if k in content.citations))
