"""`ivig-fhir content policies`: what each dosing-weight policy gives for one patient, in kilograms, grams and vials."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.cli.charts import add_chart_options, chart_of
from ivig_fhir.cli.inputs import content_and_site, moment, read_json
from ivig_fhir.cli.text import aligned
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import reviewed_share
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.compare import PolicyRow, compare_policies, compare_weights
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import Selections, parse_selections
from ivig_fhir.proposal.weight import read_body

SCHEMA = "ivig-fhir/policies/1"
_HEADS = ("Policy", "Version", "kg", "Weight", "Course, g", "Against actual", "Each infusion", "Why")


@dataclass(frozen=True)
class _Comparison:
    """The rows, for how many grams per kilogram over how many days, and of which product the vials are ("": none was known)."""

    rows: Sequence[PolicyRow]
    per_kg: Decimal
    days: int
    product: str
    note: str


def register(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the part and its options."""
    policies = parts.add_parser("policies", help="the dosing weight of one patient by each policy", description=__doc__)
    add_chart_options(policies, required=False)
    policies.add_argument("--select", metavar="FILE", help="selections, JSON: indication, product, dose, days")
    policies.add_argument("--site", metavar="FILE")
    policies.add_argument("--now", metavar="WHEN")
    policies.add_argument("--format", choices=("text", "json"), default="text")
    policies.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints a row a policy. Without an indication the grams are those of the course before rounding, and there are no vials."""
    content, site = content_and_site(arguments.site)
    now = moment(arguments.now, site)
    chart = chart_of(arguments, content, site, now)
    selections = parse_selections(read_json(arguments.select, SelectionError) if arguments.select else {})
    if selections.course_g is not None:
        raise SelectionError(said="The selections give the course in grams, so that no policy makes a difference.")
    if selections.per_kg is None:
        selections = replace(selections, per_kg=content.constants["comparison_g_kg"])
    compared = _compared(chart, selections, content, now, site)
    if arguments.format == "json":
        print(json.dumps(_json(chart, compared, content), ensure_ascii=False, indent=1))
    else:
        words = content.constants["words"]
        said = {"none": [words["unreviewed"]], "part": [words["reviewed_in_part"]], "all": []}[reviewed_share(content, site, now.date())]
        print("\n".join([*_text(chart, compared, content), *said]))
    return 0


def _compared(chart: ChartSnapshot, selections: Selections, content: Content, now: datetime, site: Site) -> _Comparison:
    per_kg = selections.per_kg or Decimal(0)
    try:
        proposal = propose(chart, selections, content, now, site)
    except SelectionError as error:
        if selections.indication or selections.product:
            raise
        proposal, note = None, f"{error.message} Here: grams of the course before rounding, no vials."
    if proposal is None or proposal.dose is None:
        days = selections.days or 1
        dates = [now.date() + timedelta(days=n) for n in range(days)]
        why = note if proposal is None else "No dose is proposed. Here: grams of the course before rounding, no vials."
        return _Comparison(compare_weights(read_body(chart, content), per_kg, dates, None, (), content), per_kg, days, "", why)
    return _Comparison(compare_policies(proposal, chart, content), per_kg, len(proposal.dose.infusions), proposal.product.brand, "")


def _text(chart: ChartSnapshot, c: _Comparison, content: Content) -> list[str]:
    body = read_body(chart, content)
    said = ", ".join(f"{plain(value)} {unit}" for value, unit in ((body.kg, "kg"), (body.cm, "cm")) if value is not None) or "no weight"
    over = f" over {c.days} days" if c.days > 1 else ""
    head = f"{chart.patient.reference}: {body.sex or 'sex not recorded'}, {said}; {plain(c.per_kg)} g/kg{over}"
    lines = [head + (f", {c.product}" if c.product else "")]
    if not c.rows:
        return [*lines, "The chart has no usable weight."]
    return [*lines, *aligned([_HEADS, *(_cells(row) for row in c.rows)]), *([c.note] if c.note else []), *_foot(content)]


def _foot(content: Content) -> list[str]:
    """What holds for every row, and which published rules have none."""
    words, elsewhere = content.constants["words"], [title for title, _ in content.constants["weight_elsewhere"]]
    return [words["never_above_actual"], *([words["weight_elsewhere"].format(rules="; ".join(elsewhere))] if elsewhere else [])]


def _cells(row: PolicyRow) -> tuple[str, ...]:
    vials = " + ".join(f"{v.count} × {plain(v.grams)}" for v in row.vials)
    each = f"{plain(row.rounded_g)} g = {vials}, waste {plain(row.waste_g or Decimal(0))}" if row.vials else "–"
    course = plain(half_up(row.exact_course_g, "0.1"))
    return (row.policy, row.version, str(row.dosing_kg), row.used, course, f"{row.from_actual_percent} %", each, row.why)


def _json(chart: ChartSnapshot, c: _Comparison, content: Content) -> dict[str, Any]:
    body = read_body(chart, content)
    return {
        "schema": SCHEMA,
        "patient": {
            "reference": chart.patient.reference,
            "sex": body.sex or None,
            "actual_kg": _said(body.kg),
            "height_cm": _said(body.cm),
        },
        "per_kg": plain(c.per_kg),
        "days": c.days,
        "product": c.product or None,
        "note": c.note or None,
        "policies": [_row(row) for row in c.rows],
        "not_computed": [{"title": t, "citations": list(basis.citations)} for t, basis in content.constants["weight_elsewhere"]],
    }


def _said(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _row(row: PolicyRow) -> dict[str, Any]:
    return {
        "policy": row.policy,
        "version": row.version,
        "title": row.title,
        "dosing_kg": str(row.dosing_kg),
        "used": row.used,
        "calculated_course_g": str(half_up(row.exact_course_g, "0.01")),
        "from_actual_percent": str(row.from_actual_percent),
        "per_infusion_g": plain(row.rounded_g) if row.vials else None,
        "course_g": plain(row.course_g) if row.vials else None,
        "vials": [{"grams": plain(v.grams), "count": v.count} for v in row.vials],
        "waste_g": _said(row.waste_g),
        "why": row.why,
    }
