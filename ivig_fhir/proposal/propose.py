"""Propose: from a chart and a clinician's choices to one complete proposal; pure, and the same input gives the same digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, OrderSet, Product, Regimen
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import shortfalls
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.building import digest
from ivig_fhir.fhir.dates import completed_months, completed_years
from ivig_fhir.proposal import applicability, calendar, rates
from ivig_fhir.proposal.answer import body
from ivig_fhir.proposal.case import Case, PlannedOrder
from ivig_fhir.proposal.checks import CHART_CHECKS, ORDER_CHECKS, RENAL_OR_THROMBOSIS_RISK, interval_months
from ivig_fhir.proposal.companions import companions_for
from ivig_fhir.proposal.dosing import calculate, cycle_g_kg
from ivig_fhir.proposal.findings import Clear, Finding, NotAssessed, Result
from ivig_fhir.proposal.measures import with_measures
from ivig_fhir.proposal.model import DoseCalculation, Proposal, RateSchedule, Rounding, Series, Vial, WeightCalculation
from ivig_fhir.proposal.selections import ChosenOverride, Selections
from ivig_fhir.proposal.vials import vials_for
from ivig_fhir.proposal.weight import Body, dosing_weight, read_body


@dataclass(frozen=True)
class _Plan:
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


def propose(chart: ChartSnapshot, selections: Selections, content: Content, now: datetime, site: Site) -> Proposal:
    """The proposal for one patient at one moment.

    `now` is the chart's moment, aware. SelectionError where a choice names something that content does not have; everything clinical,
    a hard stop too, is a finding inside the proposal.
    """
    chart = replace(chart, now=now)
    plan = _plan(chart, selections, content, site)
    case = Case(chart, content, selections, site, _planned(plan, None))
    results = _run(case, CHART_CHECKS)
    rate = _rate(plan, selections, site, any(_above_info(results.get(c)) for c in RENAL_OR_THROMBOSIS_RISK))
    results |= _run(replace(case, order=_planned(plan, rate), earlier=results), ORDER_CHECKS)
    proposal = _assemble(case, plan, rate, _with_rate_notes(results, rate, content), selections)
    return replace(proposal, digest=digest([body(proposal), proposal.chart_digest]))


def _plan(chart: ChartSnapshot, selections: Selections, content: Content, site: Site) -> _Plan:
    order_set = applicability.choose_order_set(chart, selections, content)
    product = applicability.choose_product(order_set, selections, content, site)
    regimen = applicability.choose_regimen(order_set, selections, product)
    body_ = read_body(chart, content)
    policy = site.weight_policy or content.constants["default_weight_policy"]
    weight = dosing_weight(body_, selections.weight, policy, content)
    start = calendar.start_of(selections, chart.now, site)
    days = applicability.choose_days(regimen, product, selections) if regimen else (selections.days or 1)
    dates = calendar.course_dates(selections, start, days)
    concentration = applicability.choose_concentration(product, selections)
    interval = selections.interval_weeks or (regimen.interval_weeks[0] if regimen and regimen.interval_weeks else None)
    per_kg = _per_kg(selections, regimen, order_set, interval)
    rounding = _rounding(selections, content, site, body_)
    dose = None
    born = chart.patient.birth_date
    grams = per_kg is not None or selections.course_g is not None
    if regimen and grams and weight.dosing_kg and born is not None and born <= chart.now.date():
        dose = calculate(weight.dosing_kg, per_kg, selections.course_g, dates, rounding, selections.vial_sizes_g or product.vials_g)
    vials, waste = vials_for(dose.per_infusion_g, selections.vial_sizes_g or product.vials_g) if dose else ((), None)
    return _Plan(
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
        series=calendar.series_of(selections, dates, interval, dose.course_g, content) if dose else None,
        interval_weeks=interval,
        per_kg=per_kg,
    )


def _per_kg(selections: Selections, regimen: Regimen | None, order_set: OrderSet, interval: Decimal | None) -> Decimal | None:
    """Grams per kilogram of the course: chosen, else the lower end of the regimen; None when grams were chosen."""
    if selections.course_g is not None or regimen is None:
        return None
    return selections.per_kg if selections.per_kg is not None else cycle_g_kg(regimen, order_set, interval)[0]


def _rounding(selections: Selections, content: Content, site: Site, body_: Body) -> Rounding | None:
    """The vial rounding that holds: chosen, else the site's, else the content's for adults or children; grams chosen are not rounded."""
    chosen = selections.rounding_increments_g
    if selections.course_g is not None and chosen is None:
        return None
    adult = body_.age_years is not None and body_.age_years >= content.constants["adult_years"]
    policy = next(p for p in content.rounding_policies.values() if p.applies == ("adult" if adult else "child"))
    tolerance = selections.rounding_tolerance
    if tolerance is None:
        tolerance = site.rounding_tolerance if site.rounding_tolerance is not None else policy.tolerance
    if tolerance > policy.tolerance:
        raise SelectionError(said=f"A rounding tolerance above {policy.tolerance} is more than the policy allows.")
    stated = chosen is not None or selections.rounding_tolerance is not None
    narrowed = site.rounding_increments_g is not None or site.rounding_tolerance is not None
    whose = "stated" if stated else "site" if narrowed else policy.id
    return Rounding(chosen or site.rounding_increments_g or policy.increments_g, tolerance, whose, policy.version)


def _planned(plan: _Plan, rate: RateSchedule | None) -> PlannedOrder:
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
        rate_basis=rate.basis if rate else "none",
        rate_max_ml_kg_h=max((s.ml_kg_h for s in steps), default=None),
        label_max_ml_kg_h=rate.label_max_ml_kg_h if rate else None,
        rate_ml_kg_h=max((s.ml_h / plan.weight.dosing_kg for s in steps), default=None) if plan.weight.dosing_kg else None,
    )


def _run(case: Case, checks: tuple[tuple[str, Callable[[Case], Result]], ...]) -> dict[str, Result]:
    """The checks in the order a pharmacist reads; each sees the results of those before it."""
    results: dict[str, Result] = dict(case.earlier)
    seen = replace(case, earlier=MappingProxyType(results))
    for id_, check in checks:
        results[id_] = check(seen)
    return {id_: results[id_] for id_, _ in checks}


def _above_info(result: Result | None) -> bool:
    return isinstance(result, Finding) and result.severity != "info"


def _rate(plan: _Plan, selections: Selections, site: Site, at_risk: bool) -> RateSchedule:
    chosen = selections.rate
    ladder = rates.choose_ladder(plan.product, plan.order_set.label_code, chosen.ladder, plan.concentration)
    if plan.volume_ml is None or plan.weight.dosing_kg is None:
        return rates.NO_SCHEDULE
    if chosen.hours is not None:
        return rates.schedule_hours(chosen.hours, plan.weight.dosing_kg, plan.volume_ml, ladder)
    if ladder is None:
        return rates.NO_SCHEDULE
    fallback = plan.order_set.label_code if plan.order_set.label_code in ladder.for_ else ladder.for_[0]
    cap = rates.choose_cap(ladder, chosen, plan.product, site, at_risk)
    return rates.schedule_steps(ladder, chosen.ladder or fallback, site, plan.product, cap, plan.weight.dosing_kg, plan.volume_ml)


def _with_rate_notes(results: Mapping[str, Result], rate: RateSchedule, content: Content) -> dict[str, Result]:
    """A risk finding says so when neither label nor site gives a reduced rate: the figure is then the clinician's to set."""
    if rate.cap_reason != "label":
        return dict(results)
    sentence = content.constants["words"]["risk_rate_absent"]
    noted = dict(results)
    for id_ in RENAL_OR_THROMBOSIS_RISK:
        found = noted.get(id_)
        if isinstance(found, Finding) and found.severity != "info":
            noted[id_] = replace(found, mitigation=(*found.mitigation, sentence))
    return noted


