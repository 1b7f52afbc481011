"""The pump's rate steps in mL/h: from a product's ladder, capped, rounded down, with minutes and volumes that sum to the dose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from ivig_fhir.content.model import Ladder, Product, RateStep, Regimen
from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.quantity import down, half_up
from ivig_fhir.proposal.model import RateSchedule, Step
from ivig_fhir.proposal.selections import ChosenRate, Selections

_MINUTES = Decimal(60)
_TEN = Decimal(10)


@dataclass(frozen=True, slots=True)
class Cap:
    """A ceiling in mL/kg/h and whose it is: label, risk, site or clinician."""

    ml_kg_h: Decimal
    reason: str


def ml_kg_h(mg_kg_min: Decimal, concentration_mg_ml: Decimal) -> Decimal:
    """mg/kg/min as mL/kg/h at a concentration in mg/mL."""
    return mg_kg_min * _MINUTES / concentration_mg_ml


def mg_kg_min(ml_kg_h_: Decimal, concentration_mg_ml: Decimal) -> Decimal:
    """mL/kg/h as mg/kg/min at a concentration in mg/mL."""
    return ml_kg_h_ * concentration_mg_ml / _MINUTES


def rate_of(selections: Selections, regimen: Regimen | None) -> ChosenRate:
    """How the infusion is run: as chosen; else over the regimen's longest hours, where it gives hours; else in steps."""
    if "rate" in selections.given or regimen is None or regimen.infusion_hours is None:
        return selections.rate
    return ChosenRate(mode="hours", hours=regimen.infusion_hours[1])


def choose_ladder(product: Product, label_code: str, chosen: str | None, concentration: Decimal) -> Ladder | None:
    """The product's ladder that was asked for, else the one of the indication, else the one with the lowest maximum; None without a table.

    SelectionError when a ladder was asked for that the product does not have.
    """
    ladders = [x for x in product.ladders if x.concentration_mg_ml == concentration]
    if chosen is not None:
        found = next((x for x in ladders if chosen in x.for_), None)
        if found is None:
            raise SelectionError(said=f"{product.brand} has no rate table for {chosen}.")
        return found
    return next((x for x in ladders if label_code in x.for_), None) or min(ladders, key=lambda x: x.max_ml_kg_h, default=None)


def for_patient(ladder: Ladder, used_to_it: bool) -> Ladder:
    """The ladder as it may be offered: a maker's chart for experienced patients only to them.

    Others get its lower maximum, and its steps count as an illustration, because nobody printed them for these patients.
    """
    new = ladder.new_patients
    if new is None or used_to_it:
        return ladder
    below = tuple(s for s in ladder.steps if s.ml_kg_h < new.max_ml_kg_h)
    steps = (*below, RateStep(new.max_ml_kg_h, None, False))
    return replace(ladder, basis="illustrative", steps=steps, max_ml_kg_h=new.max_ml_kg_h, condition=new.says)


def label_risk_cap(product: Product, ladder: Ladder) -> Decimal | None:
    """The label's figure for patients at risk in mL/kg/h, where it prints one that is below the ladder's maximum."""
    figure = product.risk_rate.max_mg_kg_min if product.risk_rate else None
    cap = None if figure is None else ml_kg_h(figure, ladder.concentration_mg_ml)
    return cap if cap is not None and cap < ladder.max_ml_kg_h else None


def choose_cap(ladder: Ladder, chosen: ChosenRate, product: Product, site: Site, at_risk: bool) -> Cap:
    """The ceiling that holds: the clinician's; at risk the label's printed one, else the site's; never above the label's maximum."""
    label, concentration = Cap(ladder.max_ml_kg_h, "label"), ladder.concentration_mg_ml
    wanted = None
    if chosen.cap_given:
        wanted = Cap(ml_kg_h(chosen.cap_mg_kg_min, concentration), "clinician") if chosen.cap_mg_kg_min is not None else None
    elif at_risk:
        printed = label_risk_cap(product, ladder)
        site_cap = site.risk_cap_mg_kg_min
        wanted = Cap(printed, "risk") if printed is not None else Cap(ml_kg_h(site_cap, concentration), "site") if site_cap else None
    return wanted if wanted is not None and wanted.ml_kg_h < label.ml_kg_h else label


