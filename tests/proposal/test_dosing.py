"""Dosing: grams per kilogram of a cycle, the division over days, rounding, and the calculation as it is written down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from a_case import content

from ivig_fhir.content.model import Regimen
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.dosing import calculate, cycle_g_kg, in_a_cycle, proposed_g_kg
from ivig_fhir.proposal.model import DoseCalculation, Rounding

D = Decimal
VIALS = (D(1), D("2.5"), D(5), D(10), D(20), D(40))


def to(*increments: str, tolerance: str = "0.10") -> Rounding:
    """A rounding by increments within a tolerance."""
    return Rounding(tuple(D(i) for i in increments), D(tolerance), "adult", "1")


ADULT = to("5", "2.5", "1")
DAYS = tuple(date(2026, 3, n) for n in range(2, 9))
CIDP = content().order_sets["cidp"]
ONE = replace(CIDP.regimens[0], dose_g_kg=(D("0.4"), D("0.8")), usual_g_kg=None, interval_weeks=None)


def dose(each: str, rounding: Rounding | None = ADULT, sizes: tuple[Decimal, ...] = VIALS, days: int = 1) -> DoseCalculation:
    """The dose for so many grams a day."""
    return calculate(D(70), None, D(each) * days, DAYS[:days], rounding, sizes)


@pytest.mark.parametrize(
    ("each", "rounded", "increment"),
    [
        ("41", "40", "5"), ("42.5", "40", "5"), ("42.6", "45", "5"), ("44", "45", "5"),
        ("45.45", "45", "5"),
        ("22", "20", "5"), ("22.22", "20", "5"), ("22.23", "22.5", "2.5"),  # 2.23 g are more than 10 %
        ("22.72", "22.5", "2.5"), ("22.73", "25", "5"),
        ("8.3", "7.5", "2.5"), ("8.4", "8", "1"), ("9", "9", "1"), ("9.1", "10", "5"),
        ("1.4", "1.4", None), ("0.91", "1", "1"), ("0.9", "0.9", None), ("0.4", "0.4", None), ("0.35", "0.4", None), ("0.34", "0.3", None),
    ],
)  # fmt: skip
def test_the_first_increment_within_tolerance_is_taken(each: str, rounded: str, increment: str | None) -> None:
    made = dose(each)
    assert made.per_infusion_g == D(rounded)
    assert made.increment_g == (None if increment is None else D(increment))


def test_a_tie_goes_down() -> None:
    assert dose("7.5", to("5", tolerance="0.5")).per_infusion_g == 5
    assert dose("7.51", to("5", tolerance="0.5")).per_infusion_g == 10


def test_what_no_vials_make_is_not_rounded_to() -> None:
    assert dose("41", sizes=(D(20),)).per_infusion_g == D(40)
    assert dose("34", sizes=(D(20),)).per_infusion_g == D(34)
    assert dose("34", sizes=(D(20),)).increment_g is None
    assert dose("41", sizes=()).per_infusion_g == D(41)


def test_the_edge_of_the_tolerance_is_within_it() -> None:
    assert dose("50", to("45")).per_infusion_g == 45
    assert dose("50", to("45", tolerance="0.0999")).per_infusion_g == 50
    assert dose("50", to("55"), sizes=(D(5),)).per_infusion_g == 55


def test_without_rounding_a_dose_is_given_to_a_tenth_of_a_gram() -> None:
    assert dose("41.25", None).per_infusion_g == D("41.3")
    assert dose("41.24", None).per_infusion_g == D("41.2")
    assert dose("41.24", None).increment_g is None


def test_each_infusion_is_rounded_on_its_own_and_the_course_is_their_sum() -> None:
    made = calculate(D("82.0"), D(2), None, DAYS[:4], ADULT, VIALS)
    assert (made.per_kg, made.calculated_course_g, made.calculated_per_infusion_g) == (D(2), D(164), D(41))
    assert (made.per_infusion_g, made.course_g, made.deviation_percent, made.increment_g) == (D(40), D(160), D("-2.4"), D(5))
    assert [(i.date, i.grams) for i in made.infusions] == [(day, D(40)) for day in DAYS[:4]]
    assert made.working == (
        "82.0 kg × 2 g/kg = 164 g for the course",
        "164 g ÷ 4 days = 41 g",
        "rounded to 40 g (−2.4 %)",
    )


def test_a_course_in_grams_is_taken_as_it_is() -> None:
    made = calculate(D(70), D(2), D("70.25"), DAYS[:1], None, VIALS)
    assert made.calculated_course_g == D("70.25")
    assert made.course_g == D("70.3")
    stated = calculate(D(70), None, D("70.25"), DAYS[:1], None, VIALS).working
    assert stated == ("70.25 g for the course, as stated", "rounded to 70.3 g (+0.1 %)")


def test_working_says_no_sign_where_nothing_was_rounded() -> None:
    made = calculate(D("70.0"), D("0.5"), None, DAYS[:1], ADULT, VIALS)
    assert made.working == ("70.0 kg × 0.5 g/kg = 35 g for the course", "rounded to 35 g (0.0 %)")
    assert calculate(D("70.0"), D(1), None, DAYS[:2], ADULT, VIALS).working[1] == "70 g ÷ 2 days = 35 g"
    assert calculate(D("71.3"), D("0.333"), None, DAYS[:3], None, VIALS).working[:2] == (
        "71.3 kg × 0.333 g/kg = 23.74 g for the course",
        "23.74 g ÷ 3 days = 7.91 g",
    )


def cycle(interval: str | None = None, **changes: object) -> tuple[Decimal, Decimal]:
    """Grams per kilogram of a cycle of the regimen with changes."""
    regimen: Regimen = replace(ONE, **changes)
    return cycle_g_kg(regimen, CIDP, None if interval is None else D(interval))


@pytest.mark.parametrize(
    "basis", ["total_course", "single", "per_cycle", "per_infusion", "per_infusion_or_month", "per_week", "per_session"]
)
def test_most_bases_say_the_dose_of_a_cycle_as_it_stands(basis: str) -> None:
    assert cycle(basis=basis) == cycle("3", basis=basis) == (D("0.4"), D("0.8"))


def test_a_dose_a_day_is_multiplied_by_its_days() -> None:
    assert cycle(basis="per day x 2 days") == (D("0.8"), D("1.6"))
    assert cycle(basis="per day x 5 days") == (D(2), D(4))


def test_a_dose_a_month_is_scaled_to_the_interval() -> None:
    assert cycle("3", basis="per_month") == (D("0.3"), D("0.6"))
    assert cycle("4", basis="per_month", interval_weeks=(D(2), D(4))) == (D("0.4"), D("0.8"))
    assert cycle(basis="per_month", interval_weeks=(D(2), D(3))) == (D("0.2"), D("0.4"))
    assert cycle(basis="per_month") == (D("0.4"), D("0.8"))


def test_a_regimen_can_be_dosed_as_another_one() -> None:
    assert cycle(basis="as cidp_load") == cycle_g_kg(CIDP.regimens[0], CIDP, None)
    assert cycle(basis="as cidp_load") != (D("0.4"), D("0.8"))
    assert cycle(basis="as nothing") == (D("0.4"), D("0.8"))
    assert proposed_g_kg(replace(ONE, basis="as cidp_load"), CIDP, None) == proposed_g_kg(CIDP.regimens[0], CIDP, None)
    monthly = replace(ONE, id="monthly", basis="per_month")
    between = replace(ONE, id="between", basis="as monthly")
    chained = replace(CIDP, regimens=(monthly, between))
    assert cycle_g_kg(replace(ONE, basis="as between"), chained, D(3)) == (D("0.3"), D("0.6"))


def test_the_usual_dose_is_proposed_else_the_lower_end() -> None:
    assert proposed_g_kg(ONE, CIDP, None) == D("0.4")
    assert proposed_g_kg(replace(ONE, usual_g_kg=D("0.6")), CIDP, None) == D("0.6")
    assert proposed_g_kg(replace(ONE, usual_g_kg=D("0.6"), basis="per_month"), CIDP, D(2)) == D("0.3")
    assert in_a_cycle((D(1), D(2)), replace(ONE, basis="per day x 3 days"), CIDP, None) == (D(3), D(6))


def test_a_small_dose_is_never_rounded_away_whatever_is_tolerated() -> None:
    wide = replace(ADULT, increments_g=(D(5),), tolerance=D(1))
    assert (dose("2.5", wide).per_infusion_g, dose("2.5", wide).increment_g) == (D("2.5"), None)  # a tie goes down, to nothing
    assert (dose("2.6", wide).per_infusion_g, dose("2.6", wide).increment_g) == (D(5), D(5))


def test_a_dose_that_rounds_to_nothing_is_refused() -> None:
    assert dose("0.05", rounding=None).per_infusion_g == D("0.1")
    for rounding in (None, ADULT):
        with pytest.raises(SelectionError) as caught:
            dose("0.049", rounding)
        assert caught.value.message == "The dose of one infusion is less than can be measured; choose fewer days or more grams."
    with pytest.raises(SelectionError):
        calculate(D(70), None, None, DAYS[:1], ADULT, VIALS)  # neither grams per kilogram nor grams
