"""A man of 44 who can no longer walk: Guillain-Barré syndrome, blood group A, in bed."""

from __future__ import annotations

from scenarios.a_story import asks, cited, finding, grams, of, offered, stops, told

WHO = "gbs-adult"


def test_thirty_grams_on_each_of_five_days_without_a_stop() -> None:
    made = told(WHO)
    assert offered(WHO) == ["gbs"]
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), set())
    assert grams(made) == [f"2026-03-0{d} 30 g" for d in range(2, 7)]


def test_no_label_carries_it_and_the_page_says_so() -> None:
    made = told(WHO)
    assert not made.on_label
    assert finding(made, "indication.off-label").severity == "warning"


def test_group_a_and_two_grams_per_kilogram_warn_of_haemolysis_and_ask_for_blood_afterwards() -> None:
    made = told(WHO)
    assert finding(made, "hemolysis.blood-group").severity == "warning"
    assert "Observation/gbs-adult-abo-1" in cited(made, "hemolysis.blood-group")
    assert any(c.selected and c.kind == "lab" for c in made.companions)


def test_lying_in_bed_is_a_risk_for_thrombosis() -> None:
    assert "thrombosis.risk-factors" in of(told(WHO), "warning")
    assert "Condition/gbs-adult-condition-2" in cited(told(WHO), "thrombosis.risk-factors")


def test_the_course_in_two_days_is_allowed_and_the_grams_stay_the_same() -> None:
    fast, slow = told(WHO, days=2), told(WHO)
    assert fast.dose is not None
    assert slow.dose is not None
    assert len(grams(fast)) == 2
    assert abs(fast.dose.course_g - slow.dose.course_g) <= slow.dose.course_g / 10