def adopted_steps(site: Site, product: Product, name: str, ladder: Ladder) -> tuple[RateStep, ...]:
    """The steps that the site made its own for this table and concentration; none where it did not."""
    found = site.ladders.get((product.id, name))
    return found.steps if found and found.concentration_mg_ml in (None, ladder.concentration_mg_ml) else ()


def schedule_steps(ladder: Ladder, name: str, site: Site, product: Product, cap: Cap, kg: Decimal, volume_ml: Decimal) -> RateSchedule:
    """The ladder as pump steps for one infusion of `volume_ml`, for a rate weight in kg."""
    adopted = adopted_steps(site, product, name, ladder)
    steps = _capped(adopted or ladder.steps, min(cap.ml_kg_h, ladder.max_ml_kg_h))
    made, total = _pumped(steps, kg, volume_ml)
    basis = "site" if adopted else ladder.basis
    return RateSchedule("steps", basis, name, cap.ml_kg_h, cap.reason, total, made, ladder.max_ml_kg_h, _notes(ladder, product, cap))


def _notes(ladder: Ladder, product: Product, cap: Cap) -> tuple[str, ...]:
    at_risk = product.risk_rate.contradiction if product.risk_rate and cap.reason == "risk" else ""
    return (*_read_with(ladder), *((at_risk,) if at_risk else ()))


def _read_with(ladder: Ladder) -> tuple[str, ...]:
    """What has to be read with a rate table: whom it is for, and how contradictions of the label were resolved."""
    return tuple(note for note in (ladder.condition, ladder.contradiction) if note)


def schedule_hours(hours: Decimal, kg: Decimal, volume_ml: Decimal, ladder: Ladder) -> RateSchedule:
    """One rate over a number of hours, to 0.1 mL/h half up; what has to be read with the table holds for its maximum.

    SelectionError where no pump runs so slowly.
    """
    rate = half_up(volume_ml / hours, "0.1")
    if rate == 0:
        raise SelectionError(said="Over so many hours the pump would run at 0 mL/h; choose fewer hours.")
    minutes = hours * _MINUTES
    step = Step(half_up(rate / kg, "0.01"), rate, minutes, volume_ml)
    total = int(minutes.to_integral_value(ROUND_CEILING))
    return RateSchedule("hours", "none", None, None, None, total, (step,), ladder.max_ml_kg_h, _read_with(ladder))


NO_SCHEDULE = RateSchedule("none", "none", None, None, None, None, (), None)


def _capped(steps: tuple[RateStep, ...], cap: Decimal) -> tuple[RateStep, ...]:
    """The cap replaces the first step at or above it and holds to the end."""
    kept: list[RateStep] = []
    for step in steps:
        if step.ml_kg_h >= cap:
            return (*kept, RateStep(cap, None, step.printed))
        kept.append(step)
    return tuple(kept)


def pump_rate(rate: Decimal) -> Decimal:
    """What is set on the pump: rounded down to 1 mL/h, below 10 mL/h to 0.1 mL/h."""
    return down(rate, "1") if rate >= _TEN else down(rate, "0.1")


def _pumped(steps: tuple[RateStep, ...], kg: Decimal, volume_ml: Decimal) -> tuple[tuple[Step, ...], int]:
    """The steps as the pump runs them, rates rising. None is empty: what would print as 0 mL or 0.0 minutes goes to its neighbour.

    SelectionError where no pump runs so slowly.
    """
    rates = [pump_rate(step.ml_kg_h * kg) for step in steps]
    made: list[Step] = []
    left, total = volume_ml, Decimal(0)
    for index, step in enumerate(steps):
        rate = rates[index]
        volume = left if step.minutes is None else half_up(rate * step.minutes / _MINUTES, "0.1")
        if rate == 0 or left <= 0 or volume == 0:
            continue
        if step.minutes is None or half_up(_minutes(left - volume, rates[index + 1]), "0.1") <= 0:
            volume, minutes = left, _minutes(left, rate)
        else:
            minutes = step.minutes
        made.append(Step(step.ml_kg_h, rate, half_up(minutes, "0.1"), volume))
        left, total = left - volume, total + minutes
    if not made:
        raise SelectionError(said="At this weight the pump would run at 0 mL/h; choose a higher rate.")
    return tuple(made), int(total.to_integral_value(ROUND_CEILING))


def _minutes(volume_ml: Decimal, ml_h: Decimal) -> Decimal:
    return volume_ml * _MINUTES / ml_h  # multiplied first: a third of an hour is then whole minutes
