"""What the record says beside an order on the pharmacist's desk: kidney and IgG over time, and the immunoglobulin given before."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.quantity import plain
from ivig_fhir.web.blood_view import absent, blood_lines
from ivig_fhir.web.desk import Desk
from ivig_fhir.web.earlier_infusions import earlier_infusions, reactions
from ivig_fhir.web.pictures import SMALL, trend
from ivig_fhir.web.render import amount, day, plural

View = dict[str, Any]
_PANELS = (("creatinine", "Creatinine"), ("igg", "IgG"))
_FILTRATION = "egfr-"


def laboratory_view(desk: Desk) -> View:
    """Creatinine and IgG as small pictures, the estimated filtration, and in words what there is no value of."""
    pictures = [trend(title, desk.chart.panel(panel), box=SMALL) for panel, title in _PANELS]
    none = absent(desk.chart).lower()
    return {
        "trends": [t for t in pictures if t],
        "missing": [f"{title}: {none}" for (_, title), t in zip(_PANELS, pictures, strict=True) if t is None],
        "filtration": filtration(desk),
        "blood": blood_lines(desk.chart),
    }


def filtration(desk: Desk) -> str:
    """The first estimate of the kidneys' filtration among the figures of the order, by the formula that its name gives;

    with the day of its creatinine where that is not the newest one.
    """
    found = next((f for f in desk.kept.get("figures", []) if f["id"].startswith(_FILTRATION)), None)
    if found is None:
        return "eGFR: nothing to estimate it from"
    creatinine = desk.chart.panel("creatinine")
    used = next((m for m in creatinine if m.source.reference in found["sources"] and m.time), None)
    of = f" from {day(used.time.text)}" if used and used.time and used is not creatinine[0] else ""
    return f"{found['title']}: {amount(found['value'], found['unit'])}{of}"


def before_view(desk: Desk) -> View:
    """Grams of the last days without and with this course, the last product, the last reaction; what could not be counted is said."""
    given, found = desk.kept.get("given_before"), earlier_infusions(desk.chart, desk.content)
    reacted = reactions(desk.chart, desk.content)
    unread = desk.chart.answer("MedicationAdministration").unread
    none = "administrations could not be read" if unread else "none recorded as given"
    return {
        "rows": [
            ("Cumulative", _grams(given) if given else "not counted by the version that made this order"),
            ("Last infusion", found[0].said if found else none),
            ("Last reaction", reacted[0].removeprefix("Reaction: ") if reacted else _no_reaction(desk)),
        ],
        "earlier": [x.said for x in found[1:]],
    }


def _no_reaction(desk: Desk) -> str:
    return "allergies could not be read" if desk.chart.answer("AllergyIntolerance").unread else "none recorded"


def _grams(given: Mapping[str, Any]) -> str:
    days, total = plain(Decimal(given["days"])), given["with_course_g_kg"]
    said = f"{amount(given['grams'], 'g')} in the last {days} days"
    with_course = f"; {amount(total, 'g/kg')} with this course" if total is not None else ""
    open_ = len(given["not_counted"])
    return said + with_course + (f"; {plural(open_, 'entry', 'entries')} not countable" if open_ else "")
