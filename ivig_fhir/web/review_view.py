"""What the review page shows, from a proposal and its chart: plain data for the template, no decision of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.answer import series_json
from ivig_fhir.proposal.compare import compare_policies
from ivig_fhir.proposal.dosage import infusion_dates
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.pictures import rate_picture, trend
from ivig_fhir.web.render import REASONS, STATES, amount, clock, day, duration, measured, percent, plural, tenth
from ivig_fhir.web.schedule import days_view, series_facts

View = dict[str, Any]
TRENDS = (("creatinine", "Creatinine"), ("igg", "IgG"), ("hemoglobin", "Haemoglobin"), ("platelets", "Platelets"))
_RATE_WORDS = {
    "label": "Every step is printed in the label.",
    "maker": "The steps are the maker's chart.",
    "illustrative": "The first rate and the maximum are the label's; the steps between are an illustration that this site has not adopted.",
    "site": "The steps were adopted by this site.",
    "none": "One rate for the whole infusion.",
}


def review_view(p: Proposal, chart: ChartSnapshot, content: Content, state: str) -> View:
    """The page's data; who may do what is added by the route."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    by_severity = {
        s: [finding_view(f, titles) for f in p.findings if f.severity == s] for s in ("hard-stop", "override", "warning", "info")
    }
    given = {o.check: o for o in p.overrides}
    labels = dict(content.constants["override_reasons"])
    answered = [
        {**f, "reason": f"{given[f['check']].code} {labels[given[f['check']].code]}", "note": given[f["check"]].note}
        for f in by_severity["override"]
        if f["check"] in given
    ]
    return {
        "title": f"IVIG for {p.order_set.name}" + (f", {p.regimen.phase}" if p.regimen else ""),
        "state": STATES[state],
        "handed": state not in ("proposed", "approved"),
        "banner": banner_view(p, chart),
        "digest": p.digest,
        "stops": by_severity["hard-stop"],
        "open": [f for f in by_severity["override"] if f["check"] not in given],
        "answered": answered,
        "warnings": by_severity["warning"],
        "infos": by_severity["info"],
        "not_assessed": [{"title": titles[n.check], "reason": REASONS[n.reason.value], "message": n.message} for n in p.not_assessed],
        "cleared": [titles[c] for c in p.clear],
        "companions": p.companions,
        "citations": sorted((content.citations[k] for k in _citations(p, content)), key=lambda c: c.key),
        "trends": [t for t in (trend(title, chart.panel(panel)) for panel, title in TRENDS) if t],
        **_order_parts(p, chart, content),
    }


def finding_view(f: Finding, titles: Mapping[str, str]) -> View:
    """One finding with its title and what it stands on."""
    return {
        "check": f.check,
        "ref": f.ref,
        "severity": f.severity,
        "title": titles[f.check],
        "message": f.message,
        "evidence": f.evidence,
        "mitigation": f.mitigation,
        "citations": f.citations,
    }


def banner_view(p: Proposal, chart: ChartSnapshot) -> View:
    """Name, birth date with age and sex, record number, weight with its date, allergies: the line that is on every page."""
    born = f"{day(p.patient.birth_date)} ({p.age})" if p.patient.birth_date else "not recorded"
    weight = (
        f"{measured(p.weight.actual_kg, 'kg')}, {day(p.weight.effective)}" if p.weight.actual_kg is not None else "none that can be used"
    )
    return {
        "name": p.patient.name or "Name not recorded",
        "born": f"{born}, {p.patient.sex or 'sex not recorded'}",
        "identifier": p.patient.identifier,
        "weight": weight,
        "allergies": allergies_said(chart),
    }


def allergies_said(chart: ChartSnapshot) -> str:
    """What the banner says of allergies: the entries, none known, unknown, or not readable; never an empty place."""
    if chart.answer("AllergyIntolerance").unread:
        return "could not be read"
    entries = [a for a in chart.allergies if not a.negation and not a.not_asked]
    if entries:
        names = list(dict.fromkeys(a.texts[0] if a.texts else a.said for a in entries))
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return ", ".join(names[:3]) + more
    return "None known" if any(a.negation for a in chart.allergies) else "Unknown"


def number_view(p: Proposal) -> View | None:
    """The grams of one infusion and a tile for each date; the largest thing on a page."""
    if p.dose is None:
        return None
    return days_view(p.dose.per_infusion_g, list(infusion_dates(p)), series_json(p.series))


def facts_of(p: Proposal) -> list[tuple[str, str]]:
    """The line of facts under the number; the whole course comes last and is named."""
    if p.dose is None or p.waste_g is None:
        return []
    speeds = [s.ml_h for s in p.rate.steps]
    pump = f"{plain(min(speeds))} to {amount(max(speeds), 'mL/h')}" if len(speeds) > 1 else amount(speeds[0], "mL/h") if speeds else "–"
    return [
        ("Product", f"{p.product.brand}, {plain(p.concentration_mg_ml)} mg/mL"),
        ("Each infusion", f"{tenth(p.volume_ml, 'mL')}, {plural(sum(v.count for v in p.vials), 'vial')}"),
        ("Pump", pump),
        ("Duration", duration(p.rate.total_minutes)),
        ("Whole course", amount(p.dose.course_g, "g")),
        *series_facts(series_json(p.series)),
    ]


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
        "rate_note": f"{_RATE_WORDS[p.rate.basis]} Whole mL/h, rounded down. Go up only with stable vital signs and no symptoms.",
        "vials_note": _vials(p),
        "policies": [_policy_row(p, r) for r in compare_policies(p, chart, content)],
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
    keys += [*p.product.source.citations, *p.order_set.source.citations]
    return tuple(dict.fromkeys(k for k in keys if k in content.citations))


def starts_at(p: Proposal) -> str:
    """`Mon 2 Mar 2026, 10:00`."""
    return f"{day(p.start)}, {clock(p.start)}"
