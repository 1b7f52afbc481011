"""The choices of the review page: each as a labelled field with its value, and back from the form to selections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.model import Proposal, Series
from ivig_fhir.web.render import amount, clock, day, plural

Field = dict[str, Any]
_SETTINGS = (("inpatient", "Inpatient"), ("outpatient", "Outpatient"), ("home", "At home"))


def choices_view(p: Proposal, content: Content, site: Site) -> list[dict[str, Any]]:
    """What can be changed, in the order in which it is decided; the note says whether content or clinician chose."""
    return [
        _row(p, "indication", "Indication", p.order_set.name, [_select("indication", "Indication", _order_sets(content), p.order_set.id)]),
        _row(p, "regimen", "Regimen", p.regimen.title if p.regimen else "none", [_select("regimen", "Regimen", _regimens(p), _regimen(p))]),
        _row(p, "product", "Product", p.product.brand, [_select("product", "Product", _products(content, site), p.product.id)]),
        _row(p, "dose", "Dose", _dose(p), [_input("per_kg", "Grams per kilogram, whole course", _per_kg(p), mode="decimal")]),
        _row(p, "days", "Days", f"{_days(p)}, from {day(p.start, year=False)} {clock(p.start)}", _day_fields(p)),
        *([_row(p, "cycles", "Series", _series(p.series), _series_fields(p.series))] if p.series else []),
        _row(p, "weight", "Weight", _weight(p), _weight_fields(p, content)),
        _row(
            p, "rate", "Maximum", _maximum(p), [_input("cap_mg_kg_min", "Your maximum, mg/kg/min (empty: label)", _cap(p), mode="decimal")]
        ),
        _row(
            p, "setting", "Setting", dict(_SETTINGS)[p.selections.setting], [_select("setting", "Setting", _SETTINGS, p.selections.setting)]
        ),
    ]


def _row(p: Proposal, key: str, label: str, value: str, fields: list[Field]) -> dict[str, Any]:
    note = "Default of the content." if key in p.defaulted else "Chosen by you."
    return {"label": label, "value": value, "fields": fields, "note": note, "open": False}


def _select(name: str, label: str, options: Sequence[tuple[str, str]], value: str) -> Field:
    return {"name": name, "label": label, "options": [{"value": v, "label": text} for v, text in options], "value": value}


def _input(name: str, label: str, value: str, type_: str = "text", mode: str = "") -> Field:
    return {"name": name, "label": label, "options": None, "value": value, "type": type_, "mode": mode}


def _order_sets(content: Content) -> list[tuple[str, str]]:
    return [(s.id, f"{s.name} (tier {s.tier})") for s in content.order_sets.values() if not s.governance.retired]


def _regimens(p: Proposal) -> list[tuple[str, str]]:
    return [(r.id, r.title) for r in p.order_set.regimens] or [("", "none is recommended")]


def _regimen(p: Proposal) -> str:
    return p.regimen.id if p.regimen else ""


def _products(content: Content, site: Site) -> list[tuple[str, str]]:
    known = [x for x in content.products.values() if not x.governance.retired]
    return [(x.id, x.brand) for x in known if site.formulary is None or x.id in site.formulary]


def _dose(p: Proposal) -> str:
    if p.dose is None:
        return "–"
    return (
        f"{plain(p.dose.per_kg)} g/kg for the course" if p.dose.per_kg is not None else f"{amount(p.dose.calculated_course_g, 'g')}, course"
    )


def _per_kg(p: Proposal) -> str:
    return plain(p.dose.per_kg) if p.dose and p.dose.per_kg is not None else ""


def _days(p: Proposal) -> int:
    return len(p.dose.infusions) if p.dose else (p.selections.days or 1)


def _day_fields(p: Proposal) -> list[Field]:
    return [
        _input("days", "Number of infusion days", str(_days(p)), "number"),
        _input("start", "First infusion", p.start.strftime("%Y-%m-%dT%H:%M"), "datetime-local"),
    ]


def _series(s: Series) -> str:
    return f"{plural(s.cycles, 'course')}, {plain(s.interval_weeks)} weeks apart, to {day(s.last)}; review {day(s.review_on)}"


def _series_fields(s: Series) -> list[Field]:
    return [
        _input("interval_weeks", "Weeks from one course to the next", plain(s.interval_weeks), mode="decimal"),
        _input("cycles", "Number of courses", str(s.cycles), "number"),
    ]


def _series_choice(form: MultiDict[str, str], made: dict[str, Any], s: Series) -> None:
    """Weeks and courses where they differ from what was shown."""
    weeks, cycles = (form.get(k, "").strip() for k in ("interval_weeks", "cycles"))
    if weeks and weeks != plain(s.interval_weeks):
        made["interval_weeks"] = weeks
    if cycles and cycles != str(s.cycles):
        made["cycles"] = cycles


def _weight(p: Proposal) -> str:
    return f"{p.weight.used or 'none'}, {p.weight.dosing_kg} kg" if p.weight.dosing_kg is not None else "none"


def _weight_fields(p: Proposal, content: Content) -> list[Field]:
    stated = p.weight.used == "stated"
    policies = [(w.id, w.title) for w in content.weight_policies.values()]
    bases = [(b, b) for b in ("other", "actual", "ideal", "adjusted")]
    return [
        _select("policy", "Policy", policies, p.weight.policy),
        _input(
            "dosing_kg",
            "Or a dosing weight that you state, kg",
            plain(p.weight.dosing_kg) if stated and p.weight.dosing_kg else "",
            mode="decimal",
        ),
        _select("basis", "It is the weight that is", bases, p.selections.weight.basis),
        _input("weight_reason", "Why it is stated", p.selections.weight.reason),
    ]


def _maximum(p: Proposal) -> str:
    if p.rate.cap_ml_kg_h is None or p.weight.dosing_kg is None:
        return "–"
    whose = {"label": "Label", "risk": "Label, at risk", "site": "Site", "clinician": "Yours"}[p.rate.cap_reason or "label"]
    return f"{whose}, {amount(half_up(p.rate.cap_ml_kg_h, '0.01'), 'mL/kg/h')}"


def _cap(p: Proposal) -> str:
    return plain(p.selections.rate.cap_mg_kg_min) if p.selections.rate.cap_mg_kg_min is not None else ""


def selections_from_form(form: MultiDict[str, str], before: Mapping[str, Any], p: Proposal) -> dict[str, Any]:
    """The clinician's selections after a form: only what differs from what was shown becomes a choice, the rest stays a default."""
    made = dict(before)
    if "override_check" in form or "override_remove" in form:
        return _with_override(form, made)
    if "companions" in form:
        ticked = set(form.getlist("companion"))
        made["companions"] = {c.id: c.id in ticked for c in p.companions if not c.required and (c.id in ticked) != c.selected} | {
            k: v for k, v in (before.get("companions") or {}).items() if (k in ticked) == v
        }
        return made
    return _with_choices(form, made, p)


