"""The narrative of a resource: generated from what is coded, escaped, made again with every change."""

from __future__ import annotations

from typing import Any

import pytest
from a_narrative import faults, paragraphs

from ivig_fhir.fhir.narrative import narrated, narrative, renarrated
from ivig_fhir.fhir.r4_narrative import narrative_fault

NASTY = 'a < b & c > d "quoted" <script>alert(1)</script> &amp; ]]> <!-- -->'
TASK: dict[str, Any] = {
    "resourceType": "Task",
    "status": "requested",
    "intent": "order",
    "businessStatus": {"text": "awaiting-verification"},
    "description": "Verify the order.",
}


def told(resource: dict[str, Any]) -> list[str]:
    return paragraphs(narrated(resource))


def test_what_somebody_typed_is_text_and_never_markup() -> None:
    note = {"authorReference": {"display": "Dr Example"}, "time": "2026-03-02", "text": NASTY}
    made = narrated({**TASK, "note": [note]})
    assert narrative_fault(made["text"]["div"]) is None
    assert paragraphs(made)[-1] == f"Dr Example, 2026-03-02: {NASTY}"


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe"])
def test_a_character_that_xml_cannot_hold_is_shown_as_unreadable(bad: str) -> None:
    made = narrative((f"before{bad}after",))
    assert narrative_fault(made["div"]) is None
    assert "before\ufffdafter" in made["div"]


@pytest.mark.parametrize("kept", ["\t", "\n", "é", "≥", "😀"])
def test_every_other_character_stays(kept: str) -> None:
    assert f"before{kept}after" in narrative((f"before{kept}after",))["div"]


def test_the_status_comes_first_so_that_a_cancelled_order_is_not_read_as_one_to_give() -> None:
    order = {"resourceType": "MedicationRequest", "status": "draft", "intent": "order", "medicationCodeableConcept": {"text": "X"}}
    assert told(order)[0] == "Order, draft"
    over = {**order, "status": "cancelled", "statusReason": {"text": "Withdrawn by the prescriber: another dose"}}
    assert told(over)[0] == "Order, cancelled (Withdrawn by the prescriber: another dose)"


def test_a_change_of_the_coded_content_is_a_change_of_the_narrative() -> None:
    before = narrated(TASK)
    after = renarrated({**before, "status": "completed", "businessStatus": {"text": "verified"}})
    assert paragraphs(before)[0] == "Order, requested, awaiting-verification"
    assert paragraphs(after)[0] == "Order, completed, verified"
    assert {k for k in after if after[k] != before[k]} == {"status", "businessStatus", "text"}


@pytest.mark.parametrize("status", ["additional", "extensions"])
def test_a_narrative_with_words_of_somebodys_own_is_kept(status: str) -> None:
    own = {"status": status, "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ask me first.</div>'}
    assert renarrated({**TASK, "text": own}) == {**TASK, "text": own}


@pytest.mark.parametrize("text", [None, {"status": "empty", "div": "<div/>"}, {"status": "generated", "div": "<div>old</div>"}])
def test_a_missing_empty_or_generated_one_is_made(text: Any) -> None:
    changed = {**TASK, "text": text} if text else TASK
    assert faults(renarrated(changed)) == []


def test_a_type_that_the_app_does_not_write_is_left_as_it_is() -> None:
    patient = {"resourceType": "Patient", "active": True}
    assert renarrated(patient) == patient
    with pytest.raises(ValueError, match="Patient"):
        narrated(patient)
