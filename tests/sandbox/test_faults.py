"""Each named fault, and that it bends only the launch that asked for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from sandbox.a_sandbox import BASE, FHIR, Ehr, issue, order, query

from ivig_fhir.sandbox.faults import FAULTS, NONE, find

RATED = order(
    dosageInstruction=[
        {
            "text": "40 g",
            "extension": [{"url": "http://example.org/rate-step", "valueInteger": 1}],
            "doseAndRate": [
                {
                    "doseQuantity": {"value": 40, "unit": "g"},
                    "rateRange": {"low": {"value": 98}},
                    "extension": [{"url": "http://example.org/basis", "valueInteger": 1}],
                }
            ],
        }
    ]
)
WHOLE = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"resource": order(), "request": {"method": "POST", "url": "MedicationRequest"}}],
}


def no_answer_although_it_was_stored(ehr: Ehr) -> None:
    client = ehr.client(patient="one", fault="timeout-after-commit")
    for path, body in (("MedicationRequest", order()), ("", WHOLE)):
        with pytest.raises(requests.ConnectionError):
            client.send("POST", path, body)
    stored = client.matches("MedicationRequest", patient="one")
    assert len(stored) == 2
    with pytest.raises(requests.ConnectionError):
        client.send("PUT", f"MedicationRequest/{stored[0]['id']}", {**stored[0], "status": "active"})
    assert client.get(f"MedicationRequest/{stored[0]['id']}").json()["status"] == "active"
    refused = client.send("POST", "MedicationRequest", order(subject={"reference": "Patient/nobody"}))
    assert refused.status_code == 400
    matched = client.send("POST", "MedicationRequest", order(), If_None_Exist=f"_id={stored[0]['id']}")
    assert matched.status_code == 200


def less_is_granted_than_was_asked(ehr: Ehr) -> None:
    asked = "patient/AllergyIntolerance.rs patient/DetectedIssue.cr patient/Provenance.c patient/MedicationRequest.cu user/*.cruds"
    scope = ehr.token(patient="one", fault="narrowed-scopes", scope=asked)["scope"].split()
    assert [one for one in scope if one.startswith("patient/")] == ["patient/DetectedIssue.r", "patient/MedicationRequest.cu"]
    client = ehr.client(patient="one", fault="narrowed-scopes")
    assert client.get("AllergyIntolerance", patient="one").status_code == 403
    assert client.get("AllergyIntolerance/penicillin").status_code == 403
    assert client.get("Observation", patient="one").status_code == 200
    assert client.send("POST", "MedicationRequest", order()).status_code == 201
    found = {"resourceType": "DetectedIssue", "status": "final", "patient": {"reference": "Patient/one"}}
    assert client.send("POST", "DetectedIssue", found).status_code == 403


def bundles_are_refused(ehr: Ehr) -> None:
    client = ehr.client(patient="one", fault="no-transaction")
    for path in ("", "/"):
        answer = client.send("POST", path, WHOLE)
        assert (answer.status_code, issue(answer)["code"]) == (405, "not-supported")
    assert client.ids("MedicationRequest", patient="one") == []
    assert "interaction" not in client.get("metadata").json()["rest"][0]
    assert client.send("POST", "MedicationRequest", order()).status_code == 201


def rates_are_lost(ehr: Ehr) -> None:
    client = ehr.client(patient="one", fault="drops-rate")
    made = client.send("POST", "MedicationRequest", RATED).json()
    assert made["dosageInstruction"] == [{"text": "40 g", "doseAndRate": [{"doseQuantity": {"value": 40, "unit": "g"}}]}]
    bundle = {**WHOLE, "entry": [{**WHOLE["entry"][0], "resource": RATED}]}  # type: ignore[index,dict-item]
    [entry] = client.send("POST", "", bundle).json()["entry"]
    assert entry["resource"]["dosageInstruction"] == made["dosageInstruction"]
    assert client.get(f"MedicationRequest/{made['id']}").json()["dosageInstruction"] == made["dosageInstruction"]


def pages_are_small(ehr: Ehr) -> None:
    client = ehr.client(patient="one", fault="page-size-2")
    first = client.get("Observation", patient="one", _count=100).json()
    assert len(first["entry"]) == 2
    assert client.ids("Observation", patient="one", _count=100) == ["w1", "w2", "w3", "lab"]


def tokens_are_over_soon(ehr: Ehr) -> None:
    client = ehr.client(patient="one", fault="short-tokens")
    ehr.clock.forward(119)
    assert client.get("Patient/one").status_code == 200
    ehr.clock.forward(1)
    assert client.get("Patient/one").status_code == 401


def nothing_is_bent(ehr: Ehr) -> None:
    client = ehr.client(patient="one", fault="none")
    made = client.send("POST", "MedicationRequest", RATED).json()
    assert made["dosageInstruction"] == RATED["dosageInstruction"]
    assert client.send("POST", "", WHOLE).status_code == 200
    assert client.get("AllergyIntolerance", patient="one").status_code == 200
    assert len(client.get("Observation", patient="one").json()["entry"]) == 4


PROOFS: dict[str, Callable[[Ehr], None]] = {
    "none": nothing_is_bent,
    "timeout-after-commit": no_answer_although_it_was_stored,
    "narrowed-scopes": less_is_granted_than_was_asked,
    "no-transaction": bundles_are_refused,
    "drops-rate": rates_are_lost,
    "page-size-2": pages_are_small,
    "short-tokens": tokens_are_over_soon,
}


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_fault_does_what_its_line_says(ehr: Ehr, name: str) -> None:
    PROOFS[name](ehr)
    nothing_is_bent(ehr)


def test_faults_have_names_of_their_own_and_one_line_each() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.does and "\n" not in fault.does for fault in FAULTS)
    assert find(None) is NONE
    assert find("") is NONE
    assert find("nonsense") is None


def test_fault_of_a_launch_is_bound_to_its_token(ehr: Ehr) -> None:
    given = query(ehr.authorize(launch=ehr.launch(fault="page-size-2")))["code"]
    headers = {"Authorization": f"Bearer {ehr.exchange(given).json()['access_token']}"}
    answer = ehr.http.get(f"{FHIR}/Observation?patient=one", headers=headers)
    assert len(answer.json()["entry"]) == 2
    assert len(ehr.client(patient="one").get("Observation", patient="one").json()["entry"]) == 4


def test_patient_of_the_cast_may_preset_a_fault_and_a_launch_may_refuse_it(ehr: Ehr) -> None:
    ehr.parts.store.note("one", "A story.", "page-size-2")
    for asked, seen in (({}, 2), ({"fault": "none"}, 4), ({"fault": "drops-rate"}, 4)):
        client = ehr.client(patient="one", **asked)
        assert len(client.get("Observation", patient="one").json()["entry"]) == seen
    assert 'value="page-size-2" title' in ehr.http.get(f"{BASE}/ehr?patient=one").text
