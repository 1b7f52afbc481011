"""The dosage shapes that must never leave: each is planted in a good order and found."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from an_order import BASE, content, proposal

from ivig_fhir.fhir.building import quantity
from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.dosage_problems import dosage_problems
from ivig_fhir.proposal.requests import medication_request

TOLERANCE = Decimal("0.10")
Change = Callable[[dict[str, Any], dict[str, Any]], object]


def good(**shape: Any) -> dict[str, Any]:
    made = proposal(**shape)
    return medication_request(made, content(), proposal_context(made, BASE, "0.1.0"))


def extension(element: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return next(e["extension"] for e in element["extension"] if e["url"].endswith(name))


def drop_part(element: dict[str, Any], name: str, part: str) -> None:
    parts = extension(element, name)
    parts[:] = [p for p in parts if p["url"] != part]


def set_dose(dosage: dict[str, Any], grams: int) -> None:
    dosage["doseAndRate"][0]["doseQuantity"]["value"] = Decimal(grams)


@pytest.mark.parametrize("shape", [{}, {"days": 1, "per_kg": "1"}, {"series": 3, "per_kg": "1", "days": 2}, {"hours": "4"}, {"kg": "7.35"}])
def test_a_good_order_has_no_problem(shape: dict[str, Any]) -> None:
    assert dosage_problems(good(**shape), TOLERANCE) == []


def two_entries(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    order["dosageInstruction"].append(deepcopy(dosage))


def step_duration(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["timing"]["repeat"] |= {"duration": 30, "durationUnit": "min"}


def duration_without_unit(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["timing"]["repeat"]["duration"] = 30


def count_against_bounds(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["timing"]["repeat"]["count"] = 5


def weekly_repeat(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["timing"]["repeat"]["periodUnit"] = "wk"


def other_days_than_repeat(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["timing"]["event"][3] = "2026-03-09"


def one_date_less(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["timing"]["event"].pop()


def series_of_two(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    url = next(e["url"] for e in dosage["extension"] if e["url"].endswith("/infusion-volume")).replace("infusion-volume", "infusion-series")
    dosage["extension"].append({"url": url, "extension": [{"url": "cycles", "valuePositiveInt": 2}]})


def no_dates(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["timing"].pop("event")


def range_upside_down(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    span = dosage["doseAndRate"][0]["rateRange"]
    span["low"], span["high"] = span["high"], span["low"]


def range_above_steps(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["doseAndRate"][0]["rateRange"]["high"]["value"] = Decimal(400)


def last_step_with_duration(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["extension"][2]["extension"].append({"url": "duration", "valueDuration": quantity(Decimal(39), "min", "min")})


def more_than_the_period(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["maxDosePerPeriod"]["numerator"]["value"] = Decimal(120)


def other_most(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["maxDosePerAdministration"] = quantity(Decimal(160), "g", "g")


def rounded_too_far(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    set_dose(dosage, 50)


def weight_that_does_not_fit(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    next(p for p in extension(dosage["doseAndRate"][1], DOSE_BASIS) if p["url"] == "dosingWeight")["valueQuantity"]["value"] = Decimal(100)


def no_concentration(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    drop_part(dosage, INFUSION_VOLUME, "concentration")


def other_volume(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    extension(dosage, INFUSION_VOLUME)[1]["valueQuantity"]["value"] = Decimal(800)


def no_policy(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    drop_part(dosage["doseAndRate"][1], DOSE_BASIS, "policy")


def per_kg_elsewhere(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["doseAndRate"].append({"doseQuantity": quantity(Decimal("0.5"), "g/kg", "g/kg")})


def no_weight_observation(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    order["supportingInformation"] = [{"reference": "Observation/creatinine-1"}]


def text_of_another_dose(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["text"] = dosage["text"].replace("40 g (400", "45 g (400")


def text_of_another_rate(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["text"] = dosage["text"].replace("196 mL/h", "296 mL/h")


def free_text(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["text"] = "40 g as usual"


def course_as_one_day(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    order["note"].append({"text": "160 g daily"})


def substitution_left_open(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    order.pop("substitution")


def a_report(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    order.pop("reportedBoolean")


def dose_in_milligrams(order: dict[str, Any], dosage: dict[str, Any]) -> None:
    dosage["doseAndRate"][0]["doseQuantity"]["code"] = "mg"


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (two_entries, "2 dosage instructions"),
        (two_entries, "all entries sum to more"),
        (step_duration, "the whole dose runs in that time"),
        (duration_without_unit, "tim-1"),
        (count_against_bounds, "count and bounds"),
        (weekly_repeat, "not once a day"),
        (other_days_than_repeat, "other days than the events"),
        (no_dates, "not written out"),
        (one_date_less, "not those of the course"),
        (series_of_two, "not those of the course"),
        (range_upside_down, "not a low and a high"),
        (range_above_steps, "range of rates disagree"),
        (last_step_with_duration, "the last runs to the end"),
        (more_than_the_period, "sum to more than its maximum"),
        (other_most, "most for one administration"),
        (rounded_too_far, "more than the rounding allows"),
        (weight_that_does_not_fit, "not the grams per kilogram on the dosing weight"),
        (no_concentration, "without the concentration"),
        (other_volume, "not the dose at this concentration"),
        (no_policy, "does not say its dosing weight and policy"),
        (per_kg_elsewhere, "stand apart from the weight"),
        (no_weight_observation, "Observation is not among"),
        (text_of_another_dose, "differ in the dose"),
        (text_of_another_rate, "differ in the rate steps"),
        (free_text, "cannot be read back"),
        (course_as_one_day, "total of the course"),
        (substitution_left_open, "substitution"),
        (a_report, "no report"),
        (dose_in_milligrams, "ordered dose is not in grams"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_planted_shape_is_found(plant: Change, found: str) -> None:
    order = good()
    plant(order, order["dosageInstruction"][0])
    assert any(found in problem for problem in dosage_problems(order, TOLERANCE)), dosage_problems(order, TOLERANCE)


@pytest.mark.parametrize(("tolerance", "refused"), [("0.024", True), ("0.025", False)])
def test_rounding_is_held_to_the_tolerance_that_was_chosen(tolerance: str, refused: bool) -> None:
    assert bool(dosage_problems(good(), Decimal(tolerance))) is refused
