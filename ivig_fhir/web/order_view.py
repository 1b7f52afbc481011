"""The order's own part of every page: patient banner, the number with its days and series, the line of facts; plain data."""

from __future__ import annotations

from typing import Any

from ivig_fhir.chart.facts import Person
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.answer import series_json
from ivig_fhir.proposal.dosage import infusion_dates
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.web.render import amount, day, duration, measured, plural, shouted, tenth
from ivig_fhir.web.schedule import days_view, series_facts

View = dict[str, Any]


def banner_view(p: Proposal, chart: ChartSnapshot) -> View:
    """Name, birth date with age and sex, record number, weight with its date, allergies: the line that is on every page."""
    born = f"{day(p.patient.birth_date)} ({p.age})" if p.patient.birth_date else "not recorded"
    weight = (
        f"{measured(p.weight.actual_kg, 'kg')}, {day(p.weight.effective)}" if p.weight.actual_kg is not None else "none that can be used"
    )
    return {
        "name": shouted(p.patient.name) or "Name not recorded",
        "born": f"{born}, {p.patient.sex or 'sex not recorded'}",
        "identifier": p.patient.identifier,
        "weight": weight,
        "allergies": allergies_said(chart),
    }


def person_view(person: Person) -> View:
    """The same line on a page that shows no chart: who it is about, and nothing of weight and allergies."""
    born = f"{day(person.birth_date)}" if person.birth_date else "not recorded"
    return {
        "name": shouted(person.name) or "Name not recorded",
        "born": f"{born}, {person.sex or 'sex not recorded'}",
        "identifier": person.identifier,
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
