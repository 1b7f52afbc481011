"""The card of what was given before, from a whole proposal."""

from __future__ import annotations

from ivig_fhir.cli.text import as_text
from ivig_fhir.proposal.answer import answer, given_json
from ivig_fhir.web.given_view import given_view
from ivig_fhir.web.render import NBSP
from tests.a_case import content
from tests.a_record import infused, proposed, request

STATED = {
    "resourceType": "MedicationStatement",
    "id": "stated",
    "status": "completed",
    "subject": {"reference": "Patient/p1"},
    "medicationCodeableConcept": {"text": "IVIG"},
    "effectiveDateTime": "2026-02-20",
    "derivedFrom": [{"reference": "MedicationAdministration/prior"}],
}
MADE = proposed(infused("2026-02-20T10:00:00Z"), STATED, request("hizentra", "Hizentra 10 g weekly"))


def test_the_card_says_grams_entries_and_rules() -> None:
    card = given_view(given_json(MADE.given_before))
    assert card is not None
    assert card["title"] == f"Immunoglobulin of the last 28 days: 70{NBSP}g"
    assert card["summary"] == f"with this course 2{NBSP}g/kg, 1 entry not countable"
    assert [(p["kind"], len(p["entries"])) for p in card["parts"]] == [("ok", 1), ("unk", 1), ("info", 1)]
    assert len(card["rules"]) == 8


def test_the_card_of_an_order_kept_by_an_earlier_version_is_left_out() -> None:
    assert given_view(None) is None


def test_the_answer_names_every_entry_and_what_became_of_it() -> None:
    told = answer(MADE)["given_before"]
    assert (told["days"], told["grams"], told["with_course_g_kg"]) == ("28", "70", "2.00")
    references = {key: [e["reference"] for e in told[key]] for key in ("counted", "elsewhere", "not_counted")}
    assert references == {
        "counted": ["MedicationAdministration/prior"],
        "elsewhere": ["MedicationStatement/stated"],
        "not_counted": ["MedicationRequest/hizentra"],
    }


def test_the_text_names_them_too() -> None:
    text = as_text(MADE, content())
    assert "Given in the last 28 days: 70 g, 2 g/kg with this course" in text
    assert "reports what stands in MedicationAdministration/prior (MedicationStatement/stated)" in text
    assert "nothing says when it was given (MedicationRequest/hizentra)" in text


def test_the_grams_are_part_of_what_is_signed() -> None:
    assert proposed(infused("2026-02-20T10:00:00Z")).digest != proposed(infused("2026-02-21T10:00:00Z")).digest
