"""A woman of 29 with immune thrombocytopenia, bleeding, platelets of 8: hours matter."""

from __future__ import annotations

from scenarios.a_story import asks, finding, grams, offered, stops, told

WHO = "itp-bleeding"


def test_one_gram_per_kilogram_today_and_nothing_in_the_way() -> None:
    made = told(WHO)
    assert offered(WHO) == ["itp-adult"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), set())
    assert grams(made) == ["2026-03-02 60 g"]


def test_her_blood_group_is_not_forgotten_and_a_second_day_makes_it_a_warning() -> None:
    assert finding(told(WHO), "hemolysis.blood-group").severity == "info"
    twice = told(WHO, dose={"per_kg": "2", "unit": "g/kg"}, days=2)
    assert finding(twice, "hemolysis.blood-group").severity in ("warning", "override")


def test_that_her_iga_was_never_measured_is_said_and_does_not_delay_her() -> None:
    assert finding(told(WHO), "hypersensitivity.iga-missing").severity == "info"
