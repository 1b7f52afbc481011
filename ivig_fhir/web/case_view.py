"""One order on the pharmacist's screen: what was approved, what the EHR stores, the record, the second calculation, who may decide what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.order.transaction import version_of
from ivig_fhir.order.verification import OWN, not_second
from ivig_fhir.proposal.model import RateSchedule, Step
from ivig_fhir.store import sessions
from ivig_fhir.web.alteration_view import alteration_view
from ivig_fhir.web.blood_view import height_said, weight_before
from ivig_fhir.web.case_findings import case_findings
from ivig_fhir.web.companions_view import astray_view, left_view
from ivig_fhir.web.desk import Desk, indication_codes
from ivig_fhir.web.double_view import double_view
from ivig_fhir.web.figures_view import figure_rows
from ivig_fhir.web.given_view import given_view
from ivig_fhir.web.order_view import allergies_said
from ivig_fhir.web.pictures import LOW, RatePicture, rate_picture
from ivig_fhir.web.record_view import before_view, laboratory_view
from ivig_fhir.web.render import STATES, amount, capitalize_first, clock, day, duration, percent, short_name, shouted
from ivig_fhir.web.schedule import days_view, series_facts
from ivig_fhir.web.since_view import since_view, stands_against
from ivig_fhir.web.supply_view import companions_by_kind, receipt_said, supply_view, vials_said
from ivig_fhir.web.talk_view import talk_view
from ivig_fhir.web.verification_view import TIERS, made_of, second_person, second_person_because, setting_said, steps_view
from ivig_fhir.workflow.runtime import Runtime, clinician
from ivig_fhir.workflow.verify import Case

View = dict[str, Any]
_DOSING = "Dosing weight"
_SHORT = {**STATES, "sent": "Waiting", "queried": "Question asked", "incomplete": "Incomplete"}
_BASIS = {
    "label": "Every step is printed in the label.",
    "maker": "The steps are the maker's chart.",
    "illustrative": "Steps between the label's first and highest: illustrative.",
    "site": "The steps were adopted by this site.",
    "none": "One rate for the whole infusion, chosen by the prescriber.",
}
# What the screen calls a line of the second calculation; any other keeps its own name.
_NAMES = {
    "Calculated dose of one infusion": "Exact, each",
    "Dose of one infusion": "Rounded, each",
    "Volume of one infusion": "Volume, each",
}
# Lines of the second calculation that are read beside the order also while they agree; the others are then named together.
_READ = frozenset(
    {
        "Dosing weight", "Calculated dose of one infusion", "Dose of one infusion", "Volume of one infusion", "Label maximum", "Rate steps",
        "Weight since the approval",
    }
)  # fmt: skip


def case_view(case: Case, runtime: Runtime, session: sessions.Session, typed: Mapping[str, str] | None = None) -> View:
    """Everything on the screen, and under it; `typed` is what was said of unread parts on a page that was refused."""
    kept, state = json.loads(case.approved.body), case.approved.state
    desk = Desk(case, kept, runtime.content)
    agrees = bool(case.review.lines) and all(x.agrees is not False for x in case.review.lines)
    open_, altered = state in ("sent", "queried"), alteration_view(case.review)
    alone = not_second(case.review, clinician(session)) if open_ or state == "incomplete" else ""
    against = stands_against(case.review.since)
    return {
        "title": short_name(desk.order_set.name),
        "subtitle": f"{_SHORT[state]}, {'on label' if kept['on_label'] else 'off label'}",
        "banner": {**_banner(case, kept), "setting": setting_said(desk)},
        **_order(desk),
        **_pump(desk),
        "weights": weights_view(desk),
        "laboratory": laboratory_view(desk),
        "before": before_view(desk),
        "supply": supply_view(desk),
        "companions": companions_by_kind(kept),
        "receipt": receipt_said(case.approved.receipt),
        "since": since_view(case.review.since, runtime.content, typed or {}),
        **case_findings(kept, runtime.content),
        "approver": case.review.signers[0].display,
        "approved_at": f"{day(case.approved.approved_at, year=False).partition(' ')[2]}, {clock(case.approved.approved_at)}",
        "second": _second(case, agrees),
        "digest": case.review.digest,
        "may_act": (open_ or state == "incomplete") and alone != OWN and not altered["closed"],
        "may_verify": open_ and agrees and not (alone or case.review.incomplete or altered["stops"] or against),
        "why_not": alone or " ".join(filter(None, ("Changed in the EHR." if altered["stops"] else "", against))),
        "altered": altered,
        "talk": talk_view(case.approved),
        "left": left_view(case.approved) or astray_view(case.review.stored, case.review.state),
        "sheet": state == "verified" and not case.review.altered,
        "reasons": runtime.content.constants["pharmacist_reasons"],
        "second_person": second_person_because(desk),
    }


def steps_page(case: Case, runtime: Runtime) -> View:
    """What stands beside the screen: each step of a verification, the receipt, companions, formulas, what was given, sources."""
    kept, citations = json.loads(case.approved.body), runtime.content.citations
    desk, titles = Desk(case, kept, runtime.content), {id_: title for _, id_, title in runtime.content.constants["check_index"]}
    keys = dict.fromkeys(key for f in kept["findings"] for key in f["citations"] if key in citations)
    return {
        "title": short_name(desk.order_set.name),
        "banner": _banner(case, kept),
        "steps": steps_view(desk),
        "second_person": second_person(desk),
        "receipt": receipt_said(case.approved.receipt),
        "companions": [c["title"] for c in kept["companions"] if c["selected"]],
        "figures": figure_rows(kept.get("figures", [])),
        "given": given_view(kept.get("given_before")),  # an order of an earlier version has none
        "bases": [{"title": titles[f["check"]], "check": f["check"], "ref": f["ref"], "cited": f["citations"]} for f in kept["findings"]],
        "sources": [citations[key] for key in keys],
    }


def apart_view(case: Case, runtime: Runtime, typed: Mapping[str, str]) -> View:
    """The page on which a second person calculates without seeing the result."""
    kept = json.loads(case.approved.body)
    return {"banner": _banner(case, kept), **double_view(Desk(case, kept, runtime.content), typed)}


def _order(desk: Desk) -> View:
    """The number with its days, how it came about, and the facts of one infusion."""
    kept, series = desk.kept, desk.kept["series"]
    dose, course = kept["dose"], [i["date"] for i in kept["dose"]["infusions"]]
    evidence = [
        desk.order_set.name,
        *(f"{e.body}: {e.says}" + (" (unsure)" if e.source.confidence == "?" else "") for e in desk.order_set.evidence),
    ]
    return {
        "order": days_view(dose["per_infusion_g"], series["dates"] if series else course, series, year=False),
        "facts": [
            ("Product", f"{desk.product.brand}, {amount(desk.mg_ml, 'mg/mL')}{'' if desk.diluent else ', undiluted'}"),
            ("Each infusion", f"exact {amount(dose['calculated_per_infusion_g'], 'g')}, rounded {_rounded(dose)}"),
            ("Vials, volume", f"{vials_said(kept)}; {amount(kept['volume_ml'], 'mL')}"),
            ("Whole course", f"{amount(dose['course_g'], 'g')}; exact {amount(plain(half_up(desk.course_g_kg, '0.01')), 'g/kg')}"),
            *series_facts(series),
        ],
        "made_of": capitalize_first(", ".join(f"{name if name == 'IgA' else name.lower()} {said}" for name, said in made_of(desk.product))),
        "indication": f"{indication_codes(desk)}, tier {desk.order_set.tier}: {TIERS[desk.order_set.tier]}",
        "evidence": evidence,
    }


def _rounded(dose: Mapping[str, Any]) -> str:
    return f"{amount(dose['per_infusion_g'], 'g')} ({percent(Decimal(dose['deviation_percent']))})"


def _pump(desk: Desk) -> View:
    kept, rate = desk.kept, _rate(desk.kept["rate"])
    highest = max((s.ml_h for s in rate.steps), default=None)
    never = f", never above {amount(highest, 'mL/h')}" if highest is not None else ""
    return {
        "pump": f"Pump, {duration(rate.total_minutes)}{never}",
        "diluent": desk.content.checks["product.diluent"].thresholds["names"][desk.diluent] if desk.diluent else "",
        "picture": _picture(desk, rate),
        "rate": rate,
        "mg_ml": desk.mg_ml,
        "rate_notes": [_BASIS[rate.basis], *kept["rate"].get("notes", [])],  # an order of an earlier version has none
    }


def _picture(desk: Desk, rate: RateSchedule) -> RatePicture | None:
    made = [x for x in desk.product.ladders if x.concentration_mg_ml == desk.mg_ml]
    tables = [x for x in made if rate.ladder in x.for_]
    most = tables[0].max_ml_kg_h if tables else min((x.max_ml_kg_h for x in made), default=None)
    return rate_picture(rate, datetime.fromisoformat(desk.kept["start"]), desk.kg, most, LOW)


def _rate(kept: Mapping[str, Any]) -> RateSchedule:
    steps = tuple(Step(*(Decimal(s[k]) for k in ("ml_kg_h", "ml_h", "minutes", "volume_ml"))) for s in kept["steps"])
    cap = Decimal(kept["cap_ml_kg_h"]) if kept["cap_ml_kg_h"] else None
    return RateSchedule(kept["mode"], kept["basis"], kept["ladder"], cap, kept["cap_reason"], kept["total_minutes"], steps, None)


def weights_view(desk: Desk) -> View:
    """All four weights, each with its day or why it is used, and the policy with its version and what it decided."""
    w = desk.kept["weight"]
    shown = (
        ("Actual weight", w["actual_kg"], day(w["effective"]).partition(" ")[2] if w["effective"] else "no date"),
        ("Ideal", w["ideal_kg"], "Devine"),
        ("Adjusted", w["adjusted_kg"], ""),
        (_DOSING, w["dosing_kg"], w["used"]),
    )
    policy = f"Policy {w['policy']}, version {w['policy_version']}. {w['why']}"
    return {
        "rows": [{"name": name, "kg": f"{kg} kg" if kg else "–", "said": said, "used": name == _DOSING} for name, kg, said in shown],
        "policy": f"Height {height_said(desk.chart)}. {policy} {weight_before(desk.chart)}",
    }


def _banner(case: Case, kept: Mapping[str, Any]) -> View:
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
    """The verdict, the lines that are read beside the order, those that do not agree first, and the names of the rest.

    A line that could not be recalculated, because something was not read, agrees as little as one that disagrees.
    """
    lines, dark = case.review.lines, set(case.review.since.dark)
    agreed, unread = sum(x.agrees is True for x in lines), [x for x in lines if x.agrees is None and x.what in dark]
    judged = sum(x.agrees is not None for x in lines) + len(unread)
    of = f"{agreed} of {judged} agree" + (f", {len(unread)} could not be recalculated" if unread else "")
    verdict = _against(lines) if not agrees else of if unread else f"Second calculation agrees: {agreed} of {judged}"
    order = case.review.stored.order
    loud = {_NAMES.get(name, name) for name in _READ}
    shown = [
        SimpleNamespace(**asdict(x) | {"what": _NAMES.get(x.what, x.what), "agrees": x.agrees is not False and x not in unread})
        for x in lines
    ]
    quiet = [x for x, line in zip(shown, lines, strict=True) if line.agrees and x.what not in loud]
    return {
        "kind": "stop" if not agrees else "unk" if unread else "ok",
        "verdict": verdict,
        "lines": sorted((x for x in shown if x not in quiet), key=lambda x: x.agrees),
        "quiet": quiet,
        "short": of if agrees else verdict,
        "basis": f"version {version_of(order) or '?'}, chart as read now",
        "reference": f"MedicationRequest/{order.get('id')}",
    }


def _against(lines: Iterable[Any]) -> str:
    return "Second calculation disagrees" if tuple(lines) else "The second calculation could not run"
