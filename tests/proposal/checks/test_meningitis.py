"""Aseptic meningitis and migraine before."""

from __future__ import annotations

import pytest
from a_case import case, found, outcome, problem

from ivig_fhir.proposal.checks.meningitis import migraine, previous


@pytest.mark.parametrize(
    ("item", "high", "low"),
    [
        (problem("icd10cm|G03.0"), "override", "warning"),
        (problem("icd10cm|G03.0", active=False), "override", "warning"),
        (problem("snomed|301770000", onset="1999-05-01", active=False), "override", "warning"),
        (problem("snomed|301770000", soft=True), "override", "warning"),
        (problem(text="Aseptic meningitis after IVIG 2023"), "override", "warning"),
        (problem("icd10cm|G03.0", "Aseptic meningitis due to HIV"), "clear", "clear"),
        (problem("icd10cm|G03.0", "Meningitis in human immunodeficiency virus disease"), "clear", "clear"),
        (problem("icd10cm|G03.9"), "clear", "clear"),
        (problem("icd10cm|G00.9", "Bacterial meningitis"), "clear", "clear"),
    ],
)
def test_meningitis_at_any_time_counts_by_the_dose(item: object, high: str, low: str) -> None:
    assert outcome(previous(case(item, dose_g="70"))) == high  # 1 g/kg
    assert outcome(previous(case(item, dose_g="69.9"))) == low


@pytest.mark.parametrize(
    ("item", "high", "low"),
    [
        (problem("icd10cm|G43.909"), "warning", "info"),
        (problem("snomed|37796009"), "warning", "info"),
        (problem("snomed|161481007"), "warning", "info"),
        (problem("snomed|4473006", active=False), "warning", "info"),
        (problem("icd10cm|G44.1", "Vascular headache"), "clear", "clear"),
    ],
)
def test_migraine_now_or_before_counts_by_the_dose(item: object, high: str, low: str) -> None:
    assert outcome(migraine(case(item, dose_g="70"))) == high
    assert outcome(migraine(case(item, dose_g="69.9"))) == low


def test_without_a_dose_the_graver_reading_stands() -> None:
    assert outcome(previous(case(problem("icd10cm|G03.0"), dose_g=None))) == "override"
    assert outcome(migraine(case(problem("icd10cm|G43.9"), dose_g=None))) == "warning"
    assert "no dose yet" in found(previous(case(problem("icd10cm|G03.0"), dose_g=None))).message


def test_a_dose_just_below_the_limit_is_not_shown_as_the_limit() -> None:
    assert "course of 0.99 g/kg is below 1 g/kg" in found(previous(case(problem("icd10cm|G03.0"), dose_g="69.99"))).message


@pytest.mark.parametrize("check", [previous, migraine])
def test_an_unrelated_record_is_clear_and_an_unread_one_is_not(check: object) -> None:
    assert outcome(check(case(problem("icd10cm|I10")))) == "clear"  # type: ignore[operator]
    assert outcome(check(case(unread=("Condition",)))) == "unknown"  # type: ignore[operator]
