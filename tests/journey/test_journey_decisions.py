"""The pharmacist's word: verify, query and reject reach the prescriber and the EHR; a change in between is refused."""

from __future__ import annotations

import pytest
from journey.a_hospital import Hospital, Tab
from sqlalchemy import select

from ivig_fhir.store.database import connect
from ivig_fhir.store.tables import SCREENS

CIDP = "cidp-adult"


def waiting(at: Hospital) -> tuple[Tab, Tab]:
    """An approved order: the prescriber on its receipt, the pharmacist before it."""
    prescriber = at.tab(CIDP)
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    return prescriber, pharmacist


def test_a_query_reaches_the_prescriber_and_leaves_the_order_a_draft(at: Hospital) -> None:
    prescriber, pharmacist = waiting(at)
    pharmacist.press("Ask prescriber", code="weight", note="Is the weight of Friday still right?")
    assert pharmacist.json["state"] == "queried"
    assert "Is the weight of Friday still right?" in prescriber.go("receipt").text
    assert "The pharmacist asks" in prescriber.page.text
    [task] = at.held("Task", CIDP)
    assert (task["status"], task["businessStatus"]["text"]) == ("on-hold", "clarification")
    assert task["note"][-1]["text"] == "Is the weight of Friday still right?"
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


def test_a_query_is_what_the_prescribers_next_launch_opens_with(at: Hospital) -> None:
    prescriber, pharmacist = waiting(at)
    pharmacist.press("Ask prescriber", code="weight", note="Is the weight of Friday still right?")
    later = at.tab(CIDP)
    assert later.run == prescriber.run
    assert "Is the weight of Friday still right?" in later.page.text


def test_a_queried_order_can_be_verified_after_all(at: Hospital) -> None:
    _, pharmacist = waiting(at)
    pharmacist.press("Ask prescriber", code="weight", note="Is the weight of Friday still right?")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert [(o["status"], o["meta"]["versionId"]) for o in at.orders(CIDP)] == [("active", "2")]


def test_a_rejection_reaches_the_prescriber_and_cancels_the_order(at: Hospital) -> None:
    prescriber, pharmacist = waiting(at)
    pharmacist.press("Reject", code="product", note="Wrong product for this ward.")
    assert pharmacist.json["state"] == "rejected"
    prescriber.go("receipt")
    assert "A pharmacist rejected the order" in prescriber.page.text
    assert "Wrong product for this ward." in prescriber.page.text
    [order] = at.orders(CIDP)
    assert order["status"] == "cancelled"
    assert "Wrong product for this ward." in order["statusReason"]["text"]
    assert [g["status"] for g in at.held("RequestGroup", CIDP)] == ["revoked"]
    assert [t["status"] for t in at.held("Task", CIDP)] == ["rejected"]
    assert at.tab(CIDP).run != prescriber.run


@pytest.mark.parametrize("button", ["Ask prescriber", "Reject"])
def test_a_query_or_rejection_without_a_note_or_a_known_reason_decides_nothing(at: Hospital, button: str) -> None:
    _, pharmacist = waiting(at)
    assert "The reason needs a note." in pharmacist.press(button, code="dose", note=" ").text
    assert pharmacist.page.status == 409
    pharmacist.go("./")
    assert "Choose a reason." in pharmacist.press(button, note="Pressed before a reason was chosen.").text
    assert 'value="Pressed before a reason was chosen."' in pharmacist.page.body, "what was typed is kept"
    pharmacist.go("./")
    assert "The reason is not one of the coded reasons." in pharmacist.press(button, code="because", note="x").text
    pharmacist.go("./")
    assert pharmacist.json["state"] == "sent"
    assert [(o["status"], o["meta"]["versionId"]) for o in at.orders(CIDP)] == [("draft", "1")]


def test_an_order_that_changed_in_the_ehr_is_not_verified_unseen(at: Hospital) -> None:
    _, pharmacist = waiting(at)
    at.change(f"MedicationRequest/{at.orders(CIDP)[0]['id']}", priority="stat")
    pharmacist.press("Verify")
    assert pharmacist.page.status == 409
    assert "The order is not the one that was on screen. Read it again, then decide." in pharmacist.page.text
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


def test_an_update_over_another_version_is_refused_by_the_ehr_and_nothing_is_half_done(at: Hospital) -> None:
    """Somebody is faster between the second reading and the write: If-Match holds, and all of the decision stays undone."""
    _, pharmacist = waiting(at)
    order = at.orders(CIDP)[0]
    store = at.parts.store
    plain = store.transaction

    def faster():  # type: ignore[no-untyped-def]
        store.transaction = plain  # type: ignore[method-assign]
        at.change(f"MedicationRequest/{order['id']}", priority="stat")
        return plain()

    store.transaction = faster  # type: ignore[method-assign]
    pharmacist.press("Verify")
    assert pharmacist.page.status == 409
    assert "The order changed in the EHR since you opened it." in pharmacist.page.text
    assert [(o["status"], o["meta"]["versionId"]) for o in at.orders(CIDP)] == [("draft", "2")]
    assert [t["status"] for t in at.held("Task", CIDP)] == ["requested"]
    assert len(at.held("Provenance", CIDP)) == 1
    again = at.tab(CIDP, "pharmacist", target="pharmacy")
    again.follow("SAMPLETON")
    again.press("Verify")
    assert [(o["status"], o["meta"]["versionId"]) for o in at.orders(CIDP)] == [("active", "3")]


