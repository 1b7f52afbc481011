"""Between approval and verification: what is new in the record stands first and stops what it has to; what is not read is answered for."""

from __future__ import annotations

from typing import Any

import pytest
from journey.a_hospital import Hospital, Page, Tab
from journey.test_journey_recheck import CIDP, allergy, observed, thrombosis, unreadable

MG = "mg-crisis-ckd"
WORDS = "Read in the chart itself with the ward: nothing there."


def waiting(at: Hospital, patient: str = CIDP) -> Tab:
    """An approved order, and the pharmacist before it."""
    prescriber = at.tab(patient)
    prescriber.approve()
    tab = at.tab(patient, "pharmacist", target="pharmacy")
    tab.go(f"{prescriber.run}/")
    return tab


def again(tab: Tab) -> Page:
    return tab.go("./" if "/pharmacy/" in tab.page.url else tab.page.url)


def verify(tab: Tab, **more: Any) -> Page:
    """What a script sends, or a page that was open before."""
    return tab.post("verify", {"digest": tab.json["digest"], **more})


def status(at: Hospital, patient: str = CIDP) -> str:
    [order] = at.orders(patient)
    return str(order["status"])


def first_before(text: str, one: str, other: str) -> bool:
    return 0 <= text.find(one) < text.find(other)


def test_nothing_new_is_said_with_the_time_of_the_old_findings(at: Hospital) -> None:
    tab = waiting(at)
    text = tab.page.text.replace("\u00a0", " ")
    assert "Checked again now: nothing new When it was approved, at 2 Mar, 09:00" in text
    assert "New since the order was approved" not in text
    assert tab.json["since"] == {"found": [], "unread": [], "not_assessed": [], "not_recalculated": [], "problem": None}
    tab.press("Verify")
    assert status(at) == "active"


def test_a_thrombosis_since_the_approval_stands_first_and_keeps_the_order_from_being_verified(at: Hospital) -> None:
    tab = waiting(at)
    thrombosis(at)
    text = again(tab).text
    assert first_before(text, "New since the order was approved Recent thrombosis", "When it was approved, at")
    assert "Deep venous thrombosis" in text
    assert "Verify" not in tab.page.buttons
    refused = verify(tab)
    assert (refused.status, "needs the prescriber's reason" in refused.json["error"]["message"], status(at)) == (409, True, "draft")
    [new] = [x for x in tab.json["since"]["found"] if x["check"] == "thrombosis.recent-event"]
    assert (new["severity"], new["was"], new["blocks"]) == ("override", None, True)


def test_a_kidney_injured_since_the_approval_keeps_the_order_from_being_verified(at: Hospital) -> None:
    tab = waiting(at)
    observed(at, "2160-0", 6.5, "mg/dL")
    text = again(tab).text
    assert first_before(text, "New since the order was approved Acute kidney injury", "When it was approved, at")
    assert "Verify" not in tab.page.buttons
    assert (verify(tab).status, status(at)) == (409, "draft")


def test_the_digest_of_the_approval_does_not_pass_by_what_is_new(at: Hospital) -> None:
    tab = waiting(at)
    thrombosis(at)
    refused = tab.post("verify", {"digest": tab.json["proposal"]["digest"]})
    assert (refused.status, status(at)) == (409, "draft")


def test_a_page_opened_before_the_finding_verifies_nothing(at: Hospital) -> None:
    tab = waiting(at)
    thrombosis(at)
    assert (tab.press("Verify").status, status(at)) == (409, "draft")
    assert "New since the approval: Recent thrombosis" in tab.page.text
    assert "New in the record since the order was approved Recent thrombosis" in tab.page.text
    assert "The order itself says the same." not in tab.page.text


def test_a_new_warning_is_shown_and_does_not_stop(at: Hospital) -> None:
    tab = waiting(at)
    observed(at, "2160-0", 0.95, "mg%")
    text = again(tab).text
    assert "New since the order was approved A value could not be used" in text
    tab.press("Verify")
    assert status(at) == "active"


