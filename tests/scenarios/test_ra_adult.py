"""A woman of 54 with rheumatoid arthritis: there is nothing to offer, and the app says so and why."""

from __future__ import annotations

from scenarios.a_story import finding, grams, offered, stops, told

WHO = "ra-adult"


def test_the_order_set_is_found_and_offers_no_dose() -> None:
    made = told(WHO)
    assert offered(WHO) == ["ra"]
    assert (made.outcome, stops(made), grams(made)) == ("stopped", {"indication.not-recommended"}, [])
    assert made.regimen is None


def test_the_stop_says_on_whose_authority() -> None:
    stop = finding(told(WHO), "indication.not-recommended")
    assert "not recommended" in stop.message
    assert stop.citations


def test_grams_that_a_clinician_types_do_not_make_an_order_of_it() -> None:
    made = told(WHO, dose={"per_kg": "1", "unit": "g/kg"})
    assert (made.outcome, grams(made)) == ("stopped", [])
