"""The prescriber's word on what a pharmacist said: an answer, a withdrawal, another order with changes."""

from __future__ import annotations

import re

import pytest
from journey.a_hospital import APP, Hospital, Tab

CIDP = "cidp-adult"
ASKED, ANSWER = "Is the weight of Friday still right?", "Weighed again today: 82.0 kg."


def queried(at: Hospital) -> tuple[Tab, Tab]:
    """An approved order with a pharmacist's question, the prescriber on its receipt."""
    prescriber = at.tab(CIDP)
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Ask prescriber", code="weight", note=ASKED)
    prescriber.go("receipt")
    return prescriber, pharmacist


def test_the_prescriber_sees_the_question_with_its_reason_and_who_asked(at: Hospital) -> None:
    prescriber, _ = queried(at)
    for said in ("The pharmacist asks", "Mats Sample-Lindqvist", "The weight is to be confirmed", ASKED):
        assert said in prescriber.page.text


def test_an_answer_sends_the_order_back_to_the_pharmacist_unchanged(at: Hospital) -> None:
    prescriber, pharmacist = queried(at)
    order = at.orders(CIDP)[0]
    prescriber.press("Send answer", note=ANSWER)
    assert prescriber.json["state"] == "sent"
    [task] = at.held("Task", CIDP)
    assert (task["status"], task["businessStatus"]["text"]) == ("requested", "awaiting-verification")
    assert [n["text"] for n in task["note"]] == [ASKED, ANSWER]
    assert "statusReason" not in task
    assert at.orders(CIDP) == [order]
    pharmacist.go("./")
    for said in (ASKED, ANSWER, "Adwoa Sample-Osei"):
        assert said in pharmacist.page.text
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"


def test_a_question_can_be_asked_and_answered_again_and_nothing_said_is_lost(at: Hospital) -> None:
    prescriber, pharmacist = queried(at)
    prescriber.press("Send answer", note=ANSWER)
    pharmacist.go("./")
    pharmacist.press("Ask prescriber", code="rate", note="Why no cap?")
    prescriber.go("receipt")
    prescriber.press("Send answer", note="Young kidneys.")
    [task] = at.held("Task", CIDP)
    assert [n["text"] for n in task["note"]] == [ASKED, ANSWER, "Why no cap?", "Young kidneys."]
    assert "Young kidneys." in pharmacist.go("./").text


def test_the_worklist_says_that_a_question_was_asked_and_then_that_it_was_answered(at: Hospital) -> None:
    prescriber, pharmacist = queried(at)
    for answer, status in (("", "Question asked"), (ANSWER, "Answered")):
        if answer:
            prescriber.press("Send answer", note=answer)
        pharmacist.go("../")
        [words] = re.findall(r"SAMPLETON.*", pharmacist.page.text)
        assert (status in words, "Answer to read" in words) == (True, bool(answer))
        assert ("Waiting" in words, "Answered" in words) == (False, bool(answer))
        pharmacist.follow("SAMPLETON")
    pharmacist.press("Ask prescriber", code="rate", note="Why no cap?")
    assert "Answered" not in pharmacist.go("../").text


def test_an_order_nobody_asked_about_is_not_called_answered(at: Hospital) -> None:
    at.tab(CIDP).approve()
    words = at.tab(CIDP, "pharmacist", target="pharmacy").page.text
    assert ("Waiting" in words, "Answered" in words) == (True, False)


@pytest.mark.parametrize("note", ["", "   "])
def test_an_answer_needs_words(at: Hospital, note: str) -> None:
    prescriber, _ = queried(at)
    prescriber.press("Send answer", note=note)
    assert prescriber.page.status == 409
    assert "A note for the pharmacist is needed." in prescriber.page.text
    assert prescriber.json["state"] == "queried"


def test_an_answer_is_given_once(at: Hospital) -> None:
    prescriber, _ = queried(at)
    assert prescriber.post("answer", {"note": ANSWER}).status == 200
    again = prescriber.post("answer", {"note": ANSWER})
    assert (again.status, again.json["error"]["message"]) == (409, "An order that is sent cannot be answered.")


def test_a_withdrawn_order_is_cancelled_in_the_ehr_and_can_be_ordered_again_with_changes(at: Hospital) -> None:
    prescriber, pharmacist = queried(at)
    first = prescriber.run
    prescriber.press("Withdraw order", note="Another dose is right.")
    assert prescriber.json["state"] == "cancelled"
    [order] = at.orders(CIDP)
    assert order["status"] == "cancelled"
    assert order["statusReason"]["text"] == "Withdrawn by the prescriber: Another dose is right."
    assert [g["status"] for g in at.held("RequestGroup", CIDP)] == ["revoked"]
    [task] = at.held("Task", CIDP)
    assert (task["status"], task["note"][-1]["text"]) == ("cancelled", "Another dose is right.")
    assert task["owner"]["reference"] == "Practitioner/pharmacist"
    assert "Another dose is right." in pharmacist.go("./").text
    prescriber.press("Order again with changes")
    assert prescriber.run != first
    prescriber.press("Recalculate", per_kg="1.5")
    prescriber.approve()
    assert prescriber.json["state"] == "sent"
    assert sorted(o["status"] for o in at.orders(CIDP)) == ["cancelled", "draft"]


def test_a_rejected_order_keeps_its_choices_for_the_next_draft(at: Hospital) -> None:
    prescriber = at.tab(CIDP)
    prescriber.press("Recalculate", per_kg="1.5")
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Reject", code="dose", note="The label says 2 g/kg.")
    prescriber.go("receipt")
    assert "The dose, the days or the dates" in prescriber.page.text
    prescriber.press("Order again with changes")
    assert prescriber.json["state"] == "proposed"
    assert prescriber.json["proposal"]["dose"]["calculated_course_g"] == "123.00"


@pytest.mark.parametrize(("act", "said"), [("answer", "cannot be answered"), ("withdraw", "cannot be withdrawn")])
def test_a_verified_order_is_neither_answered_nor_withdrawn_here(at: Hospital, act: str, said: str) -> None:
    prescriber, pharmacist = queried(at)
    pharmacist.press("Verify")
    refused = prescriber.post(act, {"note": "x"})
    assert (refused.status, said in refused.json["error"]["message"]) == (409, True)
    assert [o["status"] for o in at.orders(CIDP)] == ["active"]
    assert "Withdraw order" not in prescriber.go("receipt").text


@pytest.mark.parametrize("user", ["pharmacist", "nurse", "stranger"])
@pytest.mark.parametrize("act", ["answer", "withdraw", "again"])
def test_only_a_prescriber_replies(at: Hospital, user: str, act: str) -> None:
    prescriber, _ = queried(at)
    other = at.tab(CIDP, user)
    if user == "stranger":
        assert other.page.status == 403
        return
    where = f"{APP}/s/{other.session}/orders/{prescriber.run}/{act}"
    token = other.browser.get(f"{APP}/s/{other.session}/orders/{prescriber.run}/receipt", headers={"Accept": "application/json"}).json[
        "csrf"
    ]
    assert other.post(where, {"note": "x"}, csrf=token).status == 403
    assert prescriber.json["state"] == "queried"


def test_a_change_in_the_ehr_meanwhile_is_not_overwritten_by_an_answer(at: Hospital) -> None:
    prescriber, _ = queried(at)
    page = prescriber.page
    [task] = at.held("Task", CIDP)
    at.change(f"Task/{task['id']}", priority="stat")
    prescriber.page = page
    prescriber.press("Send answer", note=ANSWER)
    [task] = at.held("Task", CIDP)
    assert task["priority"] == "stat"
