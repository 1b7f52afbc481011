"""A man of 45 with CIDP for his first loading course: the order that should take under a minute."""

from __future__ import annotations

from scenarios.a_story import asks, finding, grams, offered, stops, told

WHO = "cidp-adult"


def test_forty_grams_on_each_of_four_days_and_nothing_to_answer() -> None:
    made = told(WHO)
    assert offered(WHO) == ["cidp"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), set())
    assert grams(made) == ["2026-03-02 40 g", "2026-03-03 40 g", "2026-03-04 40 g", "2026-03-05 40 g"]
    assert made.on_label


def test_the_newest_of_two_weights_is_used_and_named() -> None:
    weight = told(WHO).weight
    assert (str(weight.dosing_kg), weight.used, weight.source) == ("82.0", "actual", "Observation/cidp-adult-obs-1")


def test_two_grams_per_kilogram_are_164_g_and_40_g_a_day_is_the_nearest_that_vials_make() -> None:
    made = told(WHO)
    assert made.dose is not None
    assert (made.dose.calculated_course_g, str(made.dose.deviation_percent)) == (164, "-2.4")
    assert [(v.grams, v.count) for v in made.vials] == [(40, 1)]


def test_group_o_has_no_haemolysis_finding_at_two_grams_per_kilogram() -> None:
    assert "hemolysis.blood-group" in told(WHO).clear


def test_his_vaccines_wait_eleven_months_from_the_last_day() -> None:
    assert "11 months" in finding(told(WHO), "vaccine.future-interval").message
    assert "2027-02-05" in finding(told(WHO), "vaccine.future-interval").message
