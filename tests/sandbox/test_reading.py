"""Reading over HTTP: read, vread, history, metadata, and every refusal as an OperationOutcome."""

from __future__ import annotations

import pytest
from sandbox.a_sandbox import BASE, FHIR, Ehr, Fhir, issue

from ivig_fhir.sandbox.parameters import TYPES


def test_read_answers_with_version_and_time(fhir: Fhir) -> None:
    answer = fhir.get("Patient/one")
    assert answer.headers["Content-Type"] == "application/fhir+json"
    assert answer.headers["ETag"] == 'W/"1"'
    assert answer.headers["Last-Modified"] == "Mon, 02 Mar 2026 09:00:00 GMT"
    assert answer.json()["meta"] == {"versionId": "1", "lastUpdated": "2026-03-02T09:00:00.000Z"}


def test_history_keeps_every_version_newest_first(ehr: Ehr, fhir: Fhir) -> None:
    body = fhir.get("Patient/one").json()
    ehr.clock.forward(60)
    fhir.send("PUT", "Patient/one", {**body, "active": True})
    fhir.send("DELETE", "AllergyIntolerance/penicillin", "")
    history = fhir.get("Patient/one/_history").json()
    assert [entry["response"]["etag"] for entry in history["entry"]] == ['W/"2"', 'W/"1"']
    assert [entry["request"]["method"] for entry in history["entry"]] == ["PUT", "PUT"]
    assert "active" not in fhir.get("Patient/one/_history/1").json()
    assert fhir.get("Patient/one/_history/2").json()["active"] is True
    deleted = fhir.get("AllergyIntolerance/penicillin/_history").json()["entry"]
    assert [entry["request"]["method"] for entry in deleted] == ["DELETE", "PUT"]
    assert "resource" not in deleted[0]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("Patient/nobody", 404, "not-found"),
        ("Patient/nobody/_history", 404, "not-found"),
        ("Patient/one/_history/7", 404, "not-found"),
        ("Nonsense/one", 404, "not-supported"),
        ("Nonsense", 404, "not-supported"),
        ("", 404, "not-supported"),
        ("Patient/one/two/three", 404, "not-found"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(fhir: Fhir, path: str, status: int, code: str) -> None:
    answer = fhir.get(path)
    assert (answer.status_code, issue(answer)["code"]) == (status, code)
    assert issue(answer)["diagnostics"]


def test_deleted_resource_is_gone_and_not_unknown(fhir: Fhir) -> None:
    assert fhir.send("DELETE", "AllergyIntolerance/penicillin", "").status_code == 204
    answer = fhir.get("AllergyIntolerance/penicillin")
    assert (answer.status_code, issue(answer)["code"]) == (410, "deleted")
    assert fhir.get("AllergyIntolerance/penicillin/_history/2").status_code == 410
    assert fhir.ids("AllergyIntolerance", patient="one") == []


def test_method_that_is_not_supported_is_an_outcome(fhir: Fhir) -> None:
    answer = fhir.send("PATCH", "Patient/one", "[]")
    assert (answer.status_code, issue(answer)["code"]) == (405, "not-supported")


def test_only_json_is_spoken(fhir: Fhir) -> None:
    for headers, parameters in (({"Accept": "application/fhir+xml"}, {}), ({}, {"_format": "xml"})):
        answer = fhir.get("Patient/one", headers=headers, **parameters)
        assert (answer.status_code, issue(answer)["code"]) == (406, "not-supported")
    for accept in ("application/fhir+json", "application/json, text/plain;q=0.5", "*/*"):
        assert fhir.get("Patient/one", headers={"Accept": accept}).status_code == 200


def test_metadata_needs_no_token_and_says_that_it_is_a_demonstration(ehr: Ehr) -> None:
    statement = ehr.http.get(f"{FHIR}/metadata").json()
    assert "demonstration" in statement["implementation"]["description"]
    [rest] = statement["rest"]
    assert [one["code"] for one in rest["interaction"]] == ["transaction", "batch"]
    assert {one["type"] for one in rest["resource"]} == set(TYPES)
    [uris] = rest["security"]["extension"]
    assert uris["extension"][0]["valueUri"] == f"{BASE}/auth/authorize"


def test_page_for_people_stays_html_when_something_is_missing(ehr: Ehr) -> None:
    answer = ehr.http.get(f"{BASE}/nowhere")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
