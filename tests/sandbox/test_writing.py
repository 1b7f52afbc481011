"""Writing over HTTP: create, conditional create, update, delete, and the integrity of references."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sandbox.a_sandbox import FHIR, Ehr, Fhir, issue, observation, order

RUN = "identifier=urn:ietf:rfc:3986|urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427"


def test_create_gives_an_id_of_the_servers_and_says_where(fhir: Fhir) -> None:
    answer = fhir.send("POST", "MedicationRequest", order(id="mine", meta={"versionId": "9", "tag": [{"code": "t"}]}))
    body = answer.json()
    assert answer.status_code == 201
    assert body["id"] != "mine"
    assert answer.headers["Location"] == f"{FHIR}/MedicationRequest/{body['id']}/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    assert body["meta"]["versionId"] == "1"
    assert body["meta"]["tag"] == [{"code": "t"}]
    assert fhir.get(f"MedicationRequest/{body['id']}").json() == body


def test_decimals_keep_their_digits(fhir: Fhir) -> None:
    text = '{"resourceType":"Basic","subject":{"reference":"Patient/one"},"a":10.0,"b":0.010,"c":82.50,"d":7,"e":-0.30}'
    stored = fhir.get(f"Basic/{fhir.send('POST', 'Basic', text).json()['id']}").text
    assert '"a":10.0,"b":0.010,"c":82.50,"d":7,"e":-0.30' in stored


@pytest.mark.parametrize(
    ("prefer", "kind"),
    [("return=minimal", None), ("return=OperationOutcome", "OperationOutcome"), ("return=representation", "MedicationRequest")],
)
def test_prefer_decides_what_a_write_answers_with(fhir: Fhir, prefer: str, kind: str | None) -> None:
    answer = fhir.send("POST", "MedicationRequest", order(), Prefer=prefer)
    assert answer.status_code == 201
    assert (answer.json()["resourceType"] if answer.content else None) == kind
    assert "Location" in answer.headers


def test_conditional_create_makes_one_and_then_answers_with_it(fhir: Fhir) -> None:
    first = fhir.send("POST", "MedicationRequest", order(), If_None_Exist=RUN)
    again = fhir.send("POST", "MedicationRequest", order(status="active"), If_None_Exist=RUN)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["ETag"] == 'W/"1"'
    assert len(fhir.ids("MedicationRequest", patient="one")) == 1


def test_conditional_create_with_several_matches_is_412(fhir: Fhir) -> None:
    fhir.send("POST", "MedicationRequest", order())
    fhir.send("POST", "MedicationRequest", order())
    answer = fhir.send("POST", "MedicationRequest", order(), If_None_Exist=RUN)
    assert (answer.status_code, issue(answer)["code"]) == (412, "multiple-matches")


@pytest.mark.parametrize("condition", ["colour=red", "identifier=", "nonsense"])
def test_condition_that_cannot_be_searched_writes_nothing(fhir: Fhir, condition: str) -> None:
    assert fhir.send("POST", "MedicationRequest", order(), If_None_Exist=condition).status_code == 400
    assert fhir.ids("MedicationRequest", patient="one") == []


def test_many_conditional_creates_at_once_make_one(ehr: Ehr, fhir: Fhir) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fhir.send("POST", "MedicationRequest", order(), If_None_Exist=RUN).status_code, range(16)))
    assert sorted(answers) == [200] * 15 + [201]


def test_update_needs_the_version_it_names(fhir: Fhir) -> None:
    made = fhir.send("POST", "MedicationRequest", order()).json()
    path = f"MedicationRequest/{made['id']}"
    for etag in ('W/"1"', '"2"', "3"):
        answer = fhir.send("PUT", path, {**made, "status": "active"}, If_Match=etag)
        assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == 'W/"4"'
    for etag in ('W/"3"', 'W/"5"', "abc"):
        stale = fhir.send("PUT", path, {**made, "status": "cancelled"}, If_Match=etag)
        assert (stale.status_code, issue(stale)["code"]) == (412, "conflict")
    assert fhir.get(path).json()["status"] == "active"


def test_update_of_what_was_never_there_creates_it_under_the_clients_id(fhir: Fhir) -> None:
    answer = fhir.send("PUT", "MedicationRequest/mine", order(id="mine"))
    assert (answer.status_code, answer.json()["id"]) == (201, "mine")
    assert fhir.send("PUT", "MedicationRequest/new", order(id="new"), If_Match='W/"1"').status_code == 412


@pytest.mark.parametrize(
    "body", [order(id="other"), order(), observation("mine", "one", "2026-01-01"), [], "text", order(id="mine", meta="x")]
)
def test_body_that_does_not_fit_its_address_is_refused(fhir: Fhir, body: Any) -> None:
    answer = fhir.send("PUT", "MedicationRequest/mine", body)
    assert (answer.status_code, issue(answer)["code"]) == (400, "invalid")
    assert fhir.get("MedicationRequest/mine").status_code == 404


def test_id_with_other_characters_is_refused(fhir: Fhir) -> None:
    assert fhir.send("PUT", "MedicationRequest/a_b", order(id="a_b")).status_code == 400


@pytest.mark.parametrize("text", ["{", "", '{"resourceType": "MedicationRequest",}', "[" * 5000, b"\xff".decode("latin-1")])
def test_malformed_json_is_a_400_outcome(fhir: Fhir, text: str) -> None:
    answer = fhir.send("POST", "MedicationRequest", text)
    assert (answer.status_code, issue(answer)["severity"]) == (400, "error")


def test_other_content_type_is_415(fhir: Fhir) -> None:
    assert fhir.send("POST", "MedicationRequest", order(), Content_Type="text/plain").status_code == 415


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ("Patient/one", 201),
        (f"{FHIR}/Patient/one", 201),
        ("Patient/one/_history/1", 201),
        ("Patient/nobody", 400),
        ("https://elsewhere.example.org/fhir/Patient/one", 400),
        ("urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427", 400),
        ("nonsense", 400),
    ],
)
def test_reference_must_point_at_what_is_here(fhir: Fhir, reference: str, status: int) -> None:
    answer = fhir.send(
        "POST", "MedicationRequest", order(subject={"reference": "Patient/one"}, supportingInformation=[{"reference": reference}])
    )
    assert answer.status_code == status
    if status == 201:
        assert answer.json()["supportingInformation"][0]["reference"] == reference.removeprefix(f"{FHIR}/")


def test_logical_and_contained_references_need_nothing(fhir: Fhir) -> None:
    logical = {"identifier": {"system": "urn:x", "value": "y"}, "display": "app"}
    contained = {"resourceType": "Medication", "id": "m", "code": {"text": "x"}}
    made = order(recorder=logical, contained=[contained], medicationReference={"reference": "#m"}, medicationCodeableConcept=None)
    assert fhir.send("POST", "MedicationRequest", made).status_code == 201


def test_uri_named_reference_is_no_reference(fhir: Fhir) -> None:
    found = {"resourceType": "DetectedIssue", "patient": {"reference": "Patient/one"}, "reference": "https://example.org/label"}
    assert fhir.send("POST", "DetectedIssue", found).status_code == 201


def test_delete_is_refused_while_something_points_at_it(fhir: Fhir) -> None:
    made = fhir.send("POST", "MedicationRequest", order(supportingInformation=[{"reference": "Observation/w1"}])).json()
    answer = fhir.send("DELETE", "Observation/w1", "")
    assert (answer.status_code, issue(answer)["code"]) == (409, "conflict")
    assert fhir.get("Observation/w1").status_code == 200
    assert fhir.send("DELETE", f"MedicationRequest/{made['id']}", "", If_Match='W/"9"').status_code == 412
    assert fhir.send("DELETE", f"MedicationRequest/{made['id']}", "").status_code == 204
    assert fhir.send("DELETE", "Observation/w1", "").status_code == 204
    assert fhir.send("DELETE", "Observation/w1", "").status_code == 204


def test_put_after_delete_brings_it_back_as_the_third_version(fhir: Fhir) -> None:
    body = fhir.get("AllergyIntolerance/penicillin").json()
    fhir.send("DELETE", "AllergyIntolerance/penicillin", "")
    answer = fhir.send("PUT", "AllergyIntolerance/penicillin", body)
    assert (answer.status_code, answer.json()["meta"]["versionId"]) == (201, "3")