def test_the_prescriber_answers_for_the_finding_that_the_question_named_and_then_it_may_be_verified(at: Hospital) -> None:
    tab = waiting(at)
    thrombosis(at)
    again(tab)
    tab.press("Ask prescriber", code="other", note="Is this known to you?")
    [task] = at.held("Task", CIDP)
    assert "Is this known to you? New since the approval: Recent thrombosis" in task["note"][-1]["text"]
    prescriber = at.tab(CIDP)
    prescriber.go(f"/s/{prescriber.session}/orders/{tab.run}/receipt")
    assert "Recent thrombosis" in prescriber.page.text
    prescriber.press("Send answer", note="Anticoagulated since this morning; haematology agrees.")
    text = again(tab).text
    assert "The prescriber answered: “Anticoagulated since this morning; haematology agrees.”" in text
    tab.press("Verify")
    assert status(at) == "active"


def test_an_answer_is_none_to_a_finding_that_came_after_the_question(at: Hospital) -> None:
    tab = waiting(at)
    tab.press("Ask prescriber", code="other", note="From which day?")
    thrombosis(at)
    prescriber = at.tab(CIDP)
    prescriber.go(f"/s/{prescriber.session}/orders/{tab.run}/receipt")
    prescriber.press("Send answer", note="From Monday.")
    again(tab)
    assert "Verify" not in tab.page.buttons
    assert (verify(tab).status, status(at)) == (409, "draft")


def test_no_answer_lifts_a_hard_stop(at: Hospital) -> None:
    tab = waiting(at)
    allergy(at, "Allergy to immunoglobulin", "294635009")
    again(tab)
    tab.press("Ask prescriber", code="other", note="Is this known to you?")
    prescriber = at.tab(CIDP)
    prescriber.go(f"/s/{prescriber.session}/orders/{tab.run}/receipt")
    prescriber.press("Send answer", note="Give it all the same.")
    again(tab)
    assert "Verify" not in tab.page.buttons
    refused = verify(tab)
    assert (refused.status, "it forbids the order" in refused.json["error"]["message"], status(at)) == (409, True, "draft")


def test_a_newer_value_under_a_finding_that_was_answered_for_is_shown_and_does_not_stop(at: Hospital) -> None:
    tab = waiting(at, MG)
    [known] = [o["check"] for o in tab.json["proposal"]["overrides"] if o["check"].startswith("renal")]
    at.clock.forward(minutes=5)
    newest = max((o for o in _creatinines(at)), key=lambda o: str(o["effectiveDateTime"]))
    at.parts.store.put({**newest, "id": "later", "effectiveDateTime": at.clock.time.isoformat()}, at.clock(), "PUT")
    again(tab)
    found = {x["check"]: x for x in tab.json["since"]["found"]}
    assert (found[known]["was"], found[known]["severity"], found[known]["blocks"]) == ("override", "override", False)
    tab.press("Verify")
    assert status(at, MG) == "active"


def _creatinines(at: Hospital) -> list[dict[str, Any]]:
    held = [h.body for h in at.parts.store.candidates("Observation") if h.body and at.parts.store.belongs_to(h.body, MG)]
    return [o for o in held if "2160-0" in {c.get("code") for c in o["code"].get("coding", [])}]


def test_what_a_day_made_old_is_named_as_no_longer_possible_and_does_not_stop(at: Hospital) -> None:
    run = waiting(at).run
    at.clock.forward(hours=25)
    tab = at.tab(CIDP, "pharmacist", target="pharmacy")
    tab.go(f"{run}/")
    assert "checks no longer possible" in tab.page.text.replace("\u00a0", " ")
    tab.press("Verify")
    assert status(at) == "active"


# ── What could not be read ───────────────────────────────────────────────────────────────────────────────────────────

