"""Fever and sepsis."""

from __future__ import annotations

from dataclasses import replace

import pytest
from a_case import case, content, found, lab, outcome, problem

from ivig_fhir.chart.facts import Source, Unusable
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.infection import fever, sepsis

NOW = "2026-03-02T08:00:00Z"


def ordered_for(made: Case, indication: str) -> Case:
    """The same case under the id of another order set."""
    return replace(made, order=replace(made.order, indication=replace(made.order.indication, id=indication)))


@pytest.mark.parametrize(("value", "severity"), [("38", "warning"), ("37.9", "clear"), ("40.5", "warning"), ("35", "clear")])
def test_fever_begins_at_its_limit(value: str, severity: str) -> None:
    assert outcome(fever(case(lab("temperature", value, NOW)))) == severity


@pytest.mark.parametrize(
    ("when", "severity"),
    [("2026-03-01T09:00:00Z", "warning"), ("2026-03-01T08:59:59Z", "unknown"), ("2026-03-01", "warning"), ("2026-02-28", "unknown")],
)
def test_a_temperature_counts_for_a_day(when: str, severity: str) -> None:
    assert outcome(fever(case(lab("temperature", "38.5", when)))) == severity


def test_the_newest_temperature_decides() -> None:
    before = lab("temperature", "39", "2026-03-02T06:00:00Z")
    assert outcome(fever(case(before, lab("temperature", "37.2", NOW)))) == "clear"
    assert outcome(fever(case(before, lab("temperature", "37.2", NOW, status="preliminary")))) == "warning"


@pytest.mark.parametrize(
    ("indication", "hot", "septic"),
    [("kawasaki", "info", "override"), ("misc", "info", "override"), ("tss", "info", "info"), ("gbs", "warning", "override")],
)
def test_diseases_that_bring_fever_or_sepsis_along_only_say_so(indication: str, hot: str, septic: str) -> None:
    made = case(lab("temperature", "39", NOW), problem("icd10cm|A41.9"))
    assert outcome(fever(ordered_for(made, indication))) == hot
    assert outcome(sepsis(ordered_for(made, indication))) == septic


@pytest.mark.parametrize("check", ["infection.fever", "infection.sepsis"])
def test_the_diseases_that_are_let_off_are_order_sets(check: str) -> None:
    let_off = content().checks[check].thresholds["exempt_indications"]
    assert let_off and set(let_off) <= set(content().order_sets)


def test_without_a_temperature_that_can_be_used_it_is_not_known() -> None:
    refused = Unusable(
        "temperature", Source("Observation/x", None, "2026-03-02T08:30:00Z"), "temperature 101", "outside 25 to 45", "implausible"
    )
    assert outcome(fever(case())) == "unknown"
    assert outcome(fever(case(lab("temperature", "36.8", "2026-03-01")))) == "unknown"
    assert outcome(fever(case(lab("temperature", "36.8", NOW), unusable=(refused,)))) == "unknown"
    assert outcome(fever(case(unread=("Observation",)))) == "unknown"


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"onset": "2026-01-31T09:00:00Z"}, "override"),  # 30 days
        ({"onset": "2026-01-31T08:59:59Z"}, "clear"),
        ({"onset": "2026-01-31"}, "override"),
        ({"onset": "2026-01-30"}, "clear"),
        ({"recorded": "2026-02-20"}, "override"),
        ({"onset": "2025-06-01", "recorded": "2026-02-20"}, "clear"),
        ({}, "override"),
        ({"soft": True}, "override"),
        ({"onset": "2026-02-25", "active": False}, "clear"),
    ],
)
def test_sepsis_counts_while_it_is_active_and_recent_or_undated(more: dict[str, object], severity: str) -> None:
    assert outcome(sepsis(case(problem("icd10cm|A41.9", **more)))) == severity


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        ("icd10cm|A40.1", "override"),
        ("icd10cm|R65.21", "override"),
        ("icd10cm|R78.81", "override"),
        ("snomed|91302008", "override"),
        ("icd10cm|R65.10", "clear"),
        ("icd10cm|A42.7", "clear"),
    ],
)
def test_sepsis_by_its_codes(code: str, severity: str) -> None:
    assert outcome(sepsis(case(problem(code)))) == severity


def test_a_suspected_sepsis_is_called_suspected() -> None:
    assert "suspected" in found(sepsis(case(problem("icd10cm|A41.9", soft=True)))).evidence[0].said


def test_conditions_that_could_not_be_read_are_not_clear() -> None:
    assert outcome(sepsis(case(unread=("Condition",)))) == "unknown"
