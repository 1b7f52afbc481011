"""Amount, days, interval and rate against the regimen, the label and the maximum."""

from __future__ import annotations

from typing import Any

import pytest

from ivig_fhir.proposal.findings import Result
from tests.a_case import found, outcome
from tests.a_record import proposed, result

LOAD = {"regimen": "cidp-load", "days": 4}
CVID = {"indication": "pi-cvid", "regimen": "cvid-maint"}


def check(id_: str, **options: Any) -> Result:
    """One check on the quiet record with these choices."""
    return result(id_, proposed(**options))


@pytest.mark.parametrize(
    ("dose", "severity"),
    [
        ({"per_kg": "1"}, "clear"),
        ({"per_kg": "0.95"}, "clear"),
        ({"per_kg": "0.949"}, "override"),
        ({"per_kg": "1.05"}, "clear"),
        ({"per_kg": "1.051"}, "override"),
        ({"course_g": "70"}, "clear"),
        ({"course_g": "73.5"}, "clear"),
        ({"course_g": "73.6"}, "override"),
        ({"course_g": "66.4"}, "override"),
    ],
)
def test_a_dose_may_differ_from_the_regimen_by_a_twentieth(dose: dict[str, str], severity: str) -> None:
    made = check("dose.outside-regimen", dose=dose)
    assert outcome(made) == severity
    assert severity == "clear" or found(made).branch == "amount"


def test_the_range_is_that_of_one_cycle_by_the_basis_of_the_regimen() -> None:
    assert outcome(check("dose.outside-regimen", indication="pi-cvid", regimen="cvid-load", dose={"per_kg": "0.8"}, days=2)) == "clear"
    assert outcome(check("dose.outside-regimen", indication="pi-cvid", regimen="cvid-load", dose={"per_kg": "0.4"}, days=2)) == "override"
    assert outcome(check("dose.outside-regimen", regimen="cidp-combo", dose={"per_kg": "2"}, days=4)) == "clear"


@pytest.mark.parametrize(("days", "severity"), [(1, "override"), (2, "clear"), (5, "clear"), (6, "override")])
def test_days_are_those_of_the_regimen(days: int, severity: str) -> None:
    made = check("dose.outside-regimen", regimen="cidp-load", dose={"per_kg": "2"}, days=days)
    assert outcome(made) == severity
    assert severity == "clear" or found(made).branch == "days"


@pytest.mark.parametrize(("weeks", "severity"), [(2, "override"), (3, "clear"), (4, "clear"), (5, "override")])
def test_the_interval_is_that_of_the_regimen(weeks: int, severity: str) -> None:
    assert outcome(check("dose.outside-regimen", interval_weeks=weeks, dose={"per_kg": "0.5"}, **CVID)) == severity


def test_a_regimen_given_once_is_not_repeated() -> None:
    made = check("dose.outside-regimen", interval_weeks=4, cycles=2, **LOAD)
    assert found(made).branch == "repeated"
    assert outcome(check("dose.outside-regimen", **LOAD)) == "clear"


def test_all_that_is_outside_is_told_in_one_finding() -> None:
    finding = found(check("dose.outside-regimen", dose={"per_kg": "2.5"}, days=6, interval_weeks=5))
    assert all(said in finding.message for said in ("2.5 g/kg", "6 days", "5 weeks"))


def test_without_a_dose_only_what_can_be_compared_is() -> None:
    assert outcome(check("dose.outside-regimen", drop=("weight",))) == "unknown"
    assert outcome(check("dose.outside-regimen", drop=("weight",), days=6)) == "override"
    assert outcome(check("dose.above-maximum", drop=("weight",))) == "unknown"


@pytest.mark.parametrize("id_", ["dose.outside-regimen", "dose.split-outside-label", "dose.above-maximum"])
def test_where_nothing_is_recommended_there_is_no_dose_to_judge(id_: str) -> None:
    assert outcome(check(id_, indication="ra", regimen=None)) == "clear"


