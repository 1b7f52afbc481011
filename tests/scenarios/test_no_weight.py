"""A man of 31 with Guillain-Barré syndrome who was never weighed here; a percentile and a birth weight must not be taken."""

from __future__ import annotations

from scenarios.a_story import grams, of, stops, told

WHO = "no-weight"


def test_no_dose_is_made_up_and_the_stop_says_what_is_missing() -> None:
    made = told(WHO)
    assert (made.outcome, stops(made), grams(made)) == ("data-required", {"weight.missing"}, [])
    assert made.weight.actual_kg is None


def test_what_needs_a_weight_is_not_assessed_and_never_clear() -> None:
    made = told(WHO)
    unknown = {n.check for n in made.not_assessed}
    assert {"weight.stale", "weight.implausible", "duplication.cumulative-dose", "dose.above-maximum"} <= unknown
    assert not unknown & set(made.clear)


def test_a_weight_that_the_clinician_states_gives_a_dose_and_is_marked_as_stated() -> None:
    made = told(WHO, weight={"dosing_kg": "80", "basis": "actual", "reason": "bed scale, 9:00"})
    assert (made.outcome, made.weight.used) == ("proposed", "stated")
    assert grams(made) == [f"2026-03-0{d} 30 g" for d in range(2, 7)]
    assert "weight.not-measured" in of(made, "warning", "override", "info")
