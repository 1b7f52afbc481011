"""A synthetic record of any size for measurements: one patient with CIDP, and as many different concepts as the value sets hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import cycle, islice
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.codes import ICD10CM, LOINC, RXNORM, SNOMED

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UCUM = "http://unitsofmeasure.org"
SHARES = {"Observation": 70, "MedicationRequest": 12, "Condition": 10, "Procedure": 4, "AllergyIntolerance": 2, "Immunization": 2}  # of 100
Resource = dict[str, Any]


def record(content: Content, size: int) -> list[Resource]:
    """`size` resources. Every one has a concept, a date, a version and a narrative, as vendors send them; most concepts are in some value set."""
    made = _basis()
    rest = size - len(made)
    for type_, share in SHARES.items():
        made += islice(_MAKERS[type_](content), rest * share // 100)
    made += islice(_observations(content, "x"), size - len(made))
    return made


def _basis() -> list[Resource]:
    """What a dose needs."""
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "gender": "male",
        "birthDate": "1986-01-15",
        "name": [{"family": "Sample", "given": ["Ada"]}],
    }
    cidp = _coded("Condition", "cidp", ICD10CM, "G61.81", "Chronic inflammatory demyelinating polyneuritis", 400)
    return [
        patient,
        _measured("w0", "29463-7", "Body weight", "70.5", "kg", 1),
        _measured("h0", "8302-2", "Body height", "175", "cm", 30),
        cidp,
    ]


def _common(type_: str, id_: str) -> Resource:
    owner = "patient" if type_ in ("AllergyIntolerance", "Immunization") else "subject"
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{type_} {id_}</div>'}
    return {"resourceType": type_, "id": id_, "meta": {"versionId": "1"}, "text": text, owner: {"reference": "Patient/p1"}}


def _when(number: int) -> str:
    return (NOW - timedelta(hours=7 * number + 1)).isoformat()


def _coded(type_: str, id_: str, system: str, code: str, display: str, number: int, **more: Any) -> Resource:
    concept = {"coding": [{"system": system, "code": code, "display": display}], "text": display}
    active = {"clinicalStatus": {"coding": [{"code": "active"}]}, "recordedDate": _when(number)}
    return {**_common(type_, id_), "code": concept, **(active if type_ in ("Condition", "AllergyIntolerance") else {}), **more}


def _measured(id_: str, loinc: str, display: str, value: str, unit: str, number: int) -> Resource:
    quantity = {"value": Decimal(value), "unit": unit, "system": UCUM, "code": unit}
    code = {"coding": [{"system": LOINC, "code": loinc, "display": display}], "text": display}
    return {**_common("Observation", id_), "status": "final", "code": code, "effectiveDateTime": _when(number), "valueQuantity": quantity}


def _observations(content: Content, prefix: str = "o") -> Any:
    panels = [p for p in content.panels.values() if p.accepted and p.loinc and p.id not in ("body-weight", "body-height")]
    for number, panel in enumerate(cycle(panels)):
        low, high = panel.soft.get("adult") or panel.soft.get("any") or panel.hard or (1, 2)
        value = f"{(low + high) / 2:.1f}"
        loinc, display = next(iter(panel.loinc.items()))
        yield _measured(f"{prefix}{number}", loinc, display or panel.title, value, panel.unit, number)


def _concepts(content: Content, system: str) -> Any:
    """Codes of a system over all value sets, with the first words of their set as text."""
    found = [
        (c.code, (s.terms or (s.id.replace("-", " "),))[0].strip("*"))
        for s in content.value_sets.values()
        for c in sorted(s.exact, key=lambda c: c.code)
        if c.system == system and not s.id.startswith("indication-")
    ]
    return enumerate(cycle(found))


def _conditions(content: Content) -> Any:
    for number, (code, words) in _concepts(content, ICD10CM):
        yield _coded("Condition", f"c{number}", ICD10CM, code, f"{words}, episode {number}", number)


def _procedures(content: Content) -> Any:
    for number, (code, words) in _concepts(content, SNOMED):
        yield _coded(
            "Procedure", f"p{number}", SNOMED, code, f"{words} {number}", number, status="completed", performedDateTime=_when(number)
        )


def _allergies(content: Content) -> Any:
    for number, (code, words) in _concepts(content, RXNORM):
        yield _coded("AllergyIntolerance", f"a{number}", RXNORM, code, f"{words} {number}", number)


def _immunizations(content: Content) -> Any:
    for number in enumerate(cycle((0,))):
        vaccine = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "140", "display": "Influenza, seasonal"}]}
        yield {
            **_common("Immunization", f"i{number[0]}"),
            "status": "completed",
            "vaccineCode": vaccine,
            "occurrenceDateTime": _when(number[0]),
        }


def _requests(content: Content) -> Any:
    for number, (code, words) in _concepts(content, RXNORM):
        medicine = {"coding": [{"system": RXNORM, "code": code, "display": words}], "text": f"{words} {number} MG Oral Tablet"}
        status = {"status": "completed" if number % 3 else "active", "intent": "order"}
        yield {**_common("MedicationRequest", f"m{number}"), **status, "medicationCodeableConcept": medicine, "authoredOn": _when(number)}


_MAKERS = {
    "Observation": _observations,
    "MedicationRequest": _requests,
    "Condition": _conditions,
    "Procedure": _procedures,
    "AllergyIntolerance": _allergies,
    "Immunization": _immunizations,
}
