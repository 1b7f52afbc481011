"""What a launch reads: past every cache, nothing of another patient, and what is known by its words alone shown for a person to confirm."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import EHR, Hospital, Tab
from structlog.testing import capture_logs

from ivig_fhir.sandbox.adapter import SandboxAdapter

CIDP = "cidp-adult"
PATIENT = {"resourceType": "Patient", "id": "words", "gender": "male", "birthDate": "1970-04-01", "name": [{"family": "Words"}]}
SUBJECT = {"reference": "Patient/words"}


@pytest.fixture
def wire(at: Hospital) -> Wire:
    """The wire between app and EHR."""
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


def reads(wire: Wire) -> list[requests.PreparedRequest]:
    """The searches of the chart and the read of the patient that went out since the wire was last looked at."""
    found = [r for r in wire.sent if r.method == "GET" and "patient=" in str(r.url)]
    wire.sent.clear()
    return found


def finding(tab: Tab, check: str) -> dict[str, Any]:
    return next(f for f in tab.json["proposal"]["findings"] if f["check"] == check)


def test_the_first_opening_asks_past_every_cache_and_the_next_page_asks_nothing(at: Hospital, wire: Wire) -> None:
    tab = at.tab(CIDP)
    first = reads(wire)
    assert len(first) > 15
    assert {r.headers.get("Cache-Control") for r in first} == {"no-cache"}
    tab.go("./")
    assert tab.page.status == 200
    assert reads(wire) == []


def test_another_launch_of_the_same_order_reads_the_record_again(at: Hospital, wire: Wire) -> None:
    first = at.tab(CIDP)
    before = first.json["proposal"]["weight"]["actual_kg"]
    newest = weighed(first)
    held = at.parts.store.current(*newest.split("/"))
    assert held is not None
    assert held.body is not None
    at.change(newest, valueQuantity={**held.body["valueQuantity"], "value": 60})
    reads(wire)
    second = at.tab(CIDP)
    assert second.run == first.run
    assert len(reads(wire)) > 15
    assert before != "60.0"
    assert second.json["proposal"]["weight"]["actual_kg"] == "60.0"


def weighed(tab: Tab) -> str:
    """The Observation on which the weight stands."""
    return str(tab.json["proposal"]["weight"]["source"])


def with_a_stranger(asked: requests.PreparedRequest, send: Callable[[requests.PreparedRequest], requests.Response]) -> requests.Response:
    """The EHR answers its list of conditions with one of another patient in it."""
    answer = send(asked)
    if "/fhir/Condition?" in str(asked.url):
        body = answer.json()
        theirs = {
            "resourceType": "Condition",
            "id": "theirs",
            "subject": {"reference": "Patient/somebody-else"},
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": "48694002"}], "text": "Migraine of a stranger"},
        }
        body["entry"] = [*body.get("entry", []), {"resource": theirs, "search": {"mode": "match"}}]
        answer._content, answer._content_consumed = json.dumps(body).encode(), True
    return answer


def test_another_patients_entry_is_left_out_shown_and_an_incident_in_the_log_without_a_word_of_it(at: Hospital, wire: Wire) -> None:
    wire.fault = with_a_stranger
    with capture_logs() as lines:
        tab = at.tab(CIDP)
    assert "The EHR answered with a Condition that belongs to another patient; it was not used." in tab.page.text
    assert "Migraine of a stranger" not in tab.page.body
    [incident] = [line for line in lines if line["event"] == "ehr.foreign_resources_discarded"]
    assert incident == {"event": "ehr.foreign_resources_discarded", "log_level": "warning", "resource_type": "Condition", "count": 1}
    assert "stranger" not in str(lines) + str(tab.json)
    assert "somebody-else" not in str(lines)


def test_a_chart_of_one_patient_alone_is_no_incident(at: Hospital) -> None:
    with capture_logs() as lines:
        at.tab(CIDP)
    assert [line for line in lines if "foreign" in line["event"]] == []


def worded(at: Hospital, *resources: dict[str, Any]) -> Tab:
    """A launch for a patient of whom the EHR holds these."""
    entries = [{"resource": r} for r in (PATIENT, *resources)]
    at.load({"resourceType": "Bundle", "type": "collection", "entry": entries})
    return at.tab("words")


def condition(text: str, **code: Any) -> dict[str, Any]:
    active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    return {"resourceType": "Condition", "id": "c", "subject": SUBJECT, "clinicalStatus": active, "code": {"text": text, **code}}


def test_an_indication_that_only_words_name_is_offered_and_never_taken(at: Hospital) -> None:
    tab = worded(at, condition("CIDP, seen in clinic"))
    assert "named here in words, without its code: CIDP, seen in clinic, active" in tab.page.text
    assert "What only words name comes first and says so." in tab.page.text
    assert tab.json["proposal"] is None
    offered = [value for form in tab.page.forms.forms for name, value in form.pairs if name == "indication"]
    assert tab.page.text.index("named here in words") < tab.page.text.index("Antibody-mediated rejection")
    assert offered == []  # nothing is chosen beforehand


def test_an_indication_with_its_code_is_not_called_one_of_words(at: Hospital) -> None:
    tab = worded(at, condition("CIDP", coding=[{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G61.81"}]))
    assert "without its code" not in tab.page.text
    assert tab.json["proposal"]["indication"] == "cidp"


def test_a_laboratory_value_that_only_words_name_is_on_the_page_and_in_the_evidence_and_not_used(at: Hospital) -> None:
    coded = condition("CIDP", coding=[{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G61.81"}])
    creatinine = {
        "resourceType": "Observation",
        "id": "worded",
        "status": "final",
        "subject": SUBJECT,
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"text": "Creatinine"},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": 4.1, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    }
    tab = worded(at, coded, creatinine)
    offered = finding(tab, "record.value-unusable")
    [shown] = [e for e in offered["evidence"] if e["reference"] == "Observation/worded"]
    assert "4.1 mg/dL" in shown["said"]
    assert "matched by text, not by code: confirm" in shown["said"]
    assert "Creatinine 4.1 mg/dL" in tab.page.text
    assert "renal.reduced-function" not in {f["check"] for f in tab.json["proposal"]["findings"]}
    assert finding(tab, "renal.creatinine-missing")["evidence"] == [shown]


def test_a_record_that_another_one_replaced_asks_for_a_reason(at: Hospital) -> None:
    at.change(f"Patient/{CIDP}", link=[{"type": "replaced-by", "other": {"reference": "Patient/newer"}}])
    tab = at.tab(CIDP)
    found = finding(tab, "identity.deceased")
    assert (found["severity"], found["evidence"][0]["said"]) == ("override", "replaced by Patient/newer")
    assert "The patient's record was replaced by another one" in tab.page.text


def test_a_record_that_replaced_another_one_is_the_right_one(at: Hospital) -> None:
    at.change(f"Patient/{CIDP}", link=[{"type": "replaces", "other": {"reference": "Patient/older"}}])
    assert "identity.deceased" in at.tab(CIDP).json["proposal"]["clear"]
