"""Plan: what is decided before any check runs: order set, regimen, product, weight, dose, dates, series, vials, and then the rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, Ladder, OrderSet, Product, Regimen, RoundingPolicy
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal import applicability, calendar, rates
from ivig_fhir.proposal.case import PlannedOrder
from ivig_fhir.proposal.dosing import calculate, proposed_g_kg
from ivig_fhir.proposal.model import DoseCalculation, RateSchedule, Rounding, Series, Vial, WeightCalculation
from ivig_fhir.proposal.selections import LARGEST, Selections
from ivig_fhir.proposal.vials import vials_for
from ivig_fhir.proposal.weight import Body, dosing_weight, read_body


@dataclass(frozen=True)
class Plan:
    """What was decided before any check runs."""

    order_set: OrderSet
    product: Product
    regimen: Regimen | None
    body: Body
    weight: WeightCalculation
    start: datetime
    days: int
    concentration: Decimal
    dose: DoseCalculation | None
    rounding: Rounding | None
    vials: tuple[Vial, ...]
    waste_g: Decimal | None
    volume_ml: Decimal | None
    series: Series | None
    interval_weeks: Decimal | None
    per_kg: Decimal | None


def plan_order(chart: ChartSnapshot, selections: Selections, content: Content, site: Site) -> Plan:
    """The plan for one patient. SelectionError where a choice names something that content does not have."""
    applicability.refuse_unknown(selections, content)
    order_set = applicability.choose_order_set(chart, selections, content)
    product = applicability.choose_product(order_set, selections, content, site, applicability.age_on(chart))
    regimen = applicability.choose_regimen(order_set, selections, product, applicability.age_on(chart))
    body_ = read_body(chart, content)
    policy = site.weight_policy or content.constants["default_weight_policy"]
    weight = dosing_weight(body_, selections.weight, policy, content)
    start = calendar.start_of(selections, chart.now, site)
    days = applicability.choose_days(regimen, product, selections) if regimen else (selections.days or 1)
    dates = calendar.course_dates(selections, start, days)
    concentration = applicability.choose_concentration(product, selections)
    interval = calendar.interval_of(selections, regimen)
    per_kg = _per_kg(selections, regimen, order_set, interval)
    rounding = _rounding(selections, content, site, body_)
    dose = None
    born = chart.patient.birth_date
    grams = per_kg is not None or selections.course_g is not None
    if regimen and grams and weight.dosing_kg and born is not None and born <= chart.now.date():
        _refuse_absurd(selections.course_g if selections.course_g is not None else (per_kg or Decimal(0)) * weight.dosing_kg)
        dose = calculate(weight.dosing_kg, per_kg, selections.course_g, dates, rounding, selections.vial_sizes_g or product.vials_g)
    vials, waste = vials_for(dose.per_infusion_g, selections.vial_sizes_g or product.vials_g) if dose else ((), None)
    return Plan(
        order_set=order_set,
        product=product,
        regimen=regimen,
        body=body_,
        weight=weight,
        start=start,
        days=len(dates),
        concentration=concentration,
        dose=dose,
        rounding=rounding,
        vials=vials,
        waste_g=waste,
        volume_ml=dose.per_infusion_g * 1000 / concentration if dose else None,
        series=calendar.series_of(selections, regimen, dates, interval, dose.course_g, content) if regimen and dose else None,
        interval_weeks=interval,
        per_kg=per_kg,
    )


def _refuse_absurd(course_g: Decimal) -> None:
    """No order is that large: somebody mistyped a number."""
    if course_g > LARGEST:
        raise SelectionError(said=f"The course comes to {plain(half_up(course_g, '1'))} g: is one of the numbers wrong?")


def _per_kg(selections: Selections, regimen: Regimen | None, order_set: OrderSet, interval: Decimal | None) -> Decimal | None:
    """Grams per kilogram of the course: chosen, else what the regimen proposes; None when grams were chosen."""
    if selections.course_g is not None or regimen is None:
        return None
    return selections.per_kg if selections.per_kg is not None else proposed_g_kg(regimen, order_set, interval)


def _rounding(selections: Selections, content: Content, site: Site, body_: Body) -> Rounding | None:
    """The vial rounding that holds: chosen, else the site's, else the content's for the age; grams chosen are not rounded.

    Below one year the dose is not rounded to vials, whatever the site says; only a clinician's own increments do that.
    """
    chosen = selections.rounding_increments_g
    if selections.course_g is not None and chosen is None:
        return None
    policy = _rounding_policy(content, body_.age_years)
    tolerance = selections.rounding_tolerance
    if tolerance is None:
        tolerance = site.rounding_tolerance if site.rounding_tolerance is not None else policy.tolerance
    if tolerance > policy.tolerance:
        raise SelectionError(said=f"A rounding tolerance above {policy.tolerance} is more than the policy allows.")
    stated = chosen is not None or selections.rounding_tolerance is not None
    narrowed = site.rounding_increments_g is not None or site.rounding_tolerance is not None
    whose = "stated" if stated else "site" if narrowed and policy.increments_g else policy.id
    increments = policy.increments_g and (site.rounding_increments_g or policy.increments_g)
    return Rounding(increments if chosen is None else chosen, tolerance, whose, policy.version)


def _rounding_policy(content: Content, age: int | None) -> RoundingPolicy:
    """The content's policy for adults, children or infants; for an unknown age that for children."""
    adult = age is not None and age >= content.constants["adult_years"]
    who = "adult" if adult else "infant" if age == 0 else "child"
    return next(p for p in content.rounding_policies.values() if p.applies == who)


