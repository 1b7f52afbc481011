"""Volume depletion by diagnosis and by the laboratory."""

from __future__ import annotations

import pytest
from a_case import case, cited, lab, outcome, problem

from ivig_fhir.chart.facts import Source, Unusable
from ivig_fhir.proposal.checks.depletion import depletion


def labs(bun: str, creatinine: str, when: str = "2026-03-01T07:00:00Z", **more: object) -> tuple[object, object]:
    return lab("bun", bun, when, **more), lab("creatinine", creatinine, when)


@pytest.mark.parametrize(
    ("bun", "creatinine", "severity"),
    [
        ("26", "1.2", "warning"),
        ("25", "1.2", "clear"),
        ("25.1", "1.2", "warning"),
        ("26", "1.3", "clear"),  # a ratio of 20
        ("26.01", "1.3", "warning"),
        ("60", "4", "clear"),
        ("24", "0.5", "clear"),
    ],
)
def test_nitrogen_and_ratio_are_both_needed(bun: str, creatinine: str, severity: str) -> None:
    assert outcome(depletion(case(*labs(bun, creatinine)))) == severity


@pytest.mark.parametrize(
    ("when", "result"),
    [("2026-02-23T09:00:00Z", "warning"), ("2026-02-23T08:59:59Z", "unknown"), ("2026-02-23", "warning"), ("2026-02-22", "unknown")],
)
def test_both_values_count_for_a_week(when: str, result: str) -> None:
    assert outcome(depletion(case(*labs("30", "1.2", when)))) == result
    assert outcome(depletion(case(lab("bun", "30", when), lab("creatinine", "1.2")))) == result


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"onset": "2026-02-23T09:00:00Z"}, "override"),  # 7 days
        ({"onset": "2026-02-23T08:59:59Z"}, "clear"),
        ({"recorded": "2026-02-23"}, "override"),
        ({"recorded": "2026-02-22"}, "clear"),
        ({}, "override"),
        ({"soft": True}, "override"),
        ({"recorded": "2026-03-01", "active": False}, "clear"),
    ],
)
@pytest.mark.parametrize("code", ["icd10cm|E86.0", "icd10cm|R57.1", "snomed|34095006", "snomed|28560003"])
def test_a_diagnosis_counts_for_a_week_or_without_a_date(code: str, more: dict[str, object], severity: str) -> None:
    assert outcome(depletion(case(problem(code, **more), *labs("14", "0.9")))) == severity


def test_bounds_fire_only_where_they_decide() -> None:
    assert outcome(depletion(case(*labs("100", "1.2", comparator=">")))) == "warning"
    assert outcome(depletion(case(*labs("100", "1.2", comparator="<")))) == "unknown"
    assert outcome(depletion(case(lab("bun", "30"), lab("creatinine", "0.3", comparator="<")))) == "warning"
    assert outcome(depletion(case(lab("bun", "30"), lab("creatinine", "0.3", comparator=">")))) == "unknown"


@pytest.mark.parametrize(
    "facts",
    [
        (),
        (lab("bun", "30"),),
        (lab("creatinine", "1.2"),),
        (lab("bun", "14", status="preliminary"), lab("creatinine", "0.9")),
        (lab("bun", "30"), lab("creatinine", "2.0", status="preliminary")),
        labs("14", "0.9", "2026-02-20"),
    ],
)
def test_without_values_that_decide_it_is_not_known(facts: tuple[object, ...]) -> None:
    assert outcome(depletion(case(*facts))) == "unknown"


def test_a_low_nitrogen_clears_without_creatinine_and_a_newer_unreadable_one_does_not() -> None:
    refused = Unusable("bun", Source("Observation/x", None, "2026-03-02T07:00:00Z"), "BUN 40", "no unit")
    assert outcome(depletion(case(lab("bun", "14")))) == "clear"
    assert outcome(depletion(case(*labs("14", "0.9"), unusable=(refused,)))) == "unknown"


def test_preliminary_values_fire() -> None:
    assert outcome(depletion(case(*labs("30", "1.2", status="preliminary")))) == "warning"


def test_evidence_shows_both_values() -> None:
    assert len(cited(depletion(case(*labs("30", "1.2"))))) == 2


@pytest.mark.parametrize("type_", ["Condition", "Observation"])
def test_what_could_not_be_read_is_not_clear(type_: str) -> None:
    assert outcome(depletion(case(*labs("14", "0.9"), unread=(type_,)))) == "unknown"
