"""The pump's rate steps in mL/h: from a product's ladder, capped, rounded down, with minutes and volumes that sum to the dose."""

from __future__ import annotations

from dataclasses import dataclass
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


def choose_cap(ladder: Ladder, chosen: ChosenRate, product: Product, site: Site, at_risk: bool) -> Cap:
    """The ceiling that holds: the clinician's; at risk the label's printed one, else the site's; never above the label's maximum."""
    label = Cap(ladder.max_ml_kg_h, "label")
    wanted = None
    if chosen.cap_given:
        wanted = (chosen.cap_mg_kg_min, "clinician")
    elif at_risk and product.risk_rate_mg_kg_min is not None:
        wanted = (product.risk_rate_mg_kg_min, "risk")
        if ml_kg_h(product.risk_rate_mg_kg_min, ladder.concentration_mg_ml) >= ladder.max_ml_kg_h:
            wanted = (site.risk_cap_mg_kg_min, "site")
    elif at_risk:
        wanted = (site.risk_cap_mg_kg_min, "site")
    if wanted is None or wanted[0] is None:
        return label
    cap = Cap(ml_kg_h(wanted[0], ladder.concentration_mg_ml), wanted[1])
    return cap if cap.ml_kg_h < label.ml_kg_h else label


def schedule_steps(ladder: Ladder, name: str, site: Site, product: Product, cap: Cap, kg: Decimal, volume_ml: Decimal) -> RateSchedule:
    """The ladder as pump steps for one infusion of `volume_ml`, for a rate weight in kg."""
    adopted = site.ladders.get((product.id, name))
    steps = _capped(adopted.steps if adopted else ladder.steps, min(cap.ml_kg_h, ladder.max_ml_kg_h))
    made, total = _pumped(steps, kg, volume_ml)
    basis = "site" if adopted else ladder.basis
    return RateSchedule("steps", basis, name, cap.ml_kg_h, cap.reason, total, made, ladder.max_ml_kg_h)


def schedule_hours(hours: Decimal, kg: Decimal, volume_ml: Decimal, ladder: Ladder | None) -> RateSchedule:
    """One rate over a number of hours, to 0.1 mL/h half up."""
    rate = half_up(volume_ml / hours, "0.1")
    minutes = hours * _MINUTES
    step = Step(half_up(rate / kg, "0.01"), rate, minutes, volume_ml)
    maximum = ladder.max_ml_kg_h if ladder else None
    return RateSchedule("hours", "none", None, None, None, int(minutes.to_integral_value(ROUND_CEILING)), (step,), maximum)


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


def _pumped(steps: tuple[RateStep, ...], kg: Decimal, volume_ml: Decimal) -> tuple[tuple[Step, ...], int | None]:
    made: list[Step] = []
    left, total = volume_ml, Decimal(0)
    for index, step in enumerate(steps):
        rate = pump_rate(step.ml_kg_h * kg)
        if rate == 0 or left <= 0:
            continue
        held = step.minutes is None or index == len(steps) - 1
        volume = left if held else min(left, half_up(rate * (step.minutes or 0) / _MINUTES, "0.1"))
        minutes = volume / rate * _MINUTES if held or volume == left else (step.minutes or Decimal(0))
        made.append(Step(step.ml_kg_h, rate, half_up(minutes, "0.1"), volume))
        left, total = left - volume, total + minutes
    return tuple(made), int(total.to_integral_value(ROUND_CEILING)) if made and left == 0 else None
