"""The pages people see: the chart page as it fills, the policy they are sent with."""

from __future__ import annotations

from datetime import date

import pytest
from sandbox.a_sandbox import BASE, Ehr, observation, order, patient

from ivig_fhir.sandbox.people import PatientLine


def page(ehr: Ehr, **parameters: str) -> str:
    """The chart page."""
    answer = ehr.http.get(f"{BASE}/ehr", params=parameters)
    assert answer.status_code == 200
    return answer.text


def test_chart_shows_the_record_and_offers_the_launch(ehr: Ehr) -> None:
    text = page(ehr, patient="one", user="pharmacist")
    for shown in ("MUSTER, Ada Béa", "46 y", "M1", "Penicillin", "Creatinine", "82 kg", "IVIG order set", "Pharmacy worklist"):
        assert shown in text
    assert 'value="pharmacist" selected' in text
    assert "No order has arrived." in text


def test_what_apps_write_appears_and_what_was_loaded_does_not(ehr: Ehr) -> None:
    ehr.load(order(id="old", medicationCodeableConcept={"text": "an old order"}, status="completed"))
    client = ehr.client(patient="one")
    made = client.send("POST", "MedicationRequest", order(dosageInstruction=[{"text": "40 g each day"}])).json()
    client.send(
        "POST",
        "Task",
        {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": "Patient/one"}, "description": "Verify"},
    )
    provenance = {"resourceType": "Provenance", "recorded": "2026-03-02", "target": [{"reference": f"MedicationRequest/{made['id']}"}]}
    noted = client.send("POST", "Provenance", provenance).json()["id"]
    text = ehr.http.get(f"{BASE}/ehr/activity?patient=one").text
    for shown in (
        "immune globulin 10 %",
        "draft order",
        "40 g each day",
        "Verify",
        "requested",
        f"Provenance/{noted}",
        "version 1, created",
    ):
        assert shown.split(",")[0] in text
    assert "an old order" not in text
    assert "an old order" in page(ehr, patient="one")
    client.send("PUT", f"MedicationRequest/{made['id']}", {**made, "status": "active"})
    text = ehr.http.get(f"{BASE}/ehr/activity?patient=one").text
    assert "active order" in text
    assert "version 2" in text
    assert "No order has arrived." in page(ehr, patient="two")


def test_pages_allow_nothing_inline_and_nothing_from_elsewhere(ehr: Ehr) -> None:
    addresses = ("/ehr?patient=one", "/ehr/frame", "/ehr/activity?patient=one", "/auth/authorize")
    for address in addresses:
        answer = ehr.http.get(f"{BASE}{address}")
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert "unsafe" not in policy
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text
        assert "<script>" not in answer.text
    assert "frame-src 'self' http://127.0.0.1:5000" in policy


@pytest.mark.parametrize("file", ["ehr.css", "chart.js", "ehr.svg"])
def test_static_files_are_served(ehr: Ehr, file: str) -> None:
    assert ehr.http.get(f"{BASE}/static/{file}").status_code == 200


def test_unknown_patient_is_said_and_front_door_leads_to_the_chart(ehr: Ehr) -> None:
    answer = ehr.http.get(f"{BASE}/ehr?patient=nobody")
    assert (answer.status_code, "No such patient" in answer.text) == (404, True)
    assert "MUSTER" in ehr.http.get(f"{BASE}/").text


def test_values_of_the_record_are_text_and_not_markup(ehr: Ehr) -> None:
    ehr.load(patient("odd", "<script>alert(1)</script>"), observation("o", "odd", "2026-01-01", code={"text": "<b>x</b>"}))
    text = page(ehr, patient="odd")
    assert "<SCRIPT>" not in text.upper().replace('<SCRIPT SRC="/STATIC/CHART.JS" DEFER></SCRIPT>', "")
    assert "<b>x</b>" not in text


def test_record_of_other_shapes_does_not_break_the_page(ehr: Ehr) -> None:
    ehr.load(
        {"resourceType": "Patient", "id": "bare"},
        {"resourceType": "Observation", "id": "b1", "subject": {"reference": "Patient/bare"}, "code": "text", "valueQuantity": 3},
        {
            "resourceType": "Condition",
            "id": "b2",
            "subject": {"reference": "Patient/bare"},
            "clinicalStatus": "active",
            "code": {"coding": ["x"]},
        },
        {"resourceType": "MedicationRequest", "id": "b3", "subject": {"reference": "Patient/bare"}, "dosageInstruction": "daily"},
        {"resourceType": "Observation", "id": "b4", "subject": [{"reference": "Patient/bare"}], "component": [{"valueString": "low"}]},
    )
    text = page(ehr, patient="bare")
    assert "medication without a name" in text
    assert "low" in text


@pytest.mark.parametrize(
    ("born", "age"),
    [("1981-03-02", "45 y"), ("1981-03-03", "44 y"), ("2024-03-02", "2 y"), ("2024-03-03", "23 mo"), ("2026-02", ""), ("", "")],
)
def test_age_is_counted_in_whole_years_and_in_months_below_two(born: str, age: str) -> None:
    line = PatientLine("a", "A", "B", born, "", "", "", None)
    assert line.age(date(2026, 3, 2)) == age


def test_orders_of_one_group_stand_together_and_the_one_that_names_the_group_comes_first(ehr: Ehr) -> None:
    client = ehr.client(patient="one")
    for group in ("urn:uuid:a", "urn:uuid:b"):
        for number, name in enumerate((f"first of {group}", f"main of {group}")):
            said = {"system": "urn:ietf:rfc:3986", "value": group if number else f"{group}-{number}"}
            whole = {"system": "urn:ietf:rfc:3986", "value": group}
            client.send(
                "POST", "MedicationRequest", order(identifier=[said], groupIdentifier=whole, medicationCodeableConcept={"text": name})
            )
    text = ehr.http.get(f"{BASE}/ehr/activity?patient=one").text
    names = ["main of urn:uuid:b", "first of urn:uuid:b", "main of urn:uuid:a", "first of urn:uuid:a"]
    assert sorted(names, key=text.index) == names
