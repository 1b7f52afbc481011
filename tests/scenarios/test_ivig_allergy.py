"""A woman of 36 with myasthenia gravis and a coded anaphylaxis to immunoglobulin: the order stops."""

from __future__ import annotations

from scenarios.a_story import cited, finding, stops, told

WHO = "ivig-allergy"


def test_anaphylaxis_to_immunoglobulin_stops_every_product_and_every_dose() -> None:
    for chosen in ({}, {"product": "privigen"}, {"product": "octagam-10"}, {"dose": {"per_kg": "0.4", "unit": "g/kg"}}):
        made = told(WHO, **chosen)
        assert (made.outcome, stops(made)) == ("stopped", {"hypersensitivity.severe-reaction"})


def test_the_stop_names_the_entry_and_what_would_clear_it() -> None:
    stop = finding(told(WHO), "hypersensitivity.severe-reaction")
    assert cited(told(WHO), stop.check) == {"AllergyIntolerance/ivig-allergy-allergy-1"}
    assert stop.mitigation
    assert stop.citations


def test_a_reason_does_not_lift_a_hard_stop() -> None:
    given = [{"check": "hypersensitivity.severe-reaction", "code": "9", "note": "She says it was mild."}]
    assert told(WHO, overrides=given).outcome == "stopped"
