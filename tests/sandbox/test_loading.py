"""Charts loaded as they come, and the list of who is here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from sandbox.a_sandbox import BASE, FHIR, Ehr, bundle, observation, patient


def test_list_names_everybody_with_their_story(ehr: Ehr) -> None:
    ehr.parts.store.note("two", "Is well.", None)
    found = ehr.http.get(f"{BASE}/ehr/patients").json()
    assert found == [
        {"id": "two", "family": "Zweite", "given": "Ada Béa", "birthDate": "1980-02-29", "story": "Is well."},
        {"id": "one", "family": "Muster", "given": "Ada Béa", "birthDate": "1980-02-29", "story": ""},
    ]


def test_loading_keeps_ids_and_resolves_references_inside(ehr: Ehr) -> None:
    chart = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:11111111-0000-4000-8000-000000000000",
                "resource": {"resourceType": "Patient", "id": "kept"},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "fullUrl": "urn:uuid:22222222-0000-4000-8000-000000000000",
                "resource": {"resourceType": "Condition", "subject": {"reference": "urn:uuid:11111111-0000-4000-8000-000000000000"}},
            },
            {
                "resource": {
                    "resourceType": "Basic",
                    "subject": {"reference": "Patient/kept"},
                    "author": {"reference": "Practitioner/unknown"},
                }
            },
            {"fullUrl": "https://other.example.org/fhir/Group/g", "resource": {"resourceType": "Group", "id": "g"}},
            {
                "resource": {
                    "resourceType": "Flag",
                    "id": "f",
                    "subject": {"reference": "https://other.example.org/fhir/Group/g"},
                    "author": {"reference": "https://other.example.org/fhir/Device/d"},
                }
            },
        ],
    }
    answer = ehr.http.post(f"{BASE}/ehr/patients", json=chart)
    assert (answer.status_code, answer.json()) == (201, {"patients": ["kept"], "resources": 5})
    client = ehr.client(patient="kept")
    assert client.ids("Condition", patient="kept") == ["22222222-0000-4000-8000-000000000000"]
    flag = client.get("Flag/f").json()
    assert (flag["subject"]["reference"], flag["author"]["reference"]) == ("Group/g", "https://other.example.org/fhir/Device/d")


def test_loading_again_makes_a_new_version_and_no_double(ehr: Ehr) -> None:
    ehr.load(patient("one", "Neu"))
    client = ehr.client(patient="one")
    assert client.get("Patient/one").json()["name"][0]["family"] == "Neu"
    assert client.get("Patient/one").headers["ETag"] == 'W/"2"'
    assert client.ids("Patient", _id="one") == ["one"]


def test_reference_by_search_follows_the_one_answer_or_stays(ehr: Ehr) -> None:
    doctor = {"resourceType": "Practitioner", "id": "d", "identifier": [{"system": "urn:npi", "value": "7"}]}
    visits = [
        {
            "resourceType": "Encounter",
            "id": f"e{number}",
            "subject": {"reference": "Patient/one"},
            "participant": [{"individual": {"reference": f"Practitioner?identifier=urn:npi|{number}"}}],
        }
        for number in (7, 8)
    ]
    assert ehr.load(doctor, *visits).status_code == 201
    client = ehr.client(patient="one")
    found = [client.get(f"Encounter/{visit['id']}").json()["participant"][0]["individual"]["reference"] for visit in visits]
    assert found == ["Practitioner/d", "Practitioner?identifier=urn:npi|8"]


def test_bundle_in_a_bundle_is_opened_and_outcomes_are_left_out(ehr: Ehr) -> None:
    inner = bundle(patient("inner", "Innen"), {"resourceType": "OperationOutcome", "issue": []}, type_="searchset")
    answer = ehr.load(inner, observation("deep", "inner", "2026-01-01"))
    assert answer.json() == {"patients": ["inner"], "resources": 2}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"resourceType": "Patient"}',
        '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Nonsense"}}]}',
        '{"resourceType": "Bundle", "entry": 5}',
    ],
)
def test_what_is_no_chart_is_refused_whole(ehr: Ehr, text: str) -> None:
    answer = ehr.http.post(f"{BASE}/ehr/patients", data=text)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert len(ehr.http.get(f"{BASE}/ehr/patients").json()) == 2


def test_generated_and_recorded_charts_load_and_can_be_read(ehr: Ehr, shared: Path) -> None:
    folders = [folder for folder in sorted((shared / "data" / "patients").iterdir()) if folder.is_dir()]
    files = [sorted(file for file in folder.iterdir() if ".json" in file.suffixes)[0] for folder in folders]
    assert len(files) >= 4
    for file in files:
        text = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        answer = ehr.http.post(f"{BASE}/ehr/patients", data=text)
        assert answer.status_code == 201, file.name
        for who in answer.json()["patients"]:
            client = ehr.client(patient=who)
            held = json.loads(text)
            wanted = {
                entry["resource"]["id"]
                for entry in held["entry"]
                if entry.get("resource", {}).get("resourceType") == "Observation" and "id" in entry["resource"]
            }
            found = set(client.ids("Observation", patient=who, _count=200))
            assert found <= wanted
            assert ehr.http.get(f"{BASE}/ehr", params={"patient": who}).status_code == 200
            assert ehr.http.get(f"{FHIR}/Patient/{who}", headers=client.headers).status_code == 200
