"""Days on which a raw record says that a medicine was given: what counts, what does not, and what is malformed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ivig_fhir.fhir.given import given_on

NDC = "http://hl7.org/fhir/sid/ndc"
DAY = date(2026, 3, 2)


def administration(**changed: Any) -> dict[str, Any]:
    """Panzyga, given."""
    whole = {
        "resourceType": "MedicationAdministration",
        "id": "a1",
        "status": "completed",
        "medicationCodeableConcept": {"text": "Panzyga 10 %"},
        "effectiveDateTime": "2026-03-02T10:00:00Z",
    }
    return {k: v for k, v in {**whole, **changed}.items() if v is not None}


def days(*record: dict[str, Any]) -> list[date]:
    return list(given_on({f"{r['resourceType']}/{r['id']}": r for r in record}, {"panzyga"}, {"68982-820"}))


MEDICATION = {"resourceType": "Medication", "id": "m1", "code": {"coding": [{"system": NDC, "code": "68982-820-04"}]}}


@pytest.mark.parametrize(
    "record",
    [
        (administration(),),
        (administration(effectiveDateTime=None, effectivePeriod={"start": "2026-03-02T10:00:00Z", "end": "2026-03-03"}),),
        (administration(medicationCodeableConcept=None, medicationReference={"reference": "Medication/m1"}), MEDICATION),
        (administration(medicationCodeableConcept=None, medicationReference={"reference": "#m1"}, contained=[MEDICATION]),),
        (
            {
                "resourceType": "Immunization",
                "id": "i1",
                "status": "completed",
                "vaccineCode": {"text": "PANZYGA"},
                "occurrenceDateTime": "2026-03-02",
            },
        ),
    ],
)
def test_what_was_given_counts_wherever_it_is_named(record: tuple[dict[str, Any], ...]) -> None:
    assert days(*record) == [DAY]


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "not-done"},
        {"status": "entered-in-error"},
        {"medicationCodeableConcept": {"text": "Privigen"}},
        {"medicationCodeableConcept": {"coding": [{"system": NDC, "code": "68982-840-04"}]}},
        {"effectiveDateTime": None},
        {"resourceType": "MedicationRequest"},
    ],
)
def test_what_was_not_given_or_is_another_medicine_or_has_no_date_does_not(changed: dict[str, Any]) -> None:
    assert days(administration(**changed)) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"status": ["completed"]},
        {"effectiveDateTime": 5},
        {"effectiveDateTime": None, "effectivePeriod": "2026-03-02"},
        {"medicationCodeableConcept": None, "medicationReference": "Medication/m1"},
        {"medicationCodeableConcept": None, "contained": 7, "medicationReference": {"reference": ["#m1"]}},
        {"medicationCodeableConcept": "Panzyga"},
    ],
)
def test_what_is_malformed_is_nothing_that_was_given_and_never_a_fault(changed: dict[str, Any]) -> None:
    assert days(administration(**changed)) == []
