"""A man of 50 with CIDP: 187 lb last month, 187 written as kilograms this week."""

from __future__ import annotations

from decimal import Decimal

from scenarios.a_story import asks, chart, cited, finding, told

WHO = "pounds-conflict"


def test_the_app_does_not_choose_in_silence() -> None:
    made = told(WHO)
    assert {"weight.implausible", "duplication.cumulative-dose"} <= asks(made)
    assert "pounds and kilograms" in finding(made, "weight.implausible").message
    assert cited(made, "weight.implausible") == {"Observation/pounds-conflict-obs-1", "Observation/pounds-conflict-obs-2"}


def test_pounds_are_read_as_kilograms_by_the_exact_factor() -> None:
    weights = {m.source.reference: m.value for m in chart(WHO).panel("body-weight")}
    assert weights["Observation/pounds-conflict-obs-1"] == Decimal(187) * Decimal("0.45359237")


def test_stating_the_weight_of_last_month_removes_the_conflict_and_says_that_it_was_stated() -> None:
    made = told(WHO, weight={"dosing_kg": "84.8", "basis": "actual", "reason": "weighed again: 187 lb"})
    assert made.weight.used == "stated"
    assert made.dose is not None
    assert made.dose.course_g < told(WHO).dose.course_g  # type: ignore[union-attr]
