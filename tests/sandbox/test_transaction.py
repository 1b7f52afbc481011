"""Transactions and batches: references resolved, conditions kept, all or nothing, each on its own."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox.a_sandbox import FHIR, Ehr, Fhir, issue, order

RUN = "identifier=urn:ietf:rfc:3986|urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427"
MR, TASK, PROVENANCE = (f"urn:uuid:00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))


def entry(method: str, url: str, resource: dict[str, Any] | None = None, full_url: str | None = None, **request: str) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


def transaction(*entries: dict[str, Any], type_: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": type_, "entry": list(entries)}


def task(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "for": {"reference": "Patient/one"},
        "focus": {"reference": MR},
        **more,
    }


def provenance(*targets: str) -> dict[str, Any]:
    return {"resourceType": "Provenance", "recorded": "2026-03-02T09:00:00Z", "target": [{"reference": one} for one in targets]}


def whole() -> dict[str, Any]:
    """An order with its task and provenance, the task before what it points at."""
    return transaction(
        entry("POST", "Task", task(), TASK),
        entry("POST", "MedicationRequest", order(), MR, ifNoneExist=RUN),
        entry("POST", "Provenance", provenance(MR, TASK), PROVENANCE),
    )


def test_transaction_stores_all_and_references_follow_the_new_ids(fhir: Fhir) -> None:
    answer = fhir.send("POST", "", whole())
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["type"] == "transaction-response"
    assert [one["response"]["status"] for one in body["entry"]] == ["201 Created"] * 3
    assert [one["response"]["location"].split("/")[0] for one in body["entry"]] == ["Task", "MedicationRequest", "Provenance"]
    made = [one["response"]["location"].removesuffix("/_history/1") for one in body["entry"]]
    assert fhir.get(made[0]).json()["focus"]["reference"] == made[1]
    assert [one["reference"] for one in fhir.get(made[2]).json()["target"]] == [made[1], made[0]]


def test_replayed_condition_answers_with_the_first_and_the_rest_is_doubled(fhir: Fhir) -> None:
    first, again = (fhir.send("POST", "", whole()).json()["entry"] for _ in range(2))
    assert [one["response"]["status"] for one in again] == ["201 Created", "200 OK", "201 Created"]
    assert again[1]["response"]["location"] == first[1]["response"]["location"]
    assert again[0]["resource"]["focus"]["reference"] == first[1]["response"]["location"].removesuffix("/_history/1")


def test_two_entries_with_one_condition_make_one(fhir: Fhir) -> None:
    twin = "urn:uuid:00000000-0000-4000-8000-000000000009"
    bundle = transaction(
        entry("POST", "MedicationRequest", order(), MR, ifNoneExist=RUN),
        entry("POST", "MedicationRequest", order(), twin, ifNoneExist=RUN),
        entry("POST", "Task", task(focus={"reference": twin})),
    )
    answers = fhir.send("POST", "", bundle).json()["entry"]
    assert [one["response"]["status"] for one in answers] == ["201 Created", "200 OK", "201 Created"]
    assert answers[0]["response"]["location"] == answers[1]["response"]["location"]
    assert answers[2]["resource"]["focus"]["reference"] in answers[0]["response"]["location"]


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (entry("POST", "Task", task(focus={"reference": "urn:uuid:unknown"})), 400),
        (entry("POST", "Task", task(focus={"reference": "MedicationRequest/nothing"})), 400),
        (entry("POST", "Task", order()), 400),
        (entry("POST", "Task"), 400),
        (entry("PUT", "Patient/one", {"resourceType": "Patient", "id": "one"}, ifMatch='W/"7"'), 412),
        (entry("PUT", "Patient/one", {"resourceType": "Patient", "id": "two"}), 400),
        (entry("PATCH", "Patient/one"), 400),
        (entry("POST", "Nonsense", {"resourceType": "Nonsense"}), 404),
        (entry("POST", "Task", task(), MR), 400),
        (entry("DELETE", "Patient/one"), 409),
        (entry("GET", "Patient/nobody"), 404),
    ],
)
def test_one_bad_entry_undoes_everything(fhir: Fhir, bad: dict[str, Any], status: int) -> None:
    answer = fhir.send("POST", "", transaction(entry("POST", "MedicationRequest", order(), MR), bad))
    assert answer.status_code == status, answer.text
    assert issue(answer)["diagnostics"]
    assert fhir.ids("MedicationRequest", patient="one") == []
    assert fhir.get("Patient/one").headers["ETag"] == 'W/"1"'


def test_failed_transaction_leaves_no_condition_behind(fhir: Fhir) -> None:
    bad = transaction(entry("POST", "MedicationRequest", order(), MR, ifNoneExist=RUN), entry("POST", "Nonsense", {}))
    assert fhir.send("POST", "", bad).status_code == 404
    assert fhir.send("POST", "", whole()).json()["entry"][1]["response"]["status"] == "201 Created"


def test_update_delete_and_read_in_one_transaction(fhir: Fhir) -> None:
    made = fhir.send("POST", "MedicationRequest", order()).json()
    path = f"MedicationRequest/{made['id']}"
    bundle = transaction(
        entry("GET", path),
        entry("PUT", path, {**made, "status": "active"}, ifMatch='W/"1"'),
        entry("POST", "Provenance", provenance(path)),
        entry("DELETE", "Observation/w1"),
        entry("GET", "Observation?patient=one&category=laboratory"),
    )
    answers = fhir.send("POST", "", bundle).json()["entry"]
    assert [one["response"]["status"][:3] for one in answers] == ["200", "200", "201", "204", "200"]
    assert answers[0]["resource"]["status"] == "active"
    assert answers[1]["response"]["etag"] == 'W/"2"'
    assert [one["resource"]["id"] for one in answers[4]["resource"]["entry"]] == ["lab"]


def test_what_refers_may_go_together_with_what_it_refers_to(fhir: Fhir) -> None:
    made = fhir.send("POST", "MedicationRequest", order(supportingInformation=[{"reference": "Observation/w1"}])).json()["id"]
    bundle = transaction(entry("DELETE", "Observation/w1"), entry("DELETE", f"MedicationRequest/{made}"))
    assert fhir.send("POST", "", bundle).status_code == 200


def test_reference_by_search_is_resolved(fhir: Fhir) -> None:
    made = fhir.send("POST", "MedicationRequest", order(subject={"reference": "Patient?identifier=urn:mrn|M1"}))
    assert made.json()["subject"] == {"reference": "Patient/one"}
    lost = fhir.send("POST", "MedicationRequest", order(subject={"reference": "Patient?identifier=nobody"}))
    assert lost.status_code == 400


def test_batch_entries_stand_alone(fhir: Fhir) -> None:
    bundle = transaction(
        entry("POST", "MedicationRequest", order(), ifNoneExist=RUN),
        entry("POST", "MedicationRequest", order(), ifNoneExist=RUN),
        entry("POST", "Task", task()),
        entry("GET", "Patient/nobody"),
        entry("GET", "Patient/one"),
        entry("GET", "Patient/one/_history/1"),
        entry("GET", "Patient/one/_history"),
        entry("BREW", "Tea"),
        type_="batch",
    )
    body = fhir.send("POST", "", bundle).json()
    assert body["type"] == "batch-response"
    assert [one["response"]["status"][:3] for one in body["entry"]] == ["201", "200", "400", "404", "200", "200", "200", "400"]
    assert body["entry"][3]["response"]["outcome"]["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"resourceType": "Patient"},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": "batch", "entry": 3},
        {"resourceType": "Bundle", "type": "transaction", "entry": ["x"]},
    ],
)
def test_what_is_no_such_bundle_is_refused(fhir: Fhir, body: Any) -> None:
    assert fhir.send("POST", "", body).status_code == 400


def test_empty_transaction_is_fine(fhir: Fhir) -> None:
    assert fhir.send("POST", "", {"resourceType": "Bundle", "type": "transaction"}).json() == {
        "resourceType": "Bundle",
        "type": "transaction-response",
    }


def test_scope_missing_for_one_entry_refuses_the_transaction(ehr: Ehr, fhir: Fhir) -> None:
    narrow = ehr.client(patient="one", scope="patient/MedicationRequest.c patient/Task.c")
    answer = narrow.send("POST", "", whole())
    assert (answer.status_code, issue(answer)["code"]) == (403, "forbidden")
    assert fhir.ids("MedicationRequest", patient="one") == []
    assert ehr.http.post(f"{FHIR}/", json=whole()).status_code == 401


def test_transaction_cannot_write_into_another_patients_record(ehr: Ehr, fhir: Fhir) -> None:
    narrow = ehr.client(patient="one", scope="patient/*.cruds")
    other = order(subject={"reference": "Patient/two"})
    bundle = transaction(entry("POST", "MedicationRequest", order(), MR), entry("POST", "MedicationRequest", other))
    assert narrow.send("POST", "", bundle).status_code == 403
    assert fhir.ids("MedicationRequest", patient="one,two") == []
    assert narrow.send("POST", "", whole()).status_code == 200