def planned(plan: Plan, rate: RateSchedule | None) -> PlannedOrder:
    """The plan as the checks see it; before the chart was checked there is no rate."""
    dose, steps = plan.dose, rate.steps if rate else ()
    return PlannedOrder(
        indication=plan.order_set,
        regimen=plan.regimen,
        product=plan.product,
        days=plan.days,
        dates=tuple(i.date for i in dose.infusions) if dose else (),
        start=plan.start,
        course_exact_g=dose.calculated_course_g if dose else None,
        course_g=dose.course_g if dose else None,
        per_infusion_exact_g=dose.calculated_per_infusion_g if dose else None,
        per_infusion_g=dose.per_infusion_g if dose else None,
        dosing_kg=plan.weight.dosing_kg,
        actual_kg=plan.body.kg,
        height_cm=plan.body.cm,
        volume_ml=plan.volume_ml,
        weight_stated=plan.weight.used == "stated",
        weight_basis=plan.weight.basis,
        weight_used=plan.body.weight,
        interval_weeks=plan.interval_weeks,
        series=plan.series,
        rate_minutes=rate.total_minutes if rate else None,
        rate_basis=rate.basis if rate else "none",
        rate_max_ml_kg_h=max((s.ml_kg_h for s in steps), default=None),
        label_max_ml_kg_h=rate.label_max_ml_kg_h if rate else None,
        rate_ml_kg_h=max((s.ml_h / plan.weight.dosing_kg for s in steps), default=None) if plan.weight.dosing_kg else None,
    )


def rate_for(plan: Plan, ladder: Ladder | None, selections: Selections, site: Site, at_risk: bool) -> RateSchedule:
    """The pump's steps, or none where dose, weight or rate table are missing; `at_risk` is what the checks of kidney and clots found."""
    chosen, kg = rates.rate_of(selections, plan.regimen), plan.weight.dosing_kg
    if plan.volume_ml is None or kg is None or ladder is None:
        return rates.NO_SCHEDULE
    if chosen.hours is not None:
        return rates.schedule_hours(chosen.hours, kg, plan.volume_ml, ladder)
    fallback = plan.order_set.label_code if plan.order_set.label_code in ladder.for_ else ladder.for_[0]
    cap = rates.choose_cap(ladder, chosen, plan.product, site, at_risk)
    return rates.schedule_steps(ladder, chosen.ladder or fallback, site, plan.product, cap, kg, plan.volume_ml)
