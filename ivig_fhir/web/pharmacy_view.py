"""What the worklist and the pharmacist's screen show, from what the EHR stores and what was approved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from ivig_fhir.fhir.dates import completed_years, parse_date
from ivig_fhir.order.decision import version_of
from ivig_fhir.proposal.model import RateSchedule, Step
from ivig_fhir.store import sessions
from ivig_fhir.web.double_view import double_view
from ivig_fhir.web.figures_view import figure_rows
from ivig_fhir.web.finding_view import kept_finding_view
from ivig_fhir.web.given_view import given_view
from ivig_fhir.web.order_view import allergies_said
from ivig_fhir.web.pictures import rate_picture, trend
from ivig_fhir.web.render import STATES, amount, clock, day, duration, short_name, shouted
from ivig_fhir.web.review_view import TRENDS
from ivig_fhir.web.schedule import days_view, series_facts
from ivig_fhir.web.talk_view import talk_view
from ivig_fhir.web.verification_view import Desk, second_person, steps_view
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.verify import Case

View = dict[str, Any]


def patient_name(patient: Mapping[str, Any], now: datetime) -> str:
    """`SAMPLETON, Edwin, 45 y`."""
    name: Mapping[str, Any] = next(iter(patient.get("name") or []), {})
    given = " ".join(str(g) for g in name.get("given") or [])
    born = parse_date(patient.get("birthDate"))
    age = f", {completed_years(born, now.date())} y" if born else ""
    return f"{str(name.get('family', '')).upper()}, {given}{age}"


def case_view(case: Case, runtime: Runtime, session: sessions.Session) -> View:
    """One order: what was approved, what the EHR stores, what the second calculation says, who may decide what."""
    kept, state = json.loads(case.approved.body), case.approved.state
    rate = _rate(kept["rate"])
    own = any(clinician(session).is_same(s) for s in case.review.signers)
    open_, agrees = state in ("sent", "queried"), all(x.agrees is not False for x in case.review.lines) and bool(case.review.lines)
    desk = Desk(case, kept, runtime.content)
    return {
        "title": short_name(runtime.content.order_sets[kept["indication"]].name),
        "subtitle": f"{STATES[state]}. {'on label' if kept['on_label'] else 'off label'}",
        "banner": _banner(case, kept, runtime.now()),
        "order": _number(kept),
        "facts": _facts(kept, runtime),
        "pump": f"Pump, {duration(kept['rate']['total_minutes'])}, {kept['rate']['basis']}",
        "picture": rate_picture(rate, datetime.fromisoformat(kept["start"]), Decimal(kept["weight"]["dosing_kg"])),
        "rate": rate,
        "mg_ml": Decimal(kept["product"]["concentration_mg_ml"]),
        "rate_note": "No pump steps.",
        "rate_notes": kept["rate"].get("notes", []),  # an order of an earlier version has none
        "companions": [c["title"] for c in kept["companions"] if c["selected"]],
        "steps": steps_view(desk),
        "second_person": second_person(desk),
        "figures": figure_rows(kept.get("figures", [])),
        **_findings(kept, runtime),
        "approver": case.review.signers[0].display,
        "approved_at": f"{day(case.approved.approved_at)}, {clock(case.approved.approved_at)}",
        "given": given_view(kept.get("given_before")),  # an order of an earlier version has none
        "second": _second(case, agrees),
        "trends": [t for t in (trend(title, case.chart.panel(panel)) for panel, title in TRENDS[:2]) if t],
        "digest": case.review.digest,
        "may_act": (open_ or state == "incomplete") and not own,
        "may_verify": open_ and agrees and not case.review.incomplete,
        "why_not": "You signed this order: another person has to verify it." if own else "",
        "talk": talk_view(case.approved),
        "sheet": state == "verified",
        "reasons": runtime.content.constants["pharmacist_reasons"],
    }


def _findings(kept: Mapping[str, Any], runtime: Runtime) -> View:
    """What the checks said when the order was approved: overrides with their reasons, the rest by severity, gaps, and what was clear."""
    titles = {id_: title for _, id_, title in runtime.content.constants["check_index"]}
    labels = dict(runtime.content.constants["override_reasons"])
    given = {o["check"]: o for o in kept["overrides"]}
    findings = [kept_finding_view(f, titles[f["check"]]) for f in kept["findings"]]
    gaps = [titles[n["check"]] for n in kept["not_assessed"] if n["reason"] != "not-supported"]
    rest = len(kept["not_assessed"]) - len(gaps)
    return {
        "overrides": [
            {**f, "reason": f"{given[f['check']]['code']} {labels[given[f['check']]['code']]}", "note": given[f["check"]]["note"]}
            for f in findings
            if f["check"] in given
        ],
        "not_assessed": kept["not_assessed"],
        "not_assessed_note": ("; ".join(gaps) + ". " if gaps else "") + (f"{rest} checks are not made by this version." if rest else ""),
        "warnings": [f for f in findings if f["severity"] == "warning"],
        "infos": [f for f in findings if f["severity"] == "info"],
        "cleared": [titles[c] for c in kept["clear"]],
    }


def apart_view(case: Case, runtime: Runtime, typed: Mapping[str, str]) -> View:
    """The page on which a second person calculates without seeing the result."""
    kept = json.loads(case.approved.body)
    return {"banner": _banner(case, kept, runtime.now()), **double_view(Desk(case, kept, runtime.content), typed)}


def _rate(kept: Mapping[str, Any]) -> RateSchedule:
    steps = tuple(Step(*(Decimal(s[k]) for k in ("ml_kg_h", "ml_h", "minutes", "volume_ml"))) for s in kept["steps"])
    cap = Decimal(kept["cap_ml_kg_h"]) if kept["cap_ml_kg_h"] else None
    return RateSchedule(kept["mode"], kept["basis"], kept["ladder"], cap, kept["cap_reason"], kept["total_minutes"], steps, None)


def _number(kept: Mapping[str, Any]) -> View:
    series, course = kept["series"], [i["date"] for i in kept["dose"]["infusions"]]
    return days_view(kept["dose"]["per_infusion_g"], series["dates"] if series else course, series, year=False)


def _facts(kept: Mapping[str, Any], runtime: Runtime) -> list[tuple[str, str]]:
    vials = ", ".join(f"{v['count']} × {amount(v['grams'], 'g')}" for v in kept["vials"])
    return [
        ("Product", runtime.content.products[kept["product"]["id"]].brand),
        ("Each infusion", f"{amount(kept['volume_ml'], 'mL')}, {vials}"),
        ("Dosing weight", f"{kept['weight']['dosing_kg']} kg, {kept['weight']['policy']}, version {kept['weight']['policy_version']}"),
        ("Whole course", f"{amount(kept['dose']['course_g'], 'g')}, waste {amount(kept['waste_g'], 'g')} each"),
        *series_facts(kept["series"]),
    ]


def _banner(case: Case, kept: Mapping[str, Any], now: datetime) -> View:
    person = case.chart.patient
    weight = kept["weight"]
    return {
        "name": shouted(person.name),
        "born": f"{day(person.birth_date)} ({kept['patient']['age']}), {person.sex or 'sex not recorded'}",
        "identifier": person.identifier,
        "weight": f"{weight['actual_kg'] or '–'} kg, {day(weight['effective'])}",
        "allergies": allergies_said(case.chart),
    }


def _second(case: Case, agrees: bool) -> View:
    lines = case.review.lines
    agreed, judged = sum(x.agrees is True for x in lines), sum(x.agrees is not None for x in lines)
    verdict = f"Second calculation agrees: {agreed} of {judged}" if agrees else "Second calculation disagrees"
    order = case.review.stored.order
    shown = [SimpleNamespace(what=x.what, ordered=x.ordered, recomputed=x.recomputed, agrees=x.agrees is not False) for x in lines]
    return {
        "kind": "ok" if agrees else "stop",
        "verdict": verdict,
        "lines": shown,
        "basis": f"From MedicationRequest/{order.get('id')} version {version_of(order) or '?'} and the chart, as read now.",
    }
