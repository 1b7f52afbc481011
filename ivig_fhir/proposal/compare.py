"""The same order under every dosing-weight policy, side by side; policies that cannot differ are still shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, WeightPolicy
from ivig_fhir.fhir.quantity import half_up
from ivig_fhir.proposal.dosing import calculate
from ivig_fhir.proposal.model import Proposal, Rounding, Vial
from ivig_fhir.proposal.selections import ChosenWeight
from ivig_fhir.proposal.vials import vials_for
from ivig_fhir.proposal.weight import Body, dosing_weight, read_body


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """What one policy gives: dosing weight in kg and which weight that is, grams before and after rounding, vials of one infusion.

    `from_actual_percent` is how far the calculated dose is from that on the actual weight, to 0.1. Without vial sizes there are no vials.
    """

    policy: str
    version: str
    title: str
    dosing_kg: Decimal
    used: str
    exact_course_g: Decimal
    from_actual_percent: Decimal
    exact_g: Decimal
    rounded_g: Decimal
    course_g: Decimal
    vials: tuple[Vial, ...]
    waste_g: Decimal | None
    why: str


def compare_policies(p: Proposal, chart: ChartSnapshot, content: Content) -> tuple[PolicyRow, ...]:
    """A row a policy, for the dose per kilogram of this proposal; none where grams were chosen or no weight is known."""
    if p.dose is None or p.dose.per_kg is None:
        return ()
    dates = [i.date for i in p.dose.infusions]
    return compare_weights(
        read_body(chart, content), p.dose.per_kg, dates, p.rounding, p.selections.vial_sizes_g or p.product.vials_g, content
    )


def compare_weights(
    body: Body, per_kg: Decimal, dates: Sequence[date], rounding: Rounding | None, sizes: Sequence[Decimal], content: Content
) -> tuple[PolicyRow, ...]:
    """A row a policy, in the order of the content, for grams per kilogram of a course over these dates; none without a weight.

    No policy doses above the actual weight.
    """
    rows = [_row(policy, body, per_kg, dates, rounding, sizes, content) for policy in content.weight_policies.values()]
    return tuple(r for r in rows if r is not None)


def _row(
    policy: WeightPolicy,
    body: Body,
    per_kg: Decimal,
    dates: Sequence[date],
    rounding: Rounding | None,
    sizes: Sequence[Decimal],
    content: Content,
) -> PolicyRow | None:
    weight = dosing_weight(body, ChosenWeight(policy.id), policy.id, content)
    if weight.dosing_kg is None or weight.actual_kg is None:
        return None
    dose = calculate(weight.dosing_kg, per_kg, None, dates, rounding, sizes)
    vials, waste = vials_for(dose.per_infusion_g, sizes) if sizes else ((), None)
    return PolicyRow(
        policy=policy.id,
        version=policy.version,
        title=policy.title,
        dosing_kg=weight.dosing_kg,
        used=weight.used or "",
        exact_course_g=dose.calculated_course_g,
        from_actual_percent=half_up((weight.dosing_kg - weight.actual_kg) / weight.actual_kg * 100, "0.1"),
        exact_g=dose.calculated_per_infusion_g,
        rounded_g=dose.per_infusion_g,
        course_g=dose.course_g,
        vials=vials,
        waste_g=waste,
        why=weight.why,
    )