def _assemble(case: Case, plan: _Plan, rate: RateSchedule, results: Mapping[str, Result], selections: Selections) -> Proposal:
    content, chart = case.content, case.chart
    every = _in_order(results, content)
    findings = tuple(r for r in every if isinstance(r, Finding))
    missing = plan.dose is None and any(f.check in content.constants["data_required"] for f in findings if f.severity == "hard-stop")
    stopped = any(f.severity == "hard-stop" for f in findings)
    condition = applicability.condition_for(chart, plan.order_set)
    final = replace(case, order=_planned(plan, rate), earlier=results)
    companions = companions_for(final) if plan.dose else ()
    return Proposal(
        outcome="data-required" if missing else "stopped" if stopped else "proposed",
        digest="",
        run=selections.run,
        now=case.now,
        patient=chart.patient,
        age=_age(case),
        order_set=plan.order_set,
        regimen=plan.regimen,
        product=plan.product,
        on_label=applicability.is_on_label(plan.order_set, plan.product, case.age_years),
        content_version=content.version,
        review="unreviewed"
        if shortfalls(content, case.site, plan.order_set, plan.product, case.now.astimezone(case.site.timezone).date())
        else "reviewed",
        defaulted=_defaulted(selections),
        selections=selections,
        overrides=_overrides(selections, findings, content),
        weight=plan.weight,
        dose=plan.dose,
        rounding=plan.rounding,
        series=plan.series,
        concentration_mg_ml=plan.concentration,
        vials=plan.vials,
        waste_g=plan.waste_g,
        volume_ml=plan.volume_ml,
        rate=rate,
        findings=with_measures(findings, companions, rate, plan.days, content),
        not_assessed=tuple(r for r in every if isinstance(r, NotAssessed)),
        clear=tuple(r.check for r in every if isinstance(r, Clear)),
        companions=companions,
        vaccine_interval_months=interval_months(final),
        condition=condition.source.reference if condition else None,
        start=plan.start,
        chart_digest=chart.digest,
        used=_used(chart, plan, findings),
    )


