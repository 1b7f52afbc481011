"""A record under construction: FHIR resources of one quiet patient, read and proposed for as in practice, and one check's result."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.proposal.findings import Clear, Result
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from tests.a_case import RUN, content

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UCUM = "http://unitsofmeasure.org"
SNOMED = "http://snomed.info/sct"
WEIGHT, HEIGHT, CREATININE, HEMOGLOBIN, ABO, SBP, TEMPERATURE, IGA = (
    "29463-7", "8302-2", "2160-0", "718-7", "883-9", "8480-6", "8310-5", "2458-8",
)  # fmt: skip

Resource = dict[str, Any]


def observation(id_: str, loinc: str, value: Decimal | float | int | None, unit: str | None, when: str | None, **more: Any) -> Resource:
    """A final Observation with a coded unit."""
    made: Resource = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
    }
    if when is not None:
        made["effectiveDateTime"] = when
    if value is not None:
        made["valueQuantity"] = {"value": value, **({"unit": unit, "system": UCUM, "code": unit} if unit else {})}
    return {**made, "subject": {"reference": "Patient/p1"}, **more}


def weight(
    kg: Decimal | float | int, when: str = "2026-02-25T08:00:00Z", id_: str = "weight", loinc: str = WEIGHT, unit: str = "kg", **more: Any
) -> Resource:
    """A body weight."""
    return observation(id_, loinc, kg, unit, when, **more)


def coded(type_: str, id_: str, system: str, code: str, **more: Any) -> Resource:
    """An active resource with a code."""
    owner = "patient" if type_ == "AllergyIntolerance" else "subject"
    active = {"coding": [{"code": "active"}]}
    made = {"resourceType": type_, "id": id_, owner: {"reference": "Patient/p1"}, "clinicalStatus": active}
    return {**made, "code": {"coding": [{"system": system, "code": code}]}, **more}


def request(id_: str, text: str, **more: Any) -> Resource:
    """An active order of a medicine."""
    made = {"resourceType": "MedicationRequest", "id": id_, "status": "active", "intent": "order", "subject": {"reference": "Patient/p1"}}
    return {**made, "medicationCodeableConcept": {"text": text}, "authoredOn": "2026-01-10", **more}


def infused(when: str) -> Resource:
    """Gamunex-C that was given."""
    made = {"resourceType": "MedicationAdministration", "id": "prior", "status": "completed", "subject": {"reference": "Patient/p1"}}
    dose = {"dose": {"value": 70, "unit": "g", "system": UCUM, "code": "g"}}
    return {**made, "medicationCodeableConcept": {"text": "Gamunex-C"}, "effectiveDateTime": when, "dosage": dose}


def quiet() -> dict[str, Resource]:
    """A man of 40 with CIDP and everything that a check could ask for, recent and unremarkable; by id."""
    group = {"valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "58460004"}], "text": "Group O"}}
    items = [
        {"resourceType": "Patient", "id": "p1", "gender": "male", "birthDate": "1986-01-15"},
        weight(70),
        observation("height", HEIGHT, 175, "cm", "2025-06-01"),
        observation("creatinine", CREATININE, 0.9, "mg/dL", "2026-02-20T07:00:00Z"),
        observation("hemoglobin", HEMOGLOBIN, 14.2, "g/dL", "2026-02-27T07:00:00Z"),
        observation("abo", ABO, None, None, "2020-01-01", **group),
        observation("sbp", SBP, 122, "mm[Hg]", "2026-03-02T08:00:00Z"),
        observation("temperature", TEMPERATURE, 36.8, "Cel", "2026-03-02T08:00:00Z"),
        observation("iga", IGA, 180, "mg/dL", "2024-05-01"),
        coded("Condition", "cidp", "http://hl7.org/fhir/sid/icd-10-cm", "G61.81"),
        coded("AllergyIntolerance", "nka", SNOMED, "716186003"),
        request("gabapentin", "gabapentin 300 MG Oral Capsule"),
        infused("2026-01-28T10:00:00Z"),
    ]
    return {str(i["id"]): i for i in items}


def proposed(
    *added: Resource,
    drop: tuple[str, ...] = (),
    unread: tuple[str, ...] = (),
    patient: Resource | None = None,
    using: Content | None = None,
    site: Site | None = None,
    **selections: Any,
) -> Proposal:
    """The proposal for the quiet record without `drop`, with `added` (same id replaces) and with types that could not be read."""
    record = {k: v for k, v in quiet().items() if k not in drop} | {str(a["id"]): a for a in added}
    record["p1"] = {**record["p1"], **(patient or {})}
    outcomes = [{"resourceType": "OperationOutcome", "issue": [_denied(t)]} for t in unread]
    used = using or content()
    chart = read_chart(from_documents([r for r in record.values() if r["resourceType"] not in unread] + outcomes), used, NOW, UTC)
    plan = {"indication": "cidp", "regimen": "cidp-maint", "product": "gamunex-c", **selections}
    return propose(chart, parse_selections({k: v for k, v in plan.items() if v is not None}), used, NOW, site or Site())


def _denied(type_: str) -> Resource:
    return {"severity": "warning", "code": "suppressed", "diagnostics": f"Client not authorized for {type_}."}


def result(check: str, proposal: Proposal) -> Result:
    """What a proposal says about one check."""
    for item in (*proposal.findings, *proposal.not_assessed):
        if item.check == check:
            return item
    assert check in proposal.clear, f"{check} is nowhere"
    return Clear(check)


def ordered_on(kg: float | int, used: str = "actual", source: str | None = None) -> Resource:
    """An order of the run `RUN` as the app writes it: with the weight that it stands on."""
    parts: list[Resource] = [
        {"url": "dosingWeight", "valueQuantity": {"value": kg, "system": UCUM, "code": "kg"}},
        {"url": "weightUsed", "valueCode": used},
    ]
    if source:
        parts.append({"url": "weightSource", "valueReference": {"reference": source}})
    basis = {"url": "https://example.org/StructureDefinition/dose-basis", "extension": parts}
    group = {"system": "urn:ietf:rfc:3986", "value": RUN}
    return request("ours", "Gamunex-C", groupIdentifier=group, dosageInstruction=[{"doseAndRate": [{"extension": [basis]}]}])
