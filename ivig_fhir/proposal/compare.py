"""The same order under every dosing-weight policy, side by side; policies that cannot differ are still shown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.proposal.dosing import calculate
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenWeight
from ivig_fhir.proposal.weight import dosing_weight, read_body


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What one policy gives: dosing weight in kg, grams of one infusion before and after rounding, grams of the course."""

    policy: str
    dosing_kg: Decimal
    used: str
    exact_g: Decimal
    rounded_g: Decimal
    course_g: Decimal
    why: str


def compare_policies(p: Proposal, chart: ChartSnapshot, content: Content) -> tuple[PolicyRow, ...]:
    """A row a policy, for the dose per kilogram of this proposal; none where grams were chosen or no weight is known."""
    if p.dose is None or p.dose.per_kg is None:
        return ()
    body = read_body(chart, content)
    dates = [i.date for i in p.dose.infusions]
    rows = []
    for policy in content.weight_policies.values():
        weight = dosing_weight(body, ChosenWeight(policy.id), policy.id, content)
        if weight.dosing_kg is None:
            continue
        dose = calculate(weight.dosing_kg, p.dose.per_kg, None, dates, p.rounding, p.selections.vial_sizes_g or p.product.vials_g)
        grams = (dose.calculated_per_infusion_g, dose.per_infusion_g, dose.course_g)
        rows.append(PolicyRow(policy.id, weight.dosing_kg, weight.used or "", *grams, weight.why))
    return tuple(rows)