def test_verifying_twice_verifies_once(at: Hospital) -> None:
    _, pharmacist = waiting(at)
    before = pharmacist.page
    pharmacist.press("Verify")
    pharmacist.page = before
    pharmacist.press("Verify")
    assert pharmacist.page.status == 409
    assert [(o["status"], o["meta"]["versionId"]) for o in at.orders(CIDP)] == [("active", "2")]
    assert len(at.held("Provenance", CIDP)) == 2


def test_an_order_that_somebody_made_heavier_in_the_ehr_disagrees_with_the_second_calculation(at: Hospital) -> None:
    prescriber = at.tab(CIDP)
    prescriber.approve()
    [order] = at.orders(CIDP)
    dosage = order["dosageInstruction"][0]
    for dose in dosage["doseAndRate"]:
        if dose["type"]["coding"][0]["code"] == "ordered":
            dose["doseQuantity"]["value"] = 80
    at.change(f"MedicationRequest/{order['id']}", dosageInstruction=[dosage])
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    assert "Second calculation disagrees" in pharmacist.page.text
    assert "Verify" not in pharmacist.page.buttons
    refused = pharmacist.post("verify", {"digest": pharmacist.json["digest"]})
    assert (refused.status, "recalculated" in refused.json["error"]["message"]) == (409, True)


# ── Between review and approval ──────────────────────────────────────────────────────────────────────────────────────


def test_a_chart_that_changed_between_review_and_approval_is_shown_again_and_nothing_is_sent(at: Hospital) -> None:
    tab = at.tab(CIDP)
    before = tab.json["proposal"]
    weight = at.parts.store.current("Observation", "cidp-adult-obs-1").body["valueQuantity"]  # type: ignore[union-attr,index]
    at.change("Observation/cidp-adult-obs-1", valueQuantity={**weight, "value": 74})
    tab.press("Approve order", acknowledged="yes")
    assert tab.page.status == 409
    assert "The record changed since the proposal was made: Observation/cidp-adult-obs-1" in tab.page.text
    assert at.orders(CIDP) == []
    now = tab.json["proposal"]
    assert (before["weight"]["actual_kg"], now["weight"]["actual_kg"]) == ("82.0", "74.0")
    tab.approve()
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


def test_a_new_finding_between_review_and_approval_stops_it(at: Hospital) -> None:
    tab = at.tab(CIDP)
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "new-allergy",
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "294635009"}], "text": "Allergy to immunoglobulin"},
        "criticality": "high",
        "patient": {"reference": f"Patient/{CIDP}"},
        "reaction": [{"manifestation": [{"coding": [{"system": "http://snomed.info/sct", "code": "39579001"}], "text": "Anaphylaxis"}]}],
    }
    at.load({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": allergy}]})
    tab.press("Approve order", acknowledged="yes")
    assert tab.page.status == 409
    assert "Hard stop" in tab.page.text
    assert "Approve order" not in tab.page.buttons
    assert at.orders(CIDP) == []


def test_what_changed_without_touching_the_order_does_not_stop_it(at: Hospital) -> None:
    tab = at.tab(CIDP)
    at.change("Coverage/cidp-adult-cov-1", subscriberId="X")
    tab.approve()
    assert "Stored as a draft" in tab.page.text


def test_words_that_were_changed_in_the_ehr_are_seen_and_stop_the_verification(at: Hospital) -> None:
    _, pharmacist = waiting(at)
    [order] = at.orders(CIDP)
    dosage = order["dosageInstruction"][0]
    at.change(f"MedicationRequest/{order['id']}", dosageInstruction=[{**dosage, "text": dosage["text"] + " Give 160 g on day 1."}])
    pharmacist.go("./")
    assert "Second calculation disagrees" in pharmacist.page.text
    assert "the text cannot be read back" in pharmacist.page.text
    assert "Verify" not in pharmacist.page.buttons
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


def test_another_process_shows_the_same_difference(at: Hospital) -> None:
    """What was on screen is in the store, sealed, and not in the memory of the process that made the page."""
    _, pharmacist = waiting(at)
    page = pharmacist.page
    order = at.orders(CIDP)[0]
    at.change(f"MedicationRequest/{order['id']}", priority="urgent")
    first = pharmacist.press("Verify")
    assert (first.status, "When you opened it" in first.text) == (409, True)
    at.start()  # a new process
    pharmacist.page = page
    again = pharmacist.press("Verify")
    assert (again.status, again.text) == (409, first.text)
    with connect(at.settings.database_url).connect() as kept:
        rows = kept.execute(select(SCREENS.c.sealed_seen)).scalars().all()
    assert rows
    assert not any("priority" in row for row in rows)
