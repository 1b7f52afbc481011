"""What the record says between approval and verification: the second calculation sees it before the pharmacist signs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from journey.a_hospital import Hospital, Tab

CIDP = "cidp-adult"
ME = {"reference": f"Patient/{CIDP}"}
ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}


def pharmacist_after(at: Hospital, *new: dict[str, Any]) -> Tab:
    """An order is approved; then somebody writes something into the record; two hours later the pharmacist opens the order."""
    at.tab(CIDP).approve()
    for resource in new:
        at.parts.store.put(resource, at.clock(), "PUT")
    at.clock.forward(hours=2)
    tab = at.tab(CIDP, "pharmacist", target="pharmacy")
    tab.follow("SAMPLETON")
    return tab


def weighed(at: Hospital, kg: float) -> dict[str, Any]:
    when = (at.clock() + timedelta(minutes=30)).isoformat()
    held = {"value": kg, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    made = {"resourceType": "Observation", "id": "weighed-later", "status": "final", "code": code, "subject": ME}
    return {**made, "effectiveDateTime": when, "valueQuantity": held}


def test_a_quiet_record_is_borne_out_line_by_line(at: Hospital) -> None:
    tab = pharmacist_after(at)
    lines = tab.json["recalculated"]
    assert len(lines) > 40
    assert [x["what"] for x in lines if x["agrees"] is not True] == []
    assert set(lines[0]) == {"what", "ordered", "recomputed", "agrees", "ordered_working", "working"}
    tab.press("Verify")
    assert tab.json["state"] == "verified"


REACTION = {
    "resourceType": "AllergyIntolerance", "id": "later", "patient": ME, "clinicalStatus": ACTIVE, "code": {"text": "Immune globulin"},
    "reaction": [{"manifestation": [{"text": "Anaphylaxis"}], "severity": "severe"}],
}  # fmt: skip
UNDER_THE_SKIN = {
    "resourceType": "MedicationRequest", "id": "later", "status": "active", "intent": "order", "subject": ME,
    "medicationCodeableConcept": {"text": "Hizentra"}, "authoredOn": "2026-03-02",
}  # fmt: skip


@pytest.mark.parametrize(
    ("new", "what", "where"),
    [
        (REACTION, "Severe reaction to immunoglobulin before", "AllergyIntolerance/later"),
        (UNDER_THE_SKIN, "Another immunoglobulin order or infusion", "MedicationRequest/later"),
    ],
)
def test_what_was_written_after_the_approval_and_forbids_it_blocks_the_verification(
    at: Hospital, new: dict[str, Any], what: str, where: str
) -> None:
    tab = pharmacist_after(at, new)
    [line] = [x for x in tab.json["recalculated"] if x["agrees"] is False]
    assert (line["what"], where in line["working"]) == (what, True)
    assert "Verify" not in tab.page.buttons
    assert where in tab.page.text
    refused = tab.post("verify", {"digest": tab.json["digest"]})
    assert (refused.status, what in refused.json["error"]["message"]) == (409, True)


@pytest.mark.parametrize(("kg", "agrees"), [(84, None), (95, False)])
def test_a_weight_after_the_approval_is_shown_and_a_changed_one_blocks(at: Hospital, kg: float, agrees: bool | None) -> None:
    tab = pharmacist_after(at, weighed(at, kg))
    [line] = [x for x in tab.json["recalculated"] if x["what"] == "Weight since the approval"]
    assert (line["agrees"], f"{kg} kg" in line["recomputed"]) == (agrees, True)
    assert ("Verify" in tab.page.buttons) is (agrees is None)
