"""A woman of 72 in myasthenic crisis, with CKD 3, diabetes and a loop diuretic."""

from __future__ import annotations

from scenarios.a_story import asks, cited, finding, of, offered, stops, told

WHO = "mg-crisis-ckd"


def test_kidney_and_thrombosis_speak_and_one_reason_is_asked() -> None:
    made = told(WHO)
    assert offered(WHO) == ["mg"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), {"renal.nephrotoxic-drugs"})
    assert {"renal.reduced-function", "renal.risk-factors", "thrombosis.risk-factors"} <= of(made, "warning")


def test_the_kidney_finding_stands_on_the_estimate_and_on_the_problem_list() -> None:
    seen = {reference.split("/")[0] for reference in cited(told(WHO), "renal.reduced-function")}
    assert seen >= {"Observation", "Condition"}
    assert "38 mL/min" in finding(told(WHO), "renal.reduced-function").message


def test_every_kidney_finding_says_what_would_lower_the_risk() -> None:
    for check in ("renal.reduced-function", "renal.risk-factors", "renal.nephrotoxic-drugs"):
        assert finding(told(WHO), check).mitigation


def test_a_clinicians_lower_maximum_slows_the_infusion() -> None:
    usual, slow = told(WHO), told(WHO, rate={"cap_mg_kg_min": "2"})
    assert slow.rate.total_minutes > usual.rate.total_minutes
    assert slow.rate.cap_reason == "clinician"
    assert slow.rate.steps[-1].ml_kg_h < usual.rate.steps[-1].ml_kg_h
