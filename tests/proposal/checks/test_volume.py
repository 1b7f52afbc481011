"""Heart failure and the volume of the infusion."""

from __future__ import annotations

import pytest
from a_case import case, found, lab, outcome, problem

from ivig_fhir.proposal.checks.volume import heart_failure

CHRONIC = problem("snomed|88805009")


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "clear"),
        ((CHRONIC,), "warning"),
        ((problem("snomed|88805009", active=False),), "clear"),
        ((problem("icd10cm|I50.21", recorded="2026-01-31T09:00:00Z"),), "override"),  # 30 days
        ((problem("icd10cm|I50.21", recorded="2026-01-31T08:59:59Z"),), "warning"),
        ((problem("icd10cm|I50.21"),), "override"),
        ((lab("nt-probnp", "1799"),), "clear"),
        ((lab("nt-probnp", "1800"),), "override"),
        ((lab("nt-probnp", "1800", comparator="<"),), "clear"),
        ((lab("nt-probnp", "35000", comparator=">"),), "override"),
        ((lab("bnp", "499"),), "clear"),
        ((lab("bnp", "500", status="preliminary"),), "override"),
        ((lab("bnp", "900", "2026-01-31T09:00:00Z"),), "override"),
        ((lab("bnp", "900", "2026-01-31T08:59:59Z"),), "clear"),
        ((lab("lvef", "29.9"),), "override"),
        ((lab("lvef", "30"),), "clear"),
        ((lab("lvef", "25", "2025-03-02T09:00:00Z"),), "override"),  # 365 days
        ((lab("lvef", "25", "2025-03-02T08:59:59Z"),), "clear"),
    ],
)
def test_failure_warns_and_decompensation_asks(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(heart_failure(case(*facts))) == severity


@pytest.mark.parametrize(("dose_g", "severity"), [("70", "warning"), ("70.1", "override")])
def test_more_than_ten_ml_per_kg_a_day_asks_in_a_patient_with_heart_failure(dose_g: str, severity: str) -> None:
    assert outcome(heart_failure(case(CHRONIC, dose_g=dose_g, days=1))) == severity


def test_much_volume_alone_is_clear() -> None:
    assert outcome(heart_failure(case(dose_g="140", days=1))) == "clear"


def test_a_missing_ejection_fraction_is_said_beside_heart_failure() -> None:
    assert "No ejection fraction" in found(heart_failure(case(CHRONIC))).message
    assert "No ejection fraction" not in found(heart_failure(case(CHRONIC, lab("lvef", "55")))).message


@pytest.mark.parametrize("type_", ["Condition", "Observation"])
def test_what_could_not_be_read_is_not_clear(type_: str) -> None:
    assert outcome(heart_failure(case(unread=(type_,)))) == "unknown"
