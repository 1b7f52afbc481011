"""A woman of 57 with CIDP back from a winter abroad: everything is there, and nothing of it is fresh enough."""

from __future__ import annotations

from scenarios.a_story import asks, cited, finding, of, stops, told

WHO = "stale-labs"


def test_each_old_value_is_named_with_its_age_and_only_the_creatinine_asks_for_a_reason() -> None:
    made = told(WHO)
    assert (made.outcome, stops(made), asks(made)) == ("proposed", set(), {"renal.creatinine-missing"})
    assert {"weight.stale", "hemolysis.hemoglobin-missing", "hemolysis.blood-group-missing"} <= of(made, "warning")
    assert "49 days" in finding(made, "weight.stale").message
    assert "122 days" in finding(made, "renal.creatinine-missing").message
    assert "98 days" in finding(made, "hemolysis.hemoglobin-missing").message


def test_a_preliminary_creatinine_alarms_and_does_not_reassure() -> None:
    made = told(WHO)
    assert "Observation/stale-labs-creatinine-2" in cited(made, "renal.reduced-function")
    assert "Observation/stale-labs-creatinine-2" not in cited(made, "renal.creatinine-missing")


def test_without_a_blood_group_haemolysis_is_not_assessed_and_not_clear() -> None:
    made = told(WHO)
    assert "hemolysis.blood-group" in {n.check for n in made.not_assessed}
    assert "hemolysis.blood-group" not in made.clear


def test_that_nobody_took_her_blood_pressure_today_is_said() -> None:
    assert finding(told(WHO), "record.vitals-missing").severity == "info"
