"""A woman of 34 with CVID, three years on monthly immunoglobulin and well: the renewal."""

from __future__ import annotations

from scenarios.a_story import asks, grams, offered, stops, told

WHO = "cvid-adult"


def test_her_known_dose_comes_out_again_and_nothing_asks_for_a_reason() -> None:
    made = told(WHO)
    assert offered(WHO) == ["pi-cvid"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), set())
    assert grams(made)[0] == "2026-03-02 25 g"
    assert made.on_label


def test_an_infusion_four_weeks_ago_is_no_duplicate_of_a_monthly_one() -> None:
    assert "duplication.immunoglobulin" in told(WHO).clear
