"""Applicability: which order set, regimen and product a chart and a clinician's choices lead to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ivig_fhir.chart.facts import Problem
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content, OrderSet, Product, Regimen
from ivig_fhir.content.order_set import Years
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.dates import completed_years
from ivig_fhir.proposal.selections import Selections

LABEL = "label"  # the regimen id that means: as the product's label prints it


def indications_in(chart: ChartSnapshot, content: Content) -> tuple[OrderSet, ...]:
    """The order sets whose codes an active Condition carries, within their ages."""
    found = []
    for item in content.order_sets.values():
        usable = not item.governance.retired and within_years(age_on(chart), item.age_years)
        if usable and condition_for(chart, item, active_only=True):
            found.append(item)
    return tuple(found)


def condition_for(chart: ChartSnapshot, order_set: OrderSet, active_only: bool = False) -> Problem | None:
    """The Condition that carries a code of the indication, an active one first; codes only, words are not an indication."""
    mine = [p for p in chart.problems if order_set.codes.by_code(p.codes) and (p.active or not active_only)]
    return min(mine, key=lambda p: (not p.active, p.soft), default=None)


def named_in(chart: ChartSnapshot, content: Content) -> Mapping[str, str]:
    """By its id, each order set that only the words of an active Condition name, and what they say; to be confirmed, never taken."""
    found = {}
    for item in content.order_sets.values():
        usable = not item.governance.retired and within_years(age_on(chart), item.age_years)
        mine = [p for p in chart.problems if usable and p.active and item.codes.by_text(p.texts)]
        if mine and condition_for(chart, item, active_only=True) is None:
            found[item.id] = min(mine, key=lambda p: p.soft).said
    return found


def age_on(chart: ChartSnapshot) -> int | None:
    """Completed years on the day of the chart, or None without a usable birth date."""
    born = chart.patient.birth_date
    return None if born is None else completed_years(born, chart.now.date())


def within_years(age: int | None, years: Years) -> bool:
    """Whether an age is within limits, both included; an unknown age is not held against anybody."""
    low, high = years
    return age is None or ((low is None or age >= low) and (high is None or age <= high))


def refuse_unknown(selections: Selections, content: Content) -> None:
    """SelectionError where a choice names a companion, a premedication or a check that content does not have."""
    companions = {c.id for c in content.companions}
    premedication = companions | {id_.removeprefix("premedication-") for id_ in companions if id_.startswith("premedication-")}
    checks = {id_ for _, id_, _ in content.constants["check_index"]}
    named = (
        ("companion", selections.companions, companions),
        ("premedication", selections.premedication or (), premedication),
        ("check", [o.check for o in selections.overrides], checks),
    )
    for what, names, known in named:
        unknown = next((n for n in names if n not in known), None)
        if unknown is not None:
            raise SelectionError(said=f"There is no {what} {unknown}.")


def choose_order_set(chart: ChartSnapshot, selections: Selections, content: Content) -> OrderSet:
    """The order set chosen, else the only one that the chart carries. SelectionError names the candidates."""
    if selections.indication is not None:
        chosen = content.order_sets.get(selections.indication)
        if chosen is None:
            raise SelectionError(said=f"There is no order set {selections.indication}.")
        if chosen.governance.retired:
            raise SelectionError(said=f"The order set {chosen.id} is retired: no new order stands on it.")
        return chosen
    found = indications_in(chart, content)
    if len(found) == 1:
        return found[0]
    if not found:
        worded = ", ".join(sorted(named_in(chart, content)))
        only = f" by a code, and by words alone {worded}" if worded else ""
        raise SelectionError(said=f"The chart carries no indication{only}; choose one of {', '.join(sorted(content.order_sets))}.")
    raise SelectionError(said=f"The chart carries more than one indication; choose one of {', '.join(x.id for x in found)}.")


def choose_regimen(order_set: OrderSet, selections: Selections, product: Product, age: int | None) -> Regimen | None:
    """The regimen chosen, else the first for this age that is no exception; None where nothing is recommended (tier D).

    `label` stands for the regimen of which the product's label prints dose or days. SelectionError where there is none of that name.
    """
    usual = [r for r in order_set.regimens if not r.exception]
    if selections.regimen is None:
        return next((r for r in usual if within_years(age, r.age_years)), usual[0] if usual else None)
    if selections.regimen == LABEL:
        printed = next((r for r in usual if product.id in r.label_g_kg or product.id in r.label_days), None)
        if printed is None:
            raise SelectionError(said=f"No dose is known here that the label of {product.brand} prints for {order_set.id}.")
        return printed
    chosen = order_set.regimen(selections.regimen)
    if chosen is None:
        raise SelectionError(said=f"{order_set.id} has no regimen {selections.regimen}.")
    return chosen


def choose_product(order_set: OrderSet, selections: Selections, content: Content, site: Site, age: int | None = None) -> Product:
    """The product chosen, else the default of the order set, else the first of the formulary that has rates and a label for the age."""
    if selections.product is not None:
        chosen = content.products.get(selections.product)
        if chosen is None:
            raise SelectionError(said=f"There is no product {selections.product}.")
        if chosen.governance.retired:
            raise SelectionError(said=f"The content of {chosen.brand} is retired: no new order stands on it.")
        if site.formulary is not None and chosen.id not in site.formulary:
            raise SelectionError(said=f"{chosen.brand} is not on the site's formulary.")
        return chosen
    known = [content.products[i] for i in (order_set.default_product, *sorted(content.products))]
    allowed = [p for p in known if p.orderable and (site.formulary is None or p.id in site.formulary)]
    if not allowed:
        raise SelectionError(said="The site's formulary leaves no product.")
    if allowed[0].id == order_set.default_product:
        return allowed[0]
    usable = [p for p in allowed if p.ladders] or allowed
    adult = age is not None and age >= content.constants["adult_years"]
    return next((p for p in usable if _carries(p, order_set, age, adult)), usable[0])


def choose_days(regimen: Regimen, product: Product, selections: Selections) -> int:
    """The days chosen, else the regimen's, held within what the product's label prints."""
    if selections.dates is not None:
        return len(selections.dates)
    if selections.days is not None:
        return selections.days
    low, high = regimen.label_days.get(product.id, regimen.days)
    return max(low, min(high, regimen.default_days))


def choose_concentration(product: Product, selections: Selections) -> Decimal:
    """The concentration chosen, else the first that the product is listed with, in mg/mL."""
    if selections.concentration_mg_ml is None:
        return product.concentrations_mg_ml[0]
    if selections.concentration_mg_ml not in product.concentrations_mg_ml:
        raise SelectionError(said=f"{product.brand} has no concentration of {selections.concentration_mg_ml} mg/mL.")
    return selections.concentration_mg_ml


def is_on_label(order_set: OrderSet, regimen: Regimen | None, product: Product, age_years: int | None, adult: bool) -> bool:
    """Whether the product's label carries the indication at this age; not for an unknown age, or a regimen graded apart from the label.

    Nor for a child where the label's limit of age was not verified.
    """
    return not (regimen is not None and regimen.tier) and _carries(product, order_set, age_years, adult)


def _carries(product: Product, order_set: OrderSet, age_years: int | None, adult: bool) -> bool:
    entry = product.label(order_set.label_code)
    if entry is None or age_years is None:
        return False
    if entry.min_age_years is None:
        return adult or entry.age_verified
    return age_years >= entry.min_age_years
