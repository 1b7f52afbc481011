"""Pregnancy and breast-feeding."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from a_case import case, cited, found, lab, outcome, problem

from ivig_fhir.proposal.checks.pregnancy import current, lactation

woman = partial(case, sex="female", born="1994-05-05")
PREGNANT, NOT_PREGNANT = "snomed|77386006", "snomed|60001007"


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("icd10cm|Z33.1", onset="2025-12-01"), "warning"),
        (problem("icd10cm|O24.410", onset="2026-01-01"), "warning"),
        (problem(PREGNANT, onset="2025-05-26T09:00:00Z"), "warning"),  # 280 days
        (problem(PREGNANT, onset="2025-05-26T08:59:59Z"), "unknown"),
        (problem(PREGNANT, recorded="2025-05-01"), "unknown"),
        (problem(PREGNANT), "warning"),
        (problem(PREGNANT, active=False), "unknown"),
        (problem("icd10cm|O90.9", "Postpartum complication"), "unknown"),
        (problem("icd10cm|0A1"), "unknown"),
    ],
)
def test_a_pregnancy_on_the_problem_list_counts_for_280_days(item: object, severity: str) -> None:
    assert outcome(current(woman(item))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (lab("pregnancy-status", None, "2026-01-19T09:00:00Z", code=PREGNANT), "warning"),  # 42 days
        (lab("pregnancy-status", None, "2026-01-19T08:59:59Z", code=PREGNANT), "unknown"),
        (lab("pregnancy-status", None, text="Pregnant"), "warning"),
        (lab("pregnancy-status", None, text="Not pregnant"), "clear"),
        (lab("pregnancy-status", None, code=NOT_PREGNANT, text="Not pregnant"), "clear"),
        (lab("pregnancy-status", None, text="Possible pregnancy"), "unknown"),
        (lab("hcg", None, text="Positive"), "warning"),
        (lab("hcg", None, code="snomed|10828004", status="preliminary"), "warning"),
        (lab("hcg", None, "2026-01-19T09:00:00Z", text="Positive"), "warning"),
        (lab("hcg", None, "2026-01-19T08:59:59Z", text="Positive"), "unknown"),
        (lab("hcg", None, text="Negative"), "clear"),
        (lab("hcg", None, text="Negative", status="preliminary"), "unknown"),
        (lab("hcg", None, "2026-01-18", text="Negative"), "unknown"),
        (lab("hcg", None, text="5600 m[IU]/mL"), "unknown"),
    ],
)
def test_a_status_or_a_test_counts_for_42_days(item: object, severity: str) -> None:
    assert outcome(current(woman(item))) == severity


def test_a_result_that_does_not_decide_is_named() -> None:
    assert "hcg" in str(current(woman(lab("hcg", None, text="5600 m[IU]/mL"))))


def test_a_status_in_words_alone_is_to_be_confirmed() -> None:
    (shown,) = found(current(woman(lab("pregnancy-status", None, text="Pregnant")))).evidence
    assert "by text, confirm" in shown.said


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((problem(PREGNANT, onset="2025-12-01"), problem(NOT_PREGNANT, onset="2026-02-01")), "clear"),  # it ended
        ((problem(PREGNANT, onset="2026-02-01"), problem(NOT_PREGNANT, onset="2025-12-01")), "warning"),
        ((problem(PREGNANT, onset="2025-12-01"), problem(NOT_PREGNANT)), "unknown"),
        ((problem(PREGNANT), problem(NOT_PREGNANT, onset="2025-12-01")), "unknown"),
        ((problem(PREGNANT, onset="2025-12-01"), problem(NOT_PREGNANT, active=False)), "warning"),
        ((problem(NOT_PREGNANT),), "clear"),
    ],
)
def test_not_pregnant_counts_where_it_is_newer_and_else_is_a_contradiction(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(current(woman(*facts))) == severity


@pytest.mark.parametrize(
    ("options", "severity"),
    [
        ({"born": "2014-03-02"}, "unknown"),  # 12 years today
        ({"born": "2014-03-03"}, "clear"),
        ({"born": "1970-03-03"}, "unknown"),  # 55
        ({"born": "1970-03-02"}, "clear"),
        ({"born": None}, "unknown"),
        ({"sex": ""}, "unknown"),
        ({"sex": "male"}, "clear"),
        ({"sex": "male", "unread": ("Condition",)}, "unknown"),
        ({"born": "1940-01-01", "unread": ("Observation",)}, "unknown"),
    ],
)
def test_without_data_a_woman_of_childbearing_age_is_not_taken_for_not_pregnant(options: dict[str, Any], severity: str) -> None:
    assert outcome(current(woman(**options))) == severity


def test_a_sign_counts_at_any_age_and_sex() -> None:
    assert outcome(current(case(problem(PREGNANT, onset="2026-01-01")))) == "warning"


def test_a_suspected_pregnancy_is_called_suspected() -> None:
    (shown,) = found(current(woman(problem(PREGNANT, soft=True)))).evidence
    assert "suspected" in shown.said


def test_all_signs_are_shown() -> None:
    result = current(woman(problem(PREGNANT, onset="2026-01-01"), lab("hcg", None, text="Positive")))
    assert len(cited(result)) == 2


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("icd10cm|Z39.1"), "info"),
        (problem("snomed|169745008"), "info"),
        (problem("icd10cm|Z39.1", active=False), "clear"),
        (problem("icd10cm|Z39.2"), "clear"),
    ],
)
def test_breast_feeding_is_information(item: object, severity: str) -> None:
    assert outcome(lactation(woman(item))) == severity
