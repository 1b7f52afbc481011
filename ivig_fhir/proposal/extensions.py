"""The order's own extensions built from a proposal: rate steps, on what the dose stands, volume, rate table, vials."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.building import quantity
from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME, RATE_BASIS, RATE_STEP, SERIES, VIAL, extension
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.model import Proposal, RateSchedule, Step

IF_TOLERATED = "only if the step before is tolerated"
STATED = "stated"


def shortest(value: Decimal) -> Decimal:
    """The same number without zeros that say nothing, for coded doses and rates (28, not 28.00)."""
    return Decimal(plain(value))


def grams(value: Decimal) -> dict[str, Any]:
    """A dose in grams."""
    return quantity(shortest(value), "g", "g")


def ml_per_hour(value: Decimal) -> dict[str, Any]:
    """A pump rate."""
    return quantity(shortest(value), "mL/h", "mL/h")


def milliliters(value: Decimal) -> dict[str, Any]:
    """A volume."""
    return quantity(shortest(value), "mL", "mL")


def per_kg_hour(value: Decimal) -> dict[str, Any]:
    """A rate per kilogram of dosing weight."""
    return quantity(shortest(value), "mL/kg/h", "mL/kg/h")


def rate_steps(base: str, rate: RateSchedule) -> list[dict[str, Any]]:
    """The pump's steps in order; the last has no duration, because it runs until the dose is in."""
    last = len(rate.steps)
    return [_rate_step(base, number, step, number == last) for number, step in enumerate(rate.steps, start=1)]


def _rate_step(base: str, number: int, step: Step, last: bool) -> dict[str, Any]:
    return extension(
        base,
        RATE_STEP,
        (
            ("sequence", "PositiveInt", number),
            ("rateOrdered", "Quantity", per_kg_hour(step.ml_kg_h)),
            ("rateCalculated", "Quantity", ml_per_hour(step.ml_h)),
            ("duration", "Duration", None if last else quantity(shortest(step.minutes), "min", "min")),
            ("volumeCalculated", "Quantity", milliliters(step.volume_ml)),
            ("condition", "String", None if number == 1 else IF_TOLERATED),
        ),
    )


def g_per_kg(proposal: Proposal) -> Decimal | None:
    """Grams per kilogram of one infusion, to 0.0001; None when the course was stated in grams."""
    if proposal.dose is None or proposal.dose.per_kg is None:
        return None
    return shortest(half_up(proposal.dose.per_kg / len(proposal.dose.infusions), "0.0001"))


def policy_code(proposal: Proposal) -> str:
    """The dosing-weight policy of the order; `stated` where the clinician gave the weight, since no policy chose it."""
    return STATED if proposal.weight.used == STATED else proposal.weight.policy


def dose_basis(base: str, proposal: Proposal) -> dict[str, Any]:
    """On what the calculated grams stand: grams per kilogram, dosing weight, policy, and the Observation that was weighed.

    Grams per kilogram appear nowhere else, so that no receiver multiplies them by another weight.
    """
    weight, dose, each = proposal.weight, proposal.dose, g_per_kg(proposal)
    course = None if dose is None or dose.per_kg is None else quantity(shortest(dose.per_kg), "g/kg", "g/kg")
    increment = dose.increment_g if dose else None
    return extension(
        base,
        DOSE_BASIS,
        (
            ("dosePerWeight", "Quantity", None if each is None else quantity(each, "g/kg", "g/kg")),
            ("courseDosePerWeight", "Quantity", course),
            ("infusions", "PositiveInt", len(dose.infusions) if dose else None),
            ("dosingWeight", "Quantity", None if weight.dosing_kg is None else quantity(weight.dosing_kg, "kg", "kg")),
            ("weightUsed", "Code", weight.used),
            ("policy", "Code", policy_code(proposal)),
            ("policyVersion", "String", None if weight.used == STATED else weight.policy_version or None),
            ("weightSource", "Reference", {"reference": weight.source} if weight.source and weight.used != STATED else None),
            ("weightReason", "String", weight.reason or None),
            ("roundingIncrement", "Quantity", None if increment is None else grams(increment)),
            ("roundingPolicy", "Code", proposal.rounding.policy if proposal.rounding else None),
            ("roundingPolicyVersion", "String", proposal.rounding.version if proposal.rounding else None),
        ),
    )


def infusion_volume(base: str, proposal: Proposal) -> dict[str, Any]:
    """Volume of one infusion and the concentration that every mL/h of the order presumes."""
    concentration = quantity(shortest(proposal.concentration_mg_ml), "mg/mL", "mg/mL")
    volume = None if proposal.volume_ml is None else milliliters(proposal.volume_ml)
    return extension(base, INFUSION_VOLUME, (("concentration", "Quantity", concentration), ("volume", "Quantity", volume)))


def rate_basis(base: str, rate: RateSchedule) -> dict[str, Any]:
    """Whose the rate table is (label, maker, illustrative, site, none), the cap that held, and the label's maximum."""
    cap, maximum = rate.cap_ml_kg_h, rate.label_max_ml_kg_h
    return extension(
        base,
        RATE_BASIS,
        (
            ("basis", "Code", rate.basis),
            ("ladder", "String", rate.ladder),
            ("cap", "Quantity", None if cap is None else per_kg_hour(half_up(cap, "0.0001"))),
            ("capReason", "Code", rate.cap_reason),
            ("labelMaximum", "Quantity", None if maximum is None else per_kg_hour(maximum)),
        ),
    )


def series(base: str, proposal: Proposal) -> list[dict[str, Any]]:
    """How the dates of a repeated course came about, and when it is to be reviewed; nothing where the course is given once."""
    held = proposal.series
    if held is None:
        return []
    interval = quantity(shortest(held.interval_weeks), "wk", "wk")
    parts = (("interval", "Quantity", interval), ("cycles", "PositiveInt", held.cycles), ("reviewOn", "Date", held.review_on.isoformat()))
    return [extension(base, SERIES, parts)]


def vials(base: str, proposal: Proposal) -> list[dict[str, Any]]:
    """The vials of one infusion, by size."""
    return [extension(base, VIAL, (("grams", "Quantity", grams(v.grams)), ("count", "PositiveInt", v.count))) for v in proposal.vials]