def _in_order(results: Mapping[str, Result], content: Content) -> tuple[Result, ...]:
    """A result for every check of the index, A01 to F10; one that is not built yet was not assessed, and says so."""
    words = content.constants["words"]["not_built"]
    index = content.constants["check_index"]
    return tuple(results.get(id_) or NotAssessed(id_, Reason.NOT_SUPPORTED, words.format(title=title)) for _, id_, title in index)


def _overrides(selections: Selections, findings: tuple[Finding, ...], content: Content) -> tuple[ChosenOverride, ...]:
    """The overrides that meet a finding that may be overridden; a reason that nobody asked for is dropped, an unknown code refused."""
    known = {code for code, _ in content.constants["override_reasons"]}
    for item in selections.overrides:
        if item.code not in known:
            raise SelectionError(said=f"{item.code} is not an override reason.")
    open_ = {f.check for f in findings if f.severity == "override"}
    return tuple(o for o in selections.overrides if o.check in open_)


def _used(chart: ChartSnapshot, plan: _Plan, findings: tuple[Finding, ...]) -> dict[str, str | None]:
    """Every resource that the dose or a finding stands on, with a mark that changes when it changes."""
    wanted = {e.reference for f in findings for e in f.evidence} | {chart.patient.reference}
    wanted |= {m.source.reference for m in (plan.body.weight, plan.body.height) if m}
    marks: dict[str, str | None] = {}
    for type_ in sorted({r.split("/")[0] for r in wanted}):
        for resource in chart.resources(type_):
            reference = f"{type_}/{resource.get('id')}"
            if reference in wanted:
                marks[reference] = digest(resource)
    return marks


def _defaulted(selections: Selections) -> tuple[str, ...]:
    """What the clinician left to the content."""
    silent = [k for k in ("indication", "regimen", "product", "dose", "start", "weight", "rounding", "rate") if k not in selections.given]
    if selections.days is None and selections.dates is None:
        silent.append("days")
    return tuple(silent)


def _age(case: Case) -> str:
    """Completed years; months below two years."""
    born = case.chart.patient.birth_date
    if born is None:
        return ""
    years = completed_years(born, case.now.date())
    return f"{years} years" if years >= 2 else f"{completed_months(born, case.now.date())} months"
