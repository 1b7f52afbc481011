"""Baseline values: creatinine, haemoglobin, blood group, IgA and vital signs."""

from __future__ import annotations

from typing import Any

import pytest

from ivig_fhir.proposal.findings import Result
from tests.a_case import found, outcome
from tests.a_record import ABO, CREATININE, HEMOGLOBIN, IGA, SBP, SNOMED, TEMPERATURE, coded, infused, observation, proposed, result

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
DIABETES = coded("Condition", "diabetes", ICD, "E11.9")
HIGH_DOSE = {"regimen": "cidp-load", "dose": {"per_kg": "2"}, "days": 4}


def check(id_: str, *added: Any, **options: Any) -> Result:
    """One check on the quiet record with these changes."""
    return result(id_, proposed(*added, **options))


def creatinine(when: str, value: float = 0.9, unit: str | None = "mg/dL", **more: Any) -> dict[str, Any]:
    """A creatinine in place of the quiet one."""
    return observation("creatinine", CREATININE, value, unit, when, **more)


@pytest.mark.parametrize(
    ("when", "severity"),
    [
        ("2026-01-31T09:00:00Z", "clear"),  # 30 days
        ("2025-12-02T09:00:00Z", "clear"),  # 90 days
        ("2025-12-02T08:59:59Z", "override"),
        ("2025-03-02T09:00:00Z", "override"),
        ("2025-03-01T09:00:00Z", "override"),
    ],
)
def test_creatinine_may_be_ninety_days_old(when: str, severity: str) -> None:
    assert outcome(check("renal.creatinine-missing", creatinine(when))) == severity


@pytest.mark.parametrize(("when", "branch"), [("2025-03-02T09:00:00Z", "old"), ("2025-03-02T08:59:59Z", "none")])
def test_a_creatinine_of_more_than_a_year_is_none(when: str, branch: str) -> None:
    assert found(check("renal.creatinine-missing", creatinine(when))).branch == branch


@pytest.mark.parametrize(("when", "severity"), [("2026-01-31T09:00:00Z", "clear"), ("2026-01-31T08:59:59Z", "warning")])
def test_with_a_renal_risk_it_may_be_thirty_days_old(when: str, severity: str) -> None:
    made = check("renal.creatinine-missing", creatinine(when), DIABETES)
    assert outcome(made) == severity
    assert severity == "clear" or "Condition/diabetes" in {e.reference for e in found(made).evidence}


def test_a_risk_that_could_not_be_assessed_leaves_it_open() -> None:
    assert outcome(check("renal.creatinine-missing", creatinine("2026-01-20"), unread=("Condition",))) == "unknown"
    assert outcome(check("renal.creatinine-missing", creatinine("2026-02-20"), unread=("Condition",))) == "clear"


@pytest.mark.parametrize(
    "odd",
    [
        creatinine("2026-03-01", 80),  # implausible
        creatinine("2026-03-01", unit=None),
        creatinine("2026-03-01", status="entered-in-error"),
        creatinine("2026-03-01", status="preliminary"),
        creatinine("2026-03-03"),  # dated tomorrow
        {**creatinine("2026-03-01"), "code": {"text": "Creatinine"}},
    ],
)
def test_what_cannot_be_used_is_missing_and_shown(odd: dict[str, Any]) -> None:
    finding = found(check("renal.creatinine-missing", odd))
    assert (finding.severity, finding.branch) == ("override", "none")
    assert [e.reference for e in finding.evidence] == ["Observation/creatinine"]


def test_a_preliminary_creatinine_beside_a_final_one_changes_nothing() -> None:
    early = observation("early", CREATININE, 0.9, "mg/dL", "2026-03-01", status="preliminary")
    assert outcome(check("renal.creatinine-missing", early)) == "clear"


def test_creatinines_of_one_moment_that_contradict_each_other_are_none() -> None:
    other = observation("other", CREATININE, 2.0, "mg/dL", "2026-02-20T07:00:00Z")
    finding = found(check("renal.creatinine-missing", other))
    assert {e.reference for e in finding.evidence} == {"Observation/creatinine", "Observation/other"}


@pytest.mark.parametrize(
    "id_", ["renal.creatinine-missing", "hemolysis.hemoglobin-missing", "hypersensitivity.iga-missing", "record.vitals-missing"]
)
def test_what_could_not_be_read_is_unknown_and_not_missing(id_: str) -> None:
    made = check(id_, drop=("prior",), unread=("Observation",), weight={"dosing_kg": "70"})
    assert outcome(made) == "unknown"