@pytest.mark.parametrize(
    ("product", "days", "severity"),
    [
        ("gamunex-c", 1, "warning"),
        ("gamunex-c", 2, "clear"),
        ("gamunex-c", 4, "clear"),
        ("gamunex-c", 5, "warning"),
        ("privigen", 5, "clear"),
        ("octagam-10", 1, "clear"),  # its label does not carry the indication at all
    ],
)
def test_days_are_those_that_the_label_of_this_product_prints(product: str, days: int, severity: str) -> None:
    made = check("dose.split-outside-label", product=product, regimen="cidp-load", dose={"per_kg": "2"}, days=days)
    assert outcome(made) == severity


@pytest.mark.parametrize(("days", "severity"), [(1, "warning"), (2, "clear"), (3, "warning"), (4, "warning"), (5, "clear")])
@pytest.mark.parametrize("product", ["gamunex-c", "gammaked"])
def test_a_label_that_prints_two_ways_prints_none_between(product: str, days: int, severity: str) -> None:
    ways = {"indication": "itp-adult", "regimen": "itp-adult-label", "dose": {"per_kg": "2"}}
    made = check("dose.split-outside-label", product=product, days=days, **ways)
    assert outcome(made) == severity
    assert severity == "clear" or "says 2 or 5" in found(made).message


@pytest.mark.parametrize(
    ("dose", "severity"),
    [
        ({"per_kg": "2"}, "clear"),
        ({"per_kg": "2.001"}, "override"),
        ({"course_g": "140"}, "clear"),
        ({"course_g": "140.1"}, "override"),
    ],
)
def test_a_course_is_held_to_the_maximum_before_vial_rounding(dose: dict[str, str], severity: str) -> None:
    made = check("dose.above-maximum", dose=dose, **LOAD)
    assert outcome(made) == severity
    assert severity == "clear" or "above the maximum of 2 g/kg" in found(made).message


def test_grams_stated_to_a_tenth_are_not_above_by_their_rounding() -> None:
    kg = {"dosing_kg": "70.02"}  # 2 g/kg would be 140.04 g
    assert outcome(check("dose.above-maximum", dose={"course_g": "140"}, weight=kg, **LOAD)) == "clear"
    assert outcome(check("dose.above-maximum", dose={"course_g": "140"}, weight={"dosing_kg": "69.98"}, **LOAD)) == "clear"
    assert outcome(check("dose.above-maximum", dose={"course_g": "140"}, weight={"dosing_kg": "69.975"}, **LOAD)) == "clear"
    assert outcome(check("dose.above-maximum", dose={"course_g": "140"}, weight={"dosing_kg": "69.97"}, **LOAD)) == "override"


@pytest.mark.parametrize(("per_kg", "severity"), [("0.8", "clear"), ("0.81", "override")])
def test_an_infusion_is_held_to_its_own_maximum(per_kg: str, severity: str) -> None:
    made = check("dose.above-maximum", dose={"per_kg": per_kg}, **CVID)
    assert outcome(made) == severity
    assert severity == "clear" or found(made).branch == "infusion"


@pytest.mark.parametrize(("most", "severity"), [("70", "clear"), ("69.9", "override")])
def test_a_maximum_in_grams_holds_for_the_rounded_course(most: str, severity: str) -> None:
    made = check("dose.above-maximum", absolute_max_g=most)
    assert outcome(made) == severity
    assert severity == "clear" or found(made).branch == "stated-maximum"


@pytest.mark.parametrize(("hours", "severity"), [("2.1", "clear"), ("2", "override")])
def test_a_fixed_rate_is_held_to_the_maximum_of_the_label(hours: str, severity: str) -> None:
    # 70 g in 700 mL for 70 kg: 4.8 mL/kg/h are 336 mL/h
    made = check("dose.above-maximum", days=1, rate={"mode": "hours", "hours": hours})
    assert outcome(made) == severity
    assert severity == "clear" or found(made).branch == "rate"
