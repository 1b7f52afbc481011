"""A woman of 38 with CVID, 120 kg and a BMI of 44: the policy decides on which weight she is dosed."""

from __future__ import annotations

from decimal import Decimal

from scenarios.a_story import asks, chart, content, finding, grams, of, told

from ivig_fhir.proposal.compare import compare_policies

WHO = "cvid-obese"


def test_she_is_dosed_on_her_adjusted_weight_and_the_page_says_why() -> None:
    weight = told(WHO).weight
    assert (str(weight.dosing_kg), weight.used, weight.policy) == ("82.1", "adjusted", "adj-bmi30")
    assert "30" in weight.why
    assert grams(told(WHO))[0] == "2026-03-02 35 g"


def test_each_policy_is_shown_beside_the_others_and_none_is_above_the_actual_weight() -> None:
    rows = {r.policy: r.dosing_kg for r in compare_policies(told(WHO), chart(WHO), content())}
    assert rows["actual"] == told(WHO).weight.actual_kg
    assert rows["ibw"] < rows["adj-bmi30"] < rows["adj-bmi30-0.5"] < rows["actual"]


def test_choosing_her_actual_weight_is_allowed_and_gives_more() -> None:
    heavy = told(WHO, weight={"policy": "actual"})
    assert heavy.weight.used == "actual"
    assert heavy.dose is not None
    assert heavy.dose.per_infusion_g > Decimal(35)


def test_her_size_counts_as_a_risk_for_kidney_and_thrombosis_without_a_reason_being_asked() -> None:
    made = told(WHO)
    assert {"renal.risk-factors", "thrombosis.risk-factors"} <= of(made, "warning")
    assert asks(made) == set()
    assert "BMI" in finding(made, "renal.risk-factors").message
