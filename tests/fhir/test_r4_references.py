"""The first write gate on what lies around a resource: references, contained resources, extensions, Bundles, invariants."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.fhir.r4_check import check

Resource = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
PATIENT: Resource = {"resourceType": "Patient", "id": "p1"}
RUN = "urn:uuid:6c1b1a5e-8a39-4f5f-9b5e-0c2f3f1d7a11"


def codes(resource: Any) -> set[str]:
    return {problem.code for problem in check(resource)}


def coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def observation(**more: Any) -> Resource:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "Body weight"}, **more}


def transaction(*entries: Resource, kind: str = "transaction") -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def create(resource: Resource, full_url: str = RUN) -> Resource:
    return {"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"reference": "Patient/p1"}, set()),
        ({"reference": "Patient/p1/_history/3"}, set()),
        ({"reference": "https://ehr.example.org/fhir/Patient/p1"}, set()),
        ({"reference": "https://ehr.example.org/portal?who=p1"}, set()),
        ({"reference": RUN}, set()),
        ({"display": "Mrs Example"}, set()),
        ({"reference": "Patient/p1", "type": "Patient"}, set()),
        ({"reference": "Practitioner/p1"}, {"reference-target"}),
        ({"reference": "https://ehr.example.org/fhir/Practitioner/p1"}, {"reference-target"}),
        ({"reference": "Foo/1"}, {"reference-target"}),
        ({"reference": RUN, "type": "Practitioner"}, {"reference-target"}),
        ({"reference": "Patient/p1", "type": "Group"}, {"reference-target"}),
        ({"reference": "p1"}, {"reference"}),
        ({"reference": "Patient/under_score"}, {"reference"}),
        ({"reference": "Patient?identifier=x"}, {"reference"}),
        ({"type": "Patient"}, {"reference"}),
        ({"reference": "#p1"}, {"ref-1"}),
        ({"reference": "#"}, set()),
    ],
)
def test_a_subject_points_to_an_allowed_type_in_a_form_of_r4(subject: Resource, expected: set[str]) -> None:
    assert codes(observation(subject=subject)) == expected


def test_a_contained_resource_is_checked_by_its_own_type() -> None:
    assert check(observation(contained=[PATIENT], subject={"reference": "#p1"})) == []
    assert codes(observation(contained=[PATIENT | {"gender": "F"}], subject={"reference": "#p1"})) == {"binding"}
    practitioner = {"resourceType": "Practitioner", "id": "p1"}
    assert codes(observation(contained=[practitioner], subject={"reference": "#p1"})) == {"reference-target"}


@pytest.mark.parametrize(
    ("contained", "expected"),
    [
        ({"resourceType": "Patient", "id": "other"}, {"dom-3"}),
        (PATIENT | {"contained": [{"resourceType": "Patient", "id": "inner"}]}, {"dom-2"}),
        (PATIENT | {"meta": {"versionId": "1"}}, {"dom-4"}),
        (PATIENT | {"meta": {"security": [{"code": "R"}]}}, {"dom-5"}),
    ],
)
def test_a_contained_resource_keeps_its_place(contained: Resource, expected: set[str]) -> None:
    both = [PATIENT, contained] if contained["id"] == "other" else [contained]
    assert codes(observation(contained=both, subject={"reference": "#p1"})) == expected


def test_a_contained_resource_that_refers_to_its_container_is_in_use() -> None:
    provenance = {"resourceType": "Provenance", "id": "why", "target": [{"reference": "#"}], "recorded": "2026-03-02T09:00:00Z"}
    provenance["agent"] = [{"who": {"display": "Dr Example"}}]
    assert check(observation(contained=[provenance])) == []


def test_primitive_extensions_stand_for_or_beside_a_value() -> None:
    unknown = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]}
    assert check(PATIENT | {"_birthDate": unknown}) == []
    assert check(PATIENT | {"name": [{"given": ["Ana", None], "_given": [None, unknown]}]}) == []
    assert check({"resourceType": "Observation", "_status": unknown, "code": {"text": "x"}}) == []
    assert codes(PATIENT | {"_birthDate": {}}) == {"ele-1"}
    assert codes(PATIENT | {"_birthDate": {"value": "2000"}}) == {"unknown-element"}
    assert codes(PATIENT | {"_name": [unknown]}) == {"unknown-element"}
    assert codes(PATIENT | {"name": [{"given": ["Ana"], "_given": [None]}]}) == set()
    assert codes(PATIENT | {"name": [{"given": ["Ana", None], "_given": [None, None]}]}) == {"null"}
    assert codes(PATIENT | {"name": [{"given": ["Ana"], "_given": [None, unknown]}]}) == {"cardinality"}
    assert codes(PATIENT | {"_deceasedBoolean": unknown, "deceasedDateTime": "2026"}) == {"choice"}


@pytest.mark.parametrize(
    ("extension", "passes"),
    [
        ({"url": "https://example.org/x", "valueInteger": 1}, True),
        ({"url": "https://example.org/x", "valueBoolean": False}, True),
        ({"url": "https://example.org/x"}, False),
        ({"valueInteger": 1}, False),
        ({"url": "https://example.org/x", "valueInteger": "1"}, False),
        ({"url": "https://example.org/x", "valueInteger64": 1}, False),
        ({"url": "https://example.org/x", "valueInteger": 1, "valueString": "1"}, False),
        ({"url": "https://example.org/x", "extension": [{"url": "y", "valueString": "1"}]}, True),
        ({"url": "https://example.org/x", "extension": [{"url": "y", "valueString": "1"}], "valueInteger": 1}, False),
    ],
)
def test_an_extension_has_a_url_and_either_one_value_or_extensions(extension: Resource, passes: bool) -> None:
    assert (check(PATIENT | {"extension": [extension]}) == []) is passes


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        ("<div xmlns='http://www.w3.org/1999/xhtml'><p class='a'>40 g</p></div>", set()),
        ("<div xmlns='http://www.w3.org/1999/xhtml'><script>x</script></div>", {"txt-1"}),
        ("<div xmlns='http://www.w3.org/1999/xhtml'><p onclick='x()'>40 g</p></div>", {"txt-1"}),
        ("<div xmlns='http://www.w3.org/1999/xhtml'><a href='JavaScript:x()'>40 g</a></div>", {"txt-1"}),
        ("<!DOCTYPE div [<!ENTITY a 'b'>]><div xmlns='http://www.w3.org/1999/xhtml'>&a;</div>", {"txt-1"}),
        ("<div xmlns='http://www.w3.org/1999/xhtml'><p>40 g</div>", {"txt-1"}),
        ("<div>40 g</div>", {"txt-1"}),
        ("40 g", {"txt-1"}),
        ("<div xmlns='http://www.w3.org/1999/xhtml'> </div>", {"txt-2"}),
    ],
)
def test_a_narrative_is_harmless_and_says_something(div: str, expected: set[str]) -> None:
    assert codes(PATIENT | {"text": {"status": "generated", "div": div}}) == expected


ALLERGY: Resource = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/p1"}}
CONDITION: Resource = {"resourceType": "Condition", "subject": {"reference": "Patient/p1"}}
TASK: Resource = {"resourceType": "Task", "status": "requested", "intent": "order"}
GROUP: Resource = {"resourceType": "RequestGroup", "status": "draft", "intent": "proposal"}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (ALLERGY, {"ait-1"}),
        (ALLERGY | {"clinicalStatus": coded("allergyintolerance-clinical", "active")}, set()),
        (ALLERGY | {"clinicalStatus": {"text": "active"}}, {"binding"}),
        (ALLERGY | {"clinicalStatus": coded("condition-clinical", "active")}, {"binding"}),
        (ALLERGY | {"verificationStatus": coded("allergyintolerance-verification", "entered-in-error")}, set()),
        (
            ALLERGY
            | {
                "verificationStatus": coded("allergyintolerance-verification", "entered-in-error"),
                "clinicalStatus": coded("allergyintolerance-clinical", "active"),
            },
            {"ait-2"},
        ),
        (CONDITION | {"abatementDateTime": "2026"}, {"con-4"}),
        (CONDITION | {"abatementDateTime": "2026", "clinicalStatus": coded("condition-clinical", "resolved")}, set()),
        (
            CONDITION
            | {
                "verificationStatus": coded("condition-ver-status", "entered-in-error"),
                "clinicalStatus": coded("condition-clinical", "active"),
            },
            {"con-5"},
        ),
        (observation(valueString="x", dataAbsentReason={"text": "y"}), {"obs-6"}),
        (observation(dataAbsentReason={"text": "y"}), set()),
        (
            {
                "resourceType": "Observation",
                "status": "final",
                "code": coded("x", "a"),
                "valueString": "x",
                "component": [{"code": coded("x", "a"), "valueString": "y"}],
            },
            {"obs-7"},
        ),
        (TASK | {"authoredOn": "2026-03-02T09:00:00Z", "lastModified": "2026-03-02T08:59:59Z"}, {"inv-1"}),
        (TASK | {"authoredOn": "2026-03-02T09:00:00Z", "lastModified": "2026-03-02T09:00:00Z"}, set()),
        (GROUP | {"action": [{"title": "x"}]}, {"rqg-1"}),
        (GROUP | {"action": [{"resource": {"reference": "MedicationRequest/x"}}]}, set()),
        ({"resourceType": "Organization", "active": True}, {"org-1"}),
        (PATIENT | {"contact": [{"gender": "female"}]}, {"pat-1"}),
        (PATIENT | {"telecom": [{"value": "1"}]}, {"cpt-2"}),
        (CONDITION | {"onsetAge": {"value": 0, "unit": "a", "system": UCUM, "code": "a"}}, {"age-1"}),
        (CONDITION | {"onsetAge": {"value": Decimal("0.5"), "unit": "a", "system": UCUM, "code": "a"}}, set()),
        (observation(valueQuantity={"value": 1, "system": UCUM}), {"ucum"}),
        (observation(valueQuantity={"value": 1, "unit": "tablet"}), set()),
        (observation(valueRatio={"numerator": {"value": 1}}), {"rat-1"}),
    ],
)
def test_resources_keep_their_invariants(resource: Resource, expected: set[str]) -> None:
    assert codes(resource) == expected


def test_a_transaction_says_what_to_do_with_each_entry() -> None:
    bundle = transaction(create(PATIENT))
    assert check(bundle) == []
    del bundle["entry"][0]["request"]
    assert codes(bundle) == {"bdl-3"}


def test_a_transaction_resolves_every_urn_it_uses() -> None:
    weight = observation(subject={"reference": RUN})
    other = RUN.replace("6c1b", "7c1b")
    assert check(transaction(create(PATIENT), create(weight, other))) == []
    assert codes(transaction(create(weight, other))) == {"reference-unresolved"}
    practitioner = {"resourceType": "Practitioner"}
    assert codes(transaction(create(practitioner), create(weight, other))) == {"reference-target"}


def test_a_transaction_checks_every_resource_in_it() -> None:
    assert [p.path for p in check(transaction(create(PATIENT | {"gender": "F"})))] == ["Bundle.entry[0].resource.gender"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"request": {"method": "POST", "url": "Observation"}}, {"request-url"}),
        ({"request": {"method": "POST", "url": "/Patient"}}, {"request-url"}),
        ({"request": {"method": "PUT", "url": "Patient/p2"}}, {"request-url"}),
        ({"request": {"method": "PUT", "url": "Patient/p1"}}, set()),
        ({"request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=x"}}, set()),
        ({"request": {"method": "PUT", "url": "Patient/p1", "ifNoneExist": "identifier=x"}}, {"request-if-none-exist"}),
        ({"request": {"method": "PATCHY", "url": "Patient/p1"}}, {"binding"}),
        ({"fullUrl": "https://ehr.example.org/Patient/p1/_history/2"}, {"bdl-8", "full-url"}),
        ({"fullUrl": "https://ehr.example.org/Patient/p2"}, {"full-url"}),
        ({"response": {"status": "201"}}, {"bdl-4"}),
        ({"search": {"mode": "match"}}, {"bdl-2"}),
    ],
)
def test_an_entry_fits_its_bundle(change: Resource, expected: set[str]) -> None:
    assert codes(transaction(create(PATIENT) | change)) == expected


def test_a_bundle_names_each_resource_once() -> None:
    assert codes(transaction(create(PATIENT), create(PATIENT))) == {"bdl-7"}
    assert codes(transaction(create(PATIENT)) | {"total": 1}) == {"bdl-1"}
    assert codes(transaction({"fullUrl": RUN}, kind="collection")) == {"bdl-5"}
