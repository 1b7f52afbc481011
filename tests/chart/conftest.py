"""A small record under construction, and the chart that is read from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.codes import SHORT

UCUM = "http://unitsofmeasure.org"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Json = dict[str, Any]


class Make:
    """Resources of the patient `Patient/p1`, as short as they can be and still be what an EHR sends."""

    now = NOW

    @property
    def subject(self) -> Json:
        """The patient, as a reference."""
        return {"reference": "Patient/p1"}

    @property
    def patient(self) -> Json:
        """The patient."""
        return {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1980-05-06"}

    def quantity(self, value: Any, code: str, **more: Any) -> Json:
        """A value with a UCUM code."""
        return {"value": value, "unit": code, "system": UCUM, "code": code, **more}

    def observation(self, loinc: str, value: Any = None, unit: str = "kg", **more: Any) -> Json:
        """A final result of 1 March 2026, 08:00 UTC; `more` replaces or removes (None) elements."""
        made: Json = {
            "resourceType": "Observation",
            "id": f"obs-{loinc}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
            "subject": self.subject,
            "effectiveDateTime": "2026-03-01T08:00:00Z",
        }
        if value is not None:
            made["valueQuantity"] = self.quantity(value, unit)
        return {k: v for k, v in {**made, **more}.items() if v is not None}

    def condition(self, **more: Any) -> Json:
        """An active, confirmed problem."""
        made = {
            "resourceType": "Condition",
            "id": "c1",
            "subject": self.subject,
            "clinicalStatus": self.coded("active"),
            "verificationStatus": self.coded("confirmed"),
            "code": {"text": "Migraine"},
        }
        return {k: v for k, v in {**made, **more}.items() if v is not None}

    def allergy(self, **more: Any) -> Json:
        """An active allergy by its name."""
        made = {"resourceType": "AllergyIntolerance", "id": "a1", "patient": self.subject, "code": {"text": "Corn"}}
        return {**made, "clinicalStatus": self.coded("active"), **more}

    def request(self, **more: Any) -> Json:
        """An active order for ibuprofen, written in February 2026."""
        made = {
            "resourceType": "MedicationRequest",
            "id": "mr1",
            "status": "active",
            "intent": "order",
            "subject": self.subject,
            "authoredOn": "2026-02-01",
            "medicationCodeableConcept": {"text": "Ibuprofen 200 MG Oral Tablet"},
        }
        return {k: v for k, v in {**made, **more}.items() if v is not None}

    def given(self, **more: Any) -> Json:
        """Seventy grams of immunoglobulin, given in February 2026."""
        made = {
            "resourceType": "MedicationAdministration",
            "id": "ma1",
            "status": "completed",
            "subject": self.subject,
            "effectiveDateTime": "2026-02-10T10:00:00Z",
            "medicationCodeableConcept": {"coding": [self.coding("rxnorm", "1426680")]},
            "dosage": {"dose": self.quantity(70, "g")},
        }
        return {k: v for k, v in {**made, **more}.items() if v is not None}

    def other(self, type_: str, **more: Any) -> Json:
        """Any other resource of the patient."""
        return {"resourceType": type_, "id": f"{type_.lower()}-1", "subject": self.subject, **more}

    def coded(self, code: str) -> Json:
        """A concept of one code."""
        return {"coding": [{"code": code}]}

    def coding(self, system: str, code: str, **more: Any) -> Json:
        """A coding of a system by its short name."""
        return {"system": SHORT[system], "code": code, **more}

    def outcome(self, code: str, words: str, severity: str = "warning") -> Json:
        """An OperationOutcome of one issue."""
        return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code, "diagnostics": words}]}

    def bundle(self, *resources: Json, type_: str = "collection", **more: Any) -> Json:
        """A Bundle without fullUrls."""
        return {"resourceType": "Bundle", "type": type_, "entry": [{"resource": r} for r in resources], **more}


@pytest.fixture(scope="session")
def make() -> Make:
    """Builders of resources."""
    return Make()


@pytest.fixture(scope="session")
def content() -> Content:
    """The content that the project ships."""
    return load_content(Path(__file__).resolve().parents[2] / "order_sets")


@pytest.fixture(scope="session")
def chart(content: Content) -> Callable[..., ChartSnapshot]:
    """Read resources of `Patient/p1` (who is added) into a chart as of 2 March 2026, 09:00 UTC."""

    def read(*resources: Json) -> ChartSnapshot:
        return read_chart(from_documents([Make().patient, *resources]), content, NOW, UTC)

    return read


@pytest.fixture(scope="session")
def weights(chart: Callable[..., ChartSnapshot]) -> Callable[..., list[Decimal | None]]:
    """The weights in kg that are read from observations, newest first."""
    return lambda *observations: [m.value for m in chart(*observations).panel("body-weight")]