DARK = {
    "Condition": ("Condition", "Severe reaction to immunoglobulin before"),
    "AllergyIntolerance": ("AllergyIntolerance", "Severe reaction to immunoglobulin before"),
    "MedicationRequest?patient": ("MedicationRequest", "Cumulative dose"),
    "MedicationAdministration": ("MedicationAdministration", "Another immunoglobulin order or infusion"),
}


@pytest.mark.parametrize("asked", DARK)
def test_a_line_that_was_not_recalculated_is_not_counted_as_agreeing_and_stands_on_top(at: Hospital, asked: str) -> None:
    type_, line = DARK[asked]
    tab = waiting(at)
    whole = sum(x["agrees"] is not None for x in tab.json["recalculated"])
    unreadable(at, asked)
    text = again(tab).text.replace("\u00a0", " ")
    dark = tab.json["since"]["not_recalculated"]
    assert line in dark
    assert f"{whole - len(dark)} of {whole} agree, {len(dark)} could not be recalculated" in text
    assert "Second calculation agrees" not in text
    assert first_before(text, f"Recalculated {dark[0]}", "Dosing weight 82 kg, actual")
    assert first_before(text, f"Could not be read now {type_}", "When it was approved, at")
    assert "nothing new" not in text


@pytest.mark.parametrize("asked", DARK)
def test_an_order_is_verified_with_words_for_each_part_that_was_not_read_and_not_without(at: Hospital, asked: str) -> None:
    type_, _ = DARK[asked]
    tab = waiting(at)
    unreadable(at, asked)
    page = again(tab)
    refused = tab.press("Verify")
    assert (refused.status, f"{type_} could not be read: look in the chart itself" in refused.text, status(at)) == (409, True, "draft")
    tab.page = page
    assert tab.press("Verify", **{f"unread.{type_}": "  "}).status == 409
    tab.page = page
    tab.press("Verify", **{f"unread.{type_}": WORDS})
    assert status(at) == "active"
    [kept] = tab.json["verification"]["unread"]
    assert (kept["type"], kept["note"]) == (type_, WORDS)
    assert kept["checks"]


def test_each_part_is_answered_for_and_what_was_typed_stays_on_the_page(at: Hospital) -> None:
    tab = waiting(at)
    unreadable(at, "Con")  # Condition and Consent
    again(tab)
    refused = tab.press("Verify", **{"unread.Condition": WORDS})
    assert (refused.status, "Consent could not be read: look" in refused.text, status(at)) == (409, True, "draft")
    assert f'name="unread.Condition" type="text" form="bar" autocomplete="off" value="{WORDS}"' in refused.body
    assert verify(tab, unread={"Consent": WORDS}).status == 409
    assert (verify(tab, unread={"Condition": WORDS, "Consent": WORDS}).status, status(at)) == (200, "active")


def test_the_words_stand_in_task_provenance_story_and_on_the_sheet(at: Hospital) -> None:
    tab = waiting(at)
    unreadable(at, "Condition")
    again(tab)
    tab.press("Verify", **{"unread.Condition": WORDS})
    [task] = at.held("Task", CIDP)
    assert task["note"][-1]["text"] == f"Condition could not be read. {WORDS}"
    provenances = [p for p in at.held("Provenance", CIDP) if p.get("reason")]
    assert [[r["text"] for r in p["reason"]] for p in provenances] == [[f"Condition could not be read. {WORDS}"]]
    here = tab.page.url
    assert f"Condition could not be read. Pharmacist: “{WORDS}”" in tab.go("story").text
    tab.go(here)
    assert f"Pharmacist: “{WORDS}”" in tab.go("verification").text


def test_a_verified_order_does_not_say_that_all_agrees_where_something_is_not_read(at: Hospital) -> None:
    tab = waiting(at)
    tab.press("Verify")
    unreadable(at, "Condition")
    assert "could not be recalculated" in tab.go("./").text
