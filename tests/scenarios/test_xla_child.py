"""A boy of 6 with X-linked agammaglobulinaemia who has outgrown last year's grams; he makes no IgA and has never reacted."""

from __future__ import annotations

from scenarios.a_story import asks, finding, grams, of, offered, stops, told

WHO = "xla-child"


def test_he_is_dosed_on_what_he_weighs_now_and_nothing_asks_for_a_reason() -> None:
    made = told(WHO)
    assert offered(WHO) == ["pi-xla-other"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), set())
    assert grams(made)[0] == "2026-03-02 9 g"
    assert (str(made.weight.dosing_kg), made.weight.used, made.weight.source) == ("21.4", "actual", "Observation/xla-child-weight-1")


def test_that_he_has_grown_is_said() -> None:
    assert "11.5 % above" in finding(told(WHO), "weight.changed").message


def test_no_iga_alone_warns_and_forbids_nothing() -> None:
    assert finding(told(WHO), "hypersensitivity.iga-deficiency").severity == "warning"
    assert not {c for c in stops(told(WHO)) | asks(told(WHO)) if c.startswith("hypersensitivity.")}


def test_below_eighteen_every_weight_policy_is_the_actual_weight() -> None:
    for policy in ("actual", "adj-bmi30", "ibw"):
        made = told(WHO, weight={"policy": policy})
        assert (str(made.weight.dosing_kg), made.weight.used) == ("21.4", "actual")


def test_an_infusion_three_weeks_ago_is_no_duplicate_of_a_three_weekly_one() -> None:
    assert "duplication.immunoglobulin" not in of(told(WHO), "override", "warning", "hard-stop")
