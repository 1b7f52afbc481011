"""Propose: from a chart and a clinician's choices to one complete proposal; pure, and the same input gives the same digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from ivig_fhir.chart.answers import Reason
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import shortfalls
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.building import digest
from ivig_fhir.proposal import applicability
from ivig_fhir.proposal.answer import body
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks import CHART_CHECKS, ORDER_CHECKS, RENAL_OR_THROMBOSIS_RISK, interval_months
from ivig_fhir.proposal.companions import companions_for
from ivig_fhir.proposal.cumulative import given_before
from ivig_fhir.proposal.figures import figures_of
from ivig_fhir.proposal.findings import Clear, Finding, NotAssessed, Result
from ivig_fhir.proposal.ladders import offered_ladder
from ivig_fhir.proposal.measures import with_measures
from ivig_fhir.proposal.model import Proposal, RateSchedule, Series
from ivig_fhir.proposal.plan import Plan, plan_order, planned, rate_for
from ivig_fhir.proposal.risk_rate import with_rate_notes
from ivig_fhir.proposal.selections import ChosenOverride, Selections


def propose(chart: ChartSnapshot, selections: Selections, content: Content, now: datetime, site: Site) -> Proposal:
    """The proposal for one patient at one moment.

    `now` is the chart's moment, aware. SelectionError where a choice names something that content does not have; everything clinical,
    a hard stop too, is a finding inside the proposal.
    """
    chart = chart if chart.now == now else replace(chart, now=now)
    plan = plan_order(chart, selections, content, site)
    case = Case(chart, content, selections, site, planned(plan, None))
    results = _run(case, CHART_CHECKS)
    ladder, at_risk = offered_ladder(case), any(_above_info(results.get(c)) for c in RENAL_OR_THROMBOSIS_RISK)
    rate = rate_for(plan, ladder, selections, site, at_risk)
    results |= _run(replace(case, order=planned(plan, rate), earlier=results), ORDER_CHECKS)
    noted = with_rate_notes(results, RENAL_OR_THROMBOSIS_RISK, rate, ladder, plan.product, content)
    proposal = _assemble(case, plan, rate, noted, selections)
    return replace(proposal, digest=digest([body(proposal), proposal.chart_digest]))


def _run(case: Case, checks: tuple[tuple[str, Callable[[Case], Result]], ...]) -> dict[str, Result]:
    """The checks in the order a pharmacist reads; each sees the results of those before it."""
    results: dict[str, Result] = dict(case.earlier)
    seen = replace(case, earlier=MappingProxyType(results))
    for id_, check in checks:
        results[id_] = check(seen)
    return {id_: results[id_] for id_, _ in checks}


def _above_info(result: Result | None) -> bool:
    return isinstance(result, Finding) and result.severity != "info"


def _assemble(case: Case, plan: Plan, rate: RateSchedule, results: Mapping[str, Result], selections: Selections) -> Proposal:
    content, chart = case.content, case.chart
    every = _in_order(results, content)
    findings = tuple(r for r in every if isinstance(r, Finding))
    missing = plan.dose is None and any(f.check in content.constants["data_required"] for f in findings if f.severity == "hard-stop")
    stopped = any(f.severity == "hard-stop" for f in findings)
    condition = applicability.condition_for(chart, plan.order_set)
    final = replace(case, order=planned(plan, rate), earlier=results)
    companions = companions_for(final) if plan.dose else ()
    return Proposal(
        outcome="data-required" if missing else "stopped" if stopped else "proposed",
        digest="",
        run=selections.run,
        now=case.now,
        patient=chart.patient,
        age=case.age_text,
        order_set=plan.order_set,
        regimen=plan.regimen,
        product=plan.product,
        on_label=applicability.is_on_label(plan.order_set, plan.regimen, plan.product, case.age_years, case.adult),
        content_version=content.version,
        review="unreviewed"
        if shortfalls(content, case.site, plan.order_set, plan.product, case.now.astimezone(case.site.timezone).date())
        else "reviewed",
        defaulted=_defaulted(selections, plan.series),
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
        figures=figures_of(final),
        given_before=given_before(final),
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


def _used(chart: ChartSnapshot, plan: Plan, findings: tuple[Finding, ...]) -> dict[str, str | None]:
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


def _defaulted(selections: Selections, series: Series | None) -> tuple[str, ...]:
    """What the clinician left to the content."""
    silent = [k for k in ("indication", "regimen", "product", "dose", "start", "weight", "rounding", "rate") if k not in selections.given]
    if selections.days is None and selections.dates is None:
        silent.append("days")
    return (*silent, *(k for k in ("interval_weeks", "cycles") if series and k not in selections.given))
