"""A woman of 41 with CVID, no IgA, antibodies to IgA and a reaction years ago: together they forbid the infusion."""

from __future__ import annotations

from scenarios.a_story import cited, stops, told

WHO = "iga-anti-iga"


def test_the_three_together_stop_the_order_and_the_dose_is_still_shown() -> None:
    made = told(WHO)
    assert (made.outcome, stops(made)) == ("stopped", {"hypersensitivity.iga-antibodies"})
    assert made.dose is not None


def test_the_stop_names_the_deficiency_the_antibodies_and_the_reaction() -> None:
    seen = {reference.split("/")[0] for reference in cited(told(WHO), "hypersensitivity.iga-antibodies")}
    assert seen >= {"Observation", "AllergyIntolerance"}


def test_another_product_does_not_lift_it() -> None:
    for product in ("privigen", "gammagard-liquid", "octagam-10"):
        assert "hypersensitivity.iga-antibodies" in stops(told(WHO, product=product))
