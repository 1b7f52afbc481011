"""Searching over HTTP: filters, order, pages, includes, strict and lenient handling."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox.a_sandbox import CATEGORY, FHIR, LOINC, Ehr, Fhir, issue, observation, order, patient

from ivig_fhir.sandbox.parameters import TYPES, parameters


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"patient": "one"}, ["w1", "w2", "w3", "lab"]),
        ({"patient": "Patient/one"}, ["w1", "w2", "w3", "lab"]),
        ({"subject": "Patient/one", "category": "laboratory"}, ["lab"]),
        ({"subject": f"{FHIR}/Patient/one", "category": f"{CATEGORY}|laboratory"}, ["lab"]),
        ({"patient": "one", "category": "http://other|laboratory"}, []),
        ({"patient": "one,two", "category": "vital-signs"}, ["w1", "w2", "w3", "other"]),
        ({"patient": "one", "code": f"{LOINC}|2160-0"}, ["lab"]),
        ({"patient": "one", "code": f"{LOINC}|2160-0,{LOINC}|29463-7"}, ["w1", "w2", "w3", "lab"]),
        ({"patient": "one", "code": "2160-0,nothing"}, ["lab"]),
        ({"patient": "one", "code": f"{LOINC}|"}, ["w1", "w2", "w3", "lab"]),
        ({"patient": "one", "code": "|2160-0"}, []),
        ({"patient": "one", "code:text": "creat"}, ["lab"]),
        ({"patient": "one", "code:not": "29463-7"}, ["lab"]),
        ({"patient": "one", "date": "ge2026-02-10"}, ["w2", "w3", "lab"]),
        ({"patient": "one", "date": ["ge2026-02-10", "lt2026-02-20"]}, ["w2"]),
        ({"patient": "one", "date": "2026-02"}, ["w2", "lab"]),
        ({"patient": "one", "encounter:missing": "false"}, []),
        ({"_id": "w1,w3"}, ["w1", "w3"]),
        ({"status": "final", "_id": "lab"}, ["lab"]),
        ({"_lastUpdated": "ge2026-03-02", "patient": "two"}, ["other"]),
        ({"_lastUpdated": "lt2026-03-02", "patient": "two"}, []),
    ],
)
def test_observations_are_found_by(fhir: Fhir, parameters: dict[str, Any], found: list[str]) -> None:
    assert fhir.ids("Observation", **parameters) == found


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"family": "must"}, ["one"]),
        ({"family:exact": "must"}, []),
        ({"name": "BEA"}, ["one", "two"]),
        ({"given": "béa", "family:contains": "eite"}, ["two"]),
        ({"birthdate": "1980-02-29"}, ["one", "two"]),
        ({"identifier": "urn:mrn|M1"}, ["one"]),
        ({"identifier": "urn:other|M1"}, []),
        ({"gender:missing": "true"}, ["two"]),
    ],
)
def test_patients_are_found_by(fhir: Fhir, parameters: dict[str, Any], found: list[str]) -> None:
    assert fhir.ids("Patient", **parameters) == found


def test_order_and_its_task_are_found_by_what_links_them(fhir: Fhir) -> None:
    run = order()["identifier"][0]
    made = fhir.send("POST", "MedicationRequest", order(authoredOn="2026-03-02T09:00:00Z")).json()
    reference = {"reference": f"MedicationRequest/{made['id']}"}
    who = {"reference": "Practitioner/prescriber"}
    task = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "approve"}]},
        "focus": reference,
        "for": {"reference": "Patient/one"},
        "requester": who,
        "owner": {"reference": "Practitioner/pharmacist"},
        "groupIdentifier": run,
    }
    tasks = [fhir.send("POST", "Task", task).json()["id"]]
    issues = [
        fhir.send(
            "POST", "DetectedIssue", {"resourceType": "DetectedIssue", "patient": {"reference": "Patient/one"}, "implicated": [reference]}
        ).json()["id"]
    ]
    orders = [made["id"]]
    token = f"{run['system']}|{run['value']}"
    assert fhir.ids("MedicationRequest", identifier=token, status="draft,active", intent="order", authoredon="2026-03-02") == orders
    assert fhir.ids("MedicationRequest", status="active") == []
    for asked in (
        {"focus": reference["reference"]},
        {"owner": "pharmacist"},
        {"code": "approve", "status": "requested"},
        {"requester": "Practitioner/prescriber"},
        {"group-identifier": token},
        {"patient": "one"},
    ):
        assert fhir.ids("Task", **asked) == tasks, asked
    assert fhir.ids("DetectedIssue", implicated=reference["reference"]) == issues
    assert fhir.ids("PractitionerRole", practitioner="Practitioner/pharmacist") == ["pharmacist-role"]


def test_canonical_is_found_with_its_version_and_without(fhir: Fhir) -> None:
    group = {
        "resourceType": "RequestGroup",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/one"},
        "instantiatesCanonical": ["http://example.org/PlanDefinition/cidp|1.0"],
    }
    made = fhir.send("POST", "RequestGroup", group).json()["id"]
    for asked, found in (("cidp|1.0", [made]), ("cidp", [made]), ("cidp|2.0", []), ("cid", [])):
        assert fhir.ids("RequestGroup", **{"instantiates-canonical": f"http://example.org/PlanDefinition/{asked}"}) == found


def test_sorting_goes_by_the_parameter_and_puts_what_has_none_last(ehr: Ehr, fhir: Fhir) -> None:
    ehr.load(observation("undated", "one", "2026-01-01") | {"effectiveDateTime": None})
    assert fhir.ids("Observation", patient="one", _sort="date") == ["w1", "w2", "lab", "w3", "undated"]
    assert fhir.ids("Observation", patient="one", _sort="-date") == ["w3", "lab", "w2", "w1", "undated"]
    assert fhir.ids("Observation", patient="one", _sort="code,-date") == ["lab", "w3", "w2", "w1", "undated"]


def test_pages_hold_every_match_once_and_their_links_say_nothing(fhir: Fhir) -> None:
    first = fhir.get("Observation", patient="one", _count=3).json()
    assert len(first["entry"]) == 3
    assert "total" not in first
    [following] = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert following.startswith(f"{FHIR}?_page=")
    assert "one" not in following
    assert fhir.ids("Observation", patient="one", _count=3, _sort="-date") == ["w3", "lab", "w2", "w1"]


def test_later_page_shows_what_is_there_by_then(ehr: Ehr, fhir: Fhir) -> None:
    first = fhir.get("Observation", patient="one", _count=2).json()
    assert fhir.send("DELETE", "Observation/w3", "").status_code == 204
    ehr.load(observation("new", "one", "2026-03-02"))
    [following] = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert [entry["resource"]["id"] for entry in fhir.get(following).json()["entry"]] == ["lab"]


def test_page_ends_after_a_quarter_of_an_hour_and_is_nobody_elses(ehr: Ehr, fhir: Fhir) -> None:
    first = fhir.get("Observation", patient="one", _count=2).json()
    [following] = [link["url"] for link in first["link"] if link["relation"] == "next"]
    assert ehr.client().get(following).status_code == 410
    ehr.clock.forward(899)
    assert fhir.get(following).status_code == 200
    ehr.clock.forward(1)
    assert issue(fhir.get(following))["code"] == "expired"


def test_total_stands_there_only_when_asked_for(fhir: Fhir) -> None:
    assert fhir.get("Observation", patient="one", _total="accurate", _count=1).json()["total"] == 4
    counted = fhir.get("Observation", patient="one", _summary="count").json()
    assert (counted["total"], "entry" in counted) == (4, False)
    assert fhir.get("Observation", patient="one", _count=0).json()["total"] == 4


def test_nothing_found_is_a_bundle_without_entries(fhir: Fhir) -> None:
    body = fhir.get("Observation", patient="one", code="nothing").json()
    assert (body["type"], "entry" in body) == ("searchset", False)


def test_include_brings_what_is_referred_to_once(ehr: Ehr) -> None:
    ehr.load(
        {"resourceType": "Medication", "id": "m", "code": {"text": "immune globulin"}},
        *({**order(id=id_), "medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/m"}} for id_ in ("a", "b")),
    )
    body = ehr.client(patient="one").get("MedicationRequest", patient="one", _include="MedicationRequest:medication").json()
    modes = [(entry["resource"]["id"], entry["search"]["mode"]) for entry in body["entry"]]
    assert modes == [("a", "match"), ("b", "match"), ("m", "include")]


def test_revinclude_brings_what_refers_to_the_page(fhir: Fhir) -> None:
    made = fhir.send("POST", "MedicationRequest", order()).json()["id"]
    provenance = {"resourceType": "Provenance", "target": [{"reference": f"MedicationRequest/{made}/_history/1"}], "recorded": "2026-03-02"}
    fhir.send("POST", "Provenance", provenance)
    body = fhir.get("MedicationRequest", patient="one", _revinclude="Provenance:target").json()
    assert [entry["search"]["mode"] for entry in body["entry"]] == ["match", "include"]
    assert fhir.get("MedicationRequest", patient="one", _revinclude="Task:focus").json()["entry"][1:] == []


@pytest.mark.parametrize("extra", [{"colour": "red"}, {"_include": "Observation:colour"}, {"_sort": "colour"}, {"_include": "*"}])
def test_unknown_parameter_is_an_error_in_strict_handling_and_named_otherwise(fhir: Fhir, extra: dict[str, str]) -> None:
    strict = fhir.get("Observation", headers={"Prefer": "handling=strict"}, patient="one", **extra)
    assert (strict.status_code, issue(strict)["code"]) == (400, "not-supported")
    lenient = fhir.get("Observation", headers={"Prefer": "handling=lenient"}, patient="one", **extra).json()
    *_, said = lenient["entry"]
    assert said["search"]["mode"] == "outcome"
    assert next(iter(extra)) in said["resource"]["issue"][0]["diagnostics"]
    assert len(lenient["entry"]) == 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"date": "yesterday"},
        {"_lastUpdated": "ge"},
        {"_count": "many"},
        {"_count": "-1"},
        {"code:above": "x"},
        {"code:missing": "x"},
        {"code": ""},
    ],
)
def test_value_that_cannot_be_read_is_an_error_in_any_handling(fhir: Fhir, wrong: dict[str, str]) -> None:
    answer = fhir.get("Observation", patient="one", **wrong)
    assert (answer.status_code, issue(answer)["severity"]) == (400, "error")


def test_search_by_form_reads_form_and_address(ehr: Ehr, fhir: Fhir) -> None:
    answer = ehr.http.post(f"{FHIR}/Observation/_search?patient=one", data={"category": "laboratory"}, headers=fhir.headers)
    assert [entry["resource"]["id"] for entry in answer.json()["entry"]] == ["lab"]


def test_comma_in_a_value_can_be_escaped(ehr: Ehr, fhir: Fhir) -> None:
    ehr.load(patient("comma", "Comma, von"))
    assert fhir.ids("Patient", family="comma\\, v") == ["comma"]


@pytest.mark.parametrize("type_", TYPES)
def test_every_declared_parameter_can_be_asked(fhir: Fhir, type_: str) -> None:
    values = {"date": "2026", "uri": "http://x", "token": "x", "string": "x", "reference": "Patient/one"}
    for parameter in parameters(type_).values():
        if parameter.name != "patient":
            answer = fhir.get(type_, headers={"Prefer": "handling=strict"}, **{parameter.name: values[parameter.kind]})
            assert answer.status_code == 200, (parameter.name, answer.text)