@pytest.mark.parametrize(
    ("when", "usual", "high"),
    [
        ("2026-02-23T09:00:00Z", "clear", "clear"),  # 7 days
        ("2026-02-23T08:59:59Z", "clear", "warning"),
        ("2025-12-02T09:00:00Z", "clear", "warning"),  # 90 days
        ("2025-12-02T08:59:59Z", "warning", "warning"),
    ],
)
def test_a_high_dose_asks_for_a_haemoglobin_of_the_last_week(when: str, usual: str, high: str) -> None:
    value = observation("hemoglobin", HEMOGLOBIN, 14, "g/dL", when)
    assert outcome(check("hemolysis.hemoglobin-missing", value)) == usual
    assert outcome(check("hemolysis.hemoglobin-missing", value, **HIGH_DOSE)) == high


def test_a_high_dose_begins_at_two_grams_per_kilogram_before_rounding() -> None:
    value = observation("hemoglobin", HEMOGLOBIN, 14, "g/dL", "2026-02-20")
    below = {**HIGH_DOSE, "dose": {"per_kg": "1.99"}}
    assert outcome(check("hemolysis.hemoglobin-missing", value, **below)) == "clear"
    assert outcome(check("hemolysis.hemoglobin-missing", value, **HIGH_DOSE)) == "warning"


def test_without_a_dose_the_need_for_a_haemoglobin_is_open_where_the_dose_decides() -> None:
    value = observation("hemoglobin", HEMOGLOBIN, 14, "g/dL", "2026-02-20")
    assert outcome(check("hemolysis.hemoglobin-missing", value, drop=("weight",))) == "unknown"
    assert outcome(check("hemolysis.hemoglobin-missing", drop=("weight",))) == "clear"
    assert outcome(check("hemolysis.hemoglobin-missing", drop=("weight", "hemoglobin"))) == "warning"


@pytest.mark.parametrize(("per_kg", "severity"), [("1", "warning"), ("0.99", "clear")])
def test_an_unknown_blood_group_matters_from_one_gram_per_kilogram(per_kg: str, severity: str) -> None:
    assert outcome(check("hemolysis.blood-group-missing", drop=("abo",), dose={"per_kg": per_kg})) == severity


@pytest.mark.parametrize(
    ("value", "branch"),
    [
        ({"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "112144000"}], "text": "Group O"}}, "unclear"),
        ({"valueString": "see comment"}, "unclear"),
        ({"valueString": "A", "status": "preliminary"}, "unclear"),
        ({"valueString": "AB"}, None),
        ({"valueString": "O Rh positive"}, None),
    ],
)
def test_a_blood_group_must_be_one_that_code_and_words_agree_on(value: dict[str, Any], branch: str | None) -> None:
    made = check("hemolysis.blood-group-missing", observation("abo", ABO, None, None, "2024-01-01", **value))
    assert (found(made).branch if outcome(made) == "warning" else None) == branch


def test_iga_is_asked_for_only_before_the_first_immunoglobulin() -> None:
    assert outcome(check("hypersensitivity.iga-missing", drop=("iga", "prior"))) == "info"
    assert outcome(check("hypersensitivity.iga-missing", drop=("iga",))) == "clear"
    assert outcome(check("hypersensitivity.iga-missing", drop=("prior",))) == "clear"
    dispensed = {**infused("2026-01-20"), "resourceType": "MedicationDispense", "id": "handed-over"}
    assert outcome(check("hypersensitivity.iga-missing", dispensed, drop=("iga", "prior"))) == "info"
    low = observation("iga", IGA, 7, "mg/dL", "2015-01-01")
    assert outcome(check("hypersensitivity.iga-missing", low, drop=("prior",))) == "clear"


def test_an_unread_history_counts_as_no_history() -> None:
    assert outcome(check("hypersensitivity.iga-missing", drop=("iga",), unread=("MedicationAdministration",))) == "info"


@pytest.mark.parametrize(
    ("when", "severity"),
    [("2026-03-01T09:00:00Z", "clear"), ("2026-03-01T08:59:59Z", "info"), ("2026-03-02", "clear"), ("2026-03-01", "info")],
)
def test_vital_signs_are_of_the_last_24_hours(when: str, severity: str) -> None:
    both = (observation("sbp", SBP, 120, "mm[Hg]", when), observation("temperature", TEMPERATURE, 36.8, "Cel", when))
    assert outcome(check("record.vitals-missing", *both)) == severity


def test_each_missing_vital_sign_is_named() -> None:
    finding = found(check("record.vitals-missing", drop=("sbp",)))
    assert "systolic" in finding.message.lower()
    assert "temperature" not in finding.message.lower()
