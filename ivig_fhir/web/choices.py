"""The choices of the review page: each as labelled fields with their values, and whether content or clinician chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.render import amount, clock, day, plural, short_name

Field = dict[str, Any]
SETTINGS = (("inpatient", "Inpatient"), ("outpatient", "Outpatient"), ("home", "At home"))
CAPS = (
    ("content", "Label's maximum; at risk the label's or the site's limit"),
    ("label", "Label's maximum, also at risk"),
    ("own", "A limit of your own"),
)
START = "%Y-%m-%dT%H:%M"


def choices_view(p: Proposal, content: Content, site: Site, typed: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """What can be changed, in the order in which it is decided. `typed` are values that could not be used: they stand as typed."""
    setting = p.selections.setting
    rows = [
        _row(p, ("indication",), "Indication", short_name(p.order_set.name), [_indication(p, content)]),
        _row(p, ("regimen",), "Regimen", _regimen_said(p), [_select("regimen", "Regimen", _regimens(p), regimen(p))]),
        _row(p, ("product",), "Product", p.product.brand, [_select("product", "Product", _products(content, site), p.product.id)]),
        _row(p, ("dose",), "Dose", _dose(p), [_input("per_kg", "Grams per kilogram, whole course", per_kg(p), mode="decimal")]),
        _row(p, ("days", "start"), "Days", _days_said(p), _day_fields(p)),
        _row(p, ("interval_weeks", "cycles"), "Series", _series(p), _series_fields(p)),
        _row(p, ("weight",), "Weight", _weight(p), _weight_fields(p, content)),
        _row(p, ("rate",), "Maximum", _maximum(p), _cap_fields(p)),
        _row(p, ("setting",), "Setting", dict(SETTINGS)[setting], [_select("setting", "Setting", SETTINGS, setting)]),
    ]  # fmt: skip
    return [_as_typed(row, typed or {}) for row in rows]


def _row(p: Proposal, keys: Sequence[str], label: str, value: str, fields: list[Field]) -> dict[str, Any]:
    chosen = any(k in p.selections.given for k in keys)
    return {
        "label": label,
        "value": value,
        "fields": fields,
        "note": "Chosen by you." if chosen else "Default of the content.",
        "open": False,
    }


def _as_typed(row: dict[str, Any], typed: Mapping[str, str]) -> dict[str, Any]:
    fields = [{**f, "value": typed.get(f["name"], f["value"])} for f in row["fields"]]
    return {**row, "fields": fields, "open": any(f != g for f, g in zip(fields, row["fields"], strict=True))}


def _select(name: str, label: str, options: Sequence[tuple[str, str]], value: str) -> Field:
    return {"name": name, "label": label, "options": [{"value": v, "label": text} for v, text in options], "value": value}


def _input(name: str, label: str, value: str, type_: str = "text", mode: str = "") -> Field:
    return {"name": name, "label": label, "options": None, "value": value, "type": type_, "mode": mode}


def _indication(p: Proposal, content: Content) -> Field:
    offered = [s for s in content.order_sets.values() if not s.governance.retired or s.id == p.order_set.id]
    return _select(
        "indication", "Indication", sorted(((s.id, f"{s.name} (tier {s.tier})") for s in offered), key=lambda x: x[1]), p.order_set.id
    )


def _regimens(p: Proposal) -> list[tuple[str, str]]:
    return [(r.id, r.title) for r in p.order_set.regimens] or [("", "none is recommended")]


def _regimen_said(p: Proposal) -> str:
    return p.regimen.phase if p.regimen else "none"


def regimen(p: Proposal) -> str:
    """The id of the regimen that is shown."""
    return p.regimen.id if p.regimen else ""


def _products(content: Content, site: Site) -> list[tuple[str, str]]:
    known = [x for x in content.products.values() if x.orderable]
    return [(x.id, x.brand) for x in known if site.formulary is None or x.id in site.formulary]


def _dose(p: Proposal) -> str:
    if p.dose is None:
        return "–"
    if p.dose.per_kg is not None:
        return f"{plain(p.dose.per_kg)} g/kg for the course"
    return f"{amount(half_up(p.dose.calculated_per_infusion_g, '0.1'), 'g')} each day, as stated"


def per_kg(p: Proposal) -> str:
    """Grams per kilogram of the course as shown; empty where grams were stated."""
    return plain(p.dose.per_kg) if p.dose and p.dose.per_kg is not None else ""


def days(p: Proposal) -> int:
    """Over how many days."""
    return len(p.dose.infusions) if p.dose else (p.selections.days or 1)


def dates(p: Proposal) -> str:
    """The days that were chosen one by one, as typed."""
    return ", ".join(d.isoformat() for d in p.selections.dates or ())


def _days_said(p: Proposal) -> str:
    return f"{days(p)}, from {day(p.start, year=False)} {clock(p.start)}"


def _day_fields(p: Proposal) -> list[Field]:
    return [
        _input("days", "Number of infusion days", str(days(p)), "number"),
        _input("start", "First infusion", p.start.strftime(START), "datetime-local"),
        _input("dates", "Days that do not follow each other, as 2026-03-02, 2026-03-05", dates(p)),
    ]


def _series(p: Proposal) -> str:
    if p.series is None:
        return "given once"
    return "one course" if p.series.cycles == 1 else f"{plural(p.series.cycles, 'course')}, {plain(p.series.interval_weeks)} weeks apart"


def interval(p: Proposal) -> str:
    """Weeks from course to course as shown."""
    return plain(p.series.interval_weeks) if p.series else plain(p.selections.interval_weeks) if p.selections.interval_weeks else ""


def cycles(p: Proposal) -> str:
    """Courses as shown."""
    return str(p.series.cycles if p.series else p.selections.cycles or 1)


def _series_fields(p: Proposal) -> list[Field]:
    return [
        _input("interval_weeks", "Weeks from one course to the next", interval(p), mode="decimal"),
        _input("cycles", "Number of courses", cycles(p), "number"),
    ]


def _weight(p: Proposal) -> str:
    return f"{p.weight.used or 'none'}, {p.weight.dosing_kg} kg" if p.weight.dosing_kg is not None else "none"


def _weight_fields(p: Proposal, content: Content) -> list[Field]:
    policies = [(w.id, w.title) for w in content.weight_policies.values()]
    bases = [
        ("other", "another weight"),
        ("actual", "the actual weight"),
        ("ideal", "the ideal weight"),
        ("adjusted", "the adjusted weight"),
    ]
    return [
        _select("policy", "Policy", policies, p.weight.policy),
        _input("dosing_kg", "Or a dosing weight that you state, kg", stated_kg(p), mode="decimal"),
        _select("basis", "What you state is", bases, p.selections.weight.basis),
        _input("weight_reason", "Why it is stated", p.selections.weight.reason),
    ]


def stated_kg(p: Proposal) -> str:
    """The dosing weight that the clinician stated, if they did."""
    return plain(p.weight.dosing_kg) if p.weight.used == "stated" and p.weight.dosing_kg is not None else ""


def _maximum(p: Proposal) -> str:
    if p.rate.cap_ml_kg_h is None or p.weight.dosing_kg is None:
        return "–"
    whose = {"label": "Label", "risk": "Label, at risk", "site": "Site", "clinician": "Yours"}[p.rate.cap_reason or "label"]
    return f"{whose}, {amount(half_up(p.rate.cap_ml_kg_h, '0.01'), 'mL/kg/h')}"


def _cap_fields(p: Proposal) -> list[Field]:
    return [
        _select("cap_mode", "Highest rate", CAPS, cap_mode(p)),
        _input("cap_mg_kg_min", "Your own limit, mg/kg/min", cap(p), mode="decimal"),
    ]


def cap_mode(p: Proposal) -> str:
    """Who limits the rate: content, nobody beyond the label, or the clinician."""
    rate = p.selections.rate
    return "content" if not rate.cap_given else "label" if rate.cap_mg_kg_min is None else "own"


def cap(p: Proposal) -> str:
    """The clinician's own maximum, mg/kg/min."""
    return plain(p.selections.rate.cap_mg_kg_min) if p.selections.rate.cap_mg_kg_min is not None else ""
