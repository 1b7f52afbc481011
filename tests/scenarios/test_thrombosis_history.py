"""A man of 68 with CIDP and a pulmonary embolism six weeks ago, his second clot."""

from __future__ import annotations

from scenarios.a_story import asks, cited, finding, stops, told

WHO = "thrombosis-history"


def test_the_fresh_clot_and_the_old_one_each_ask_for_a_reason() -> None:
    made = told(WHO)
    assert (made.outcome, stops(made)) == ("proposed", set())
    assert {"thrombosis.recent-event", "thrombosis.risk-factors"} <= asks(made)


def test_the_recent_event_is_the_embolism_and_not_the_history() -> None:
    assert cited(told(WHO), "thrombosis.recent-event") == {"Condition/thrombosis-history-condition-2"}


def test_history_and_age_and_pressure_are_counted_together() -> None:
    message = finding(told(WHO), "thrombosis.risk-factors").message
    assert "a thrombosis before" in message
    assert "age of 65 or more" in message


def test_each_says_what_would_lower_the_risk() -> None:
    for check in ("thrombosis.recent-event", "thrombosis.risk-factors"):
        assert finding(told(WHO), check).mitigation


def test_his_maintenance_dose_after_an_infusion_a_month_ago_is_within_the_limit_and_a_new_load_is_not_lighter() -> None:
    maintenance = told(WHO, regimen="cidp-maint")
    assert "duplication.cumulative-dose" not in asks(maintenance)
    assert maintenance.dose is not None
    assert maintenance.dose.course_g < told(WHO).dose.course_g  # type: ignore[union-attr]
