"""Recent thrombosis and the label's risk factors."""

from __future__ import annotations

import pytest
from a_case import case, cited, drug, event, found, lab, outcome, problem

from ivig_fhir.proposal.checks.thrombosis import recent_event, risk_factors

PRESSURE, FACTOR_V, BEDRIDDEN = problem("icd10cm|I10"), problem("icd10cm|D68.51"), problem("icd10cm|Z74.01")
OLD_INFARCTION = problem("icd10cm|I25.2")
ESTRADIOL = drug("request", "active", "estradiol 1 MG Oral Tablet")


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"onset": "2025-12-02T09:00:00Z"}, "override"),  # 90 days
        ({"onset": "2025-12-02T08:59:59Z"}, "clear"),
        ({"onset": "2025-12-02"}, "override"),
        ({"onset": "2025-12-01"}, "clear"),
        ({"onset": "2026-02-01", "active": False}, "override"),
        ({"recorded": "2026-02-01"}, "override"),
        ({"onset": "2015-05-01", "recorded": "2026-02-20"}, "clear"),
        ({}, "override"),
    ],
)
def test_a_thrombosis_counts_for_ninety_days_and_without_a_date(more: dict[str, object], severity: str) -> None:
    assert outcome(recent_event(case(problem("icd10cm|I82.412", **more)))) == severity


def test_conditions_that_could_not_be_read_are_not_clear() -> None:
    assert outcome(recent_event(case(unread=("Condition",)))) == "unknown"


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "clear"),
        ((PRESSURE,), "warning"),
        ((FACTOR_V, BEDRIDDEN, PRESSURE), "warning"),
        ((FACTOR_V, BEDRIDDEN, PRESSURE, ESTRADIOL), "override"),
        ((FACTOR_V, BEDRIDDEN, PRESSURE, drug("request", "active", "tofacitinib 5 MG Oral Tablet")), "override"),
        ((FACTOR_V, BEDRIDDEN, PRESSURE, event("Device", text="PICC right arm")), "override"),
        ((FACTOR_V, BEDRIDDEN, PRESSURE, event("Device", text="PICC removed")), "warning"),
        ((OLD_INFARCTION,), "warning"),
        ((OLD_INFARCTION, PRESSURE), "override"),
        ((problem("icd10cm|I82.412", onset="2020-01-01", active=False),), "warning"),
        ((problem("icd10cm|I82.412", onset="2020-01-01", active=False), BEDRIDDEN), "override"),
        ((PRESSURE, problem("icd10cm|E78.5"), problem("icd10cm|E11.9")), "warning"),
        ((problem("icd10cm|I10", active=False),), "clear"),
    ],
)
def test_categories_are_counted_and_not_diagnoses(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(risk_factors(case(*facts))) == severity


@pytest.mark.parametrize(
    ("options", "result"),
    [
        ({"born": "1961-03-02"}, "warning"),
        ({"born": "1961-03-03"}, "clear"),
        ({"kg": "91.875"}, "warning"),
        ({"kg": "91.8"}, "clear"),
        ({"cm": None}, "unknown"),
        ({"born": None}, "unknown"),
        ({"unread": ("Device",)}, "unknown"),
        ({"unread": ("MedicationRequest",)}, "unknown"),
    ],
)
def test_age_and_weight_count_and_what_is_unknown_is_not_clear(options: dict[str, object], result: str) -> None:
    assert outcome(risk_factors(case(**options))) == result  # type: ignore[arg-type]


def test_an_unknown_category_is_named_and_lowers_no_count() -> None:
    result = risk_factors(case(FACTOR_V, BEDRIDDEN, ESTRADIOL, OLD_INFARCTION, cm=None))
    assert outcome(result) == "override"
    assert "Could not be judged: cardiovascular risk" in found(result).message


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (lab("smoking", None, code="snomed|449868002"), "warning"),
        (lab("smoking", None, text="Current every day smoker"), "warning"),
        (lab("smoking", None, code="snomed|8517006", text="Former smoker"), "clear"),
        (lab("smoking", None, code="snomed|266919005", text="Never smoker"), "clear"),
    ],
)
def test_only_a_current_smoker_counts(item: object, severity: str) -> None:
    assert outcome(risk_factors(case(item))) == severity


def test_the_newest_smoking_status_decides() -> None:
    before = lab("smoking", None, "2020-01-01", code="snomed|449868002")
    assert outcome(risk_factors(case(before, lab("smoking", None, "2025-01-01", code="snomed|8517006")))) == "clear"


@pytest.mark.parametrize(
    ("panel", "value", "severity"),
    [
        ("igm", "3000", "warning"),
        ("igm", "2999", "clear"),
        ("serum-viscosity", "1.81", "warning"),
        ("serum-viscosity", "1.8", "clear"),
        ("total-protein", "10", "warning"),
        ("total-protein", "9.9", "clear"),
        ("triglycerides", "1000", "warning"),
        ("triglycerides", "999", "clear"),
        ("hematocrit", "55", "warning"),
        ("hematocrit", "54.9", "clear"),
    ],
)
def test_thick_blood_is_a_category(panel: str, value: str, severity: str) -> None:
    assert outcome(risk_factors(case(lab(panel, value)))) == severity


@pytest.mark.parametrize(("albumin", "severity"), [("3.0", "warning"), ("3.1", "clear")])
def test_a_wide_globulin_gap_is_thick_blood(albumin: str, severity: str) -> None:
    assert outcome(risk_factors(case(lab("total-protein", "8.5"), lab("albumin", albumin)))) == severity


@pytest.mark.parametrize(("when", "severity"), [("2025-09-03T09:00:00Z", "warning"), ("2025-09-03T08:59:59Z", "clear")])
def test_thick_blood_counts_for_half_a_year(when: str, severity: str) -> None:
    assert outcome(risk_factors(case(lab("igm", "4000", when)))) == severity


@pytest.mark.parametrize(("when", "severity"), [("2026-01-31T09:00:00Z", "warning"), ("2026-01-31T08:59:59Z", "clear")])
def test_a_thrombogenic_drug_counts_for_thirty_days(when: str, severity: str) -> None:
    assert outcome(risk_factors(case(drug("administration", "given", "epoetin alfa", when=when)))) == severity


def test_evidence_covers_every_category() -> None:
    result = risk_factors(case(FACTOR_V, ESTRADIOL, born="1950-01-01"))
    assert {r.partition("/")[0] for r in cited(result)} == {"Condition", "request", "Patient"}
