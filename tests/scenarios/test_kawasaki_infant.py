"""A boy of 11 months on the sixth day of fever: Kawasaki disease, weighed yesterday, in grams."""

from __future__ import annotations

from scenarios.a_story import asks, finding, grams, of, offered, stops, told

WHO = "kawasaki-infant"


def test_two_grams_per_kilogram_in_one_infusion_over_many_hours() -> None:
    made = told(WHO)
    assert offered(WHO) == ["kawasaki"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), set())
    assert grams(made) == ["2026-03-02 17.3 g"]
    assert made.rate.total_minutes is not None
    assert 8 * 60 <= made.rate.total_minutes <= 12 * 60


def test_a_weight_in_grams_is_read_to_ten_grams_and_his_dose_is_not_rounded_to_vials() -> None:
    made = told(WHO)
    assert (str(made.weight.dosing_kg), made.weight.used) == ("8.64", "actual")
    assert made.dose is not None
    assert made.dose.increment_g is None


def test_the_vaccines_of_next_month_wait_eleven_months() -> None:
    message = finding(told(WHO), "vaccine.future-interval").message
    assert "11 months" in message
    assert "2027-02-02" in message


def test_fever_that_the_disease_explains_does_not_hold_the_infusion_back() -> None:
    assert finding(told(WHO), "infection.fever").severity == "info"


def test_group_a_and_this_dose_warn_of_haemolysis_in_an_infant_too() -> None:
    assert "hemolysis.blood-group" in of(told(WHO), "warning")