def _with_choices(form: MultiDict[str, str], made: dict[str, Any], p: Proposal) -> dict[str, Any]:
    shown = {"indication": p.order_set.id, "regimen": _regimen(p), "product": p.product.id, "setting": p.selections.setting}
    changed = {k: form[k] for k, v in shown.items() if form.get(k) and form[k] != v}
    if "indication" in changed:  # another indication: everything that hung on the old one is a default again
        return {k: v for k, v in made.items() if k in ("setting", "weight", "start")} | {"indication": changed["indication"]}
    made |= changed
    if "regimen" in changed or "product" in changed:
        made = {k: v for k, v in made.items() if k not in ("dose", "days", "interval_weeks", "cycles")} if "regimen" in changed else made
        made.pop("rate", None)
    elif form.get("per_kg", "") != _per_kg(p):
        made["dose"] = {"per_kg": form["per_kg"].strip(), "unit": "g/kg"} if form["per_kg"].strip() else None
    if form.get("days", "").strip() and form["days"].strip() != str(_days(p)) and "regimen" not in changed:
        made["days"] = form["days"].strip()
    if form.get("start") and form["start"] != p.start.strftime("%Y-%m-%dT%H:%M"):
        made["start"] = form["start"]
    if p.series and "regimen" not in changed:
        _series_choice(form, made, p.series)
    _weight_choice(form, made, p)
    if form.get("cap_mg_kg_min", "").strip() != _cap(p):
        cap = form["cap_mg_kg_min"].strip()
        made["rate"] = {"cap_mg_kg_min": cap} if cap else None
    return {k: v for k, v in made.items() if v is not None}


def _weight_choice(form: MultiDict[str, str], made: dict[str, Any], p: Proposal) -> None:
    stated = form.get("dosing_kg", "").strip()
    if stated:
        made["weight"] = {"dosing_kg": stated, "basis": form.get("basis") or "other", "reason": form.get("weight_reason", "").strip()}
    elif p.weight.used == "stated" or form.get("policy", p.weight.policy) != p.weight.policy:
        made["weight"] = {"policy": form["policy"]} if form.get("policy") else None


def _with_override(form: MultiDict[str, str], made: dict[str, Any]) -> dict[str, Any]:
    check = form.get("override_check") or form.get("override_remove")
    kept = [o for o in made.get("overrides") or [] if o.get("check") != check]
    if "override_check" in form:
        kept.append({"check": check, "code": form.get("override_code", ""), "note": form.get("override_note", "").strip()})
    return {**made, "overrides": kept}


def selections_of(chart: ChartSnapshot, content: Content, candidates: Sequence[str]) -> dict[str, Any]:
    """Selections to begin with: nothing, or the first indication that the chart carries where it carries several."""
    return {"indication": candidates[0]} if len(candidates) > 1 or (len(candidates) == 1 and chart) else {}
