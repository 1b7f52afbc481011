"""An order that somebody changes by hand in the EHR: before verification nobody verifies it, after it nothing is given on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from journey.a_hospital import APP, Hospital, Page, Tab
from journey.test_journey_dispense import LOT, authorized, counter
from journey.test_journey_foreign import CIDP, Before, doses, order_of, the_order, waiting

Edit = Callable[[Hospital], None]


def dosage(at: Hospital, **fields: Any) -> None:
    the_order(at, dosageInstruction=[{**order_of(at)["dosageInstruction"][0], **fields}])


BY_HAND: dict[str, Edit] = {
    "Product is Privigen in the EHR; approved was Gamunex-C": lambda at: the_order(at, medicationCodeableConcept={"text": "Privigen"}),
    "Dose of one infusion is 20 g": lambda at: the_order(at, dosageInstruction=doses(at, 20)),
    "Do not perform is true in the EHR; approved was nothing.": lambda at: the_order(at, doNotPerform=True),
    "Route is Subcutaneous in the EHR; approved was Intravenous infusion.": lambda at: dosage(at, route={"text": "Subcutaneous"}),
    "Note is Give 400 g in one hour in the EHR": lambda at: the_order(at, note=[{"text": "Give 400 g in one hour"}]),
}
by_hand = pytest.mark.parametrize(("said", "edit"), BY_HAND.items(), ids=["product", "dose", "do not perform", "route", "note"])


def other(tab: Tab, path: str) -> Page:
    """Another page of the order that a pharmacist has on screen."""
    return tab.browser.get(f"{APP}/s/{tab.session}/pharmacy/{tab.run}/{path}")


def at_the_patient(nurse: Tab, run: str) -> Page:
    """A nurse's sheet."""
    return nurse.browser.get(f"{APP}/s/{nurse.session}/orders/{run}/sheet")


@by_hand
def test_before_verification_it_is_named_on_the_page_and_never_verified(at: Hospital, said: str, edit: Edit) -> None:
    """Also where the case is opened anew, and by a script that names what was approved, what it saw, or what is there now."""
    tab = waiting(at)
    before, approved = Before(tab, tab.json["csrf"], tab.json["digest"]), tab.json["proposal"]["digest"]
    edit(at)
    page = tab.go("./")
    assert said in page.text
    assert "Verify" not in page.buttons
    assert {before.post("verify", digest=d).status for d in (approved, before.digest, tab.json["digest"])} == {409}
    assert order_of(at)["status"] == "draft"


@by_hand
def test_after_verification_no_sheet_no_release_and_no_vials(at: Hospital, said: str, edit: Edit) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    nurse = at.tab(CIDP, "nurse")
    tab.go("recheck/1")
    edit(at)
    for page in (at_the_patient(nurse, tab.run), other(tab, "sheet"), other(tab, "verification"), other(tab, "recheck/1")):
        assert (page.status, said in page.text) == (409, True)
    tab.press("Release this infusion")
    assert (tab.page.status, said in tab.page.text) == (409, True)
    tab.go(f"/s/{tab.session}/pharmacy/{tab.run}/dispense")
    assert said in tab.page.text
    tab.press("Dispense", **LOT)
    assert (tab.page.status, said in tab.page.text) == (409, True)
    assert "No reason lets these vials go." in tab.page.text
    for where in ("", "course"):
        page = other(tab, where)
        assert (page.status, said in page.text) == (200, True)
        assert {"Infusion sheet", "Dispense", "Verification sheet"} & {words for words, _ in page.forms.links} == set()


def test_an_order_that_was_changed_can_still_be_held_and_stopped_and_does_not_go_on(at: Hospital) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    the_order(at, medicationCodeableConcept={"text": "Privigen"})
    csrf = tab.browser.get(tab.page.url, headers={"Accept": "application/json"}).json["csrf"]
    assert tab.post("hold", {"code": "reaction", "note": "Another product."}, csrf).status == 200
    refused = tab.post("resume", {"note": "Go on."}, csrf)
    assert (refused.status, order_of(at)["status"]) == (409, "on-hold")
    assert "Product is Privigen in the EHR" in refused.text
    assert tab.post("stop", {"code": "reaction", "note": "Another product."}, csrf).status == 200
    assert order_of(at)["status"] == "stopped"


def test_what_stops_nothing_is_shown_and_a_script_that_did_not_see_it_is_refused(at: Hospital) -> None:
    tab = waiting(at)
    before, approved = Before(tab, tab.json["csrf"], tab.json["digest"]), tab.json["proposal"]["digest"]
    the_order(at, priority="stat")
    assert before.post("verify", digest=approved).status == 409
    page = tab.go("./")
    assert "Priority is stat in the EHR; approved was routine." in page.text
    assert [x["field"] for x in tab.json["different"]] == ["Priority"]
    tab.press("Verify")
    assert tab.json["state"] == "verified"
    assert "Priority is stat in the EHR; approved was routine." in tab.go("./").text
    assert other(tab, "sheet").status == 200


# ── Beside the order: its task and its group ─────────────────────────────────────────────────────────────────────────


def delete(at: Hospital, type_: str) -> None:
    at.parts.store.delete(type_, at.held(type_, CIDP)[0]["id"], at.clock())


def close_the_task(at: Hospital) -> None:
    at.change(f"Task/{at.held('Task', CIDP)[0]['id']}", status="completed", owner={"reference": "Practitioner/prescriber"})


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda at: delete(at, "Task"), "The pharmacist's task was deleted in the EHR."),
        (lambda at: delete(at, "RequestGroup"), "The request group was deleted in the EHR."),
        (close_the_task, "The pharmacist's task is completed in the EHR: somebody closed it there"),
    ],
    ids=["task deleted", "group deleted", "task completed"],
)
def test_a_part_that_was_deleted_or_closed_is_said_and_nobody_verifies(at: Hospital, edit: Edit, said: str) -> None:
    tab = waiting(at)
    edit(at)
    page = tab.go("./")
    assert said in page.text
    assert "Verify" not in page.buttons
    refused = tab.post("verify", {"digest": tab.json["digest"]})
    assert (refused.status, said in refused.text) == (409, True)
    assert order_of(at)["status"] == "draft"


def test_an_order_whose_task_was_deleted_can_still_be_rejected(at: Hospital) -> None:
    tab = waiting(at)
    delete(at, "Task")
    tab.go("./")
    tab.press("Reject", code="other", note="Its task was deleted.")
    assert (tab.json["state"], order_of(at)["status"]) == ("rejected", "cancelled")


def test_an_order_whose_task_was_closed_offers_no_decision_and_can_be_taken_back(at: Hospital) -> None:
    tab = waiting(at)
    close_the_task(at)
    page = tab.go("./")
    assert {"Verify", "Reject", "Ask prescriber"} & set(page.buttons) == set()
    assert "Course of this order" in {words for words, _ in page.forms.links}
    assert tab.post("recall", {"note": "Closed by mistake in the EHR."}).status == 200
    assert order_of(at)["status"] == "entered-in-error"


def test_after_verification_a_deleted_task_is_told_and_keeps_no_infusion_back(at: Hospital) -> None:
    tab = waiting(at)
    tab.press("Verify")
    delete(at, "Task")
    assert "The pharmacist's task was deleted in the EHR." in other(tab, "").text
    assert other(tab, "sheet").status == 200


# ── What goes with the order ─────────────────────────────────────────────────────────────────────────────────────────


def companions(at: Hospital) -> dict[str, str]:
    """The other medicines of this order, by what they are: where each is."""
    main = order_of(at)["id"]
    found = (m for m in at.held("MedicationRequest", CIDP) if m["id"] != main)
    return {m["medicationCodeableConcept"]["text"]: m["id"] for m in found}


def test_a_companion_that_was_changed_or_ended_is_said_before_anybody_decides(at: Hospital) -> None:
    tab = waiting(at)
    (first, one), (second, two), *_ = companions(at).items()
    seen, approved = Before(tab, tab.json["csrf"], tab.json["digest"]), tab.json["proposal"]["digest"]
    at.change(f"MedicationRequest/{one}", dosageInstruction=[{"text": "50 mg at once"}])
    at.change(f"MedicationRequest/{two}", status="stopped")
    page = tab.go("./")
    for said in (
        f"{first} was changed in the EHR since it was approved: {first}, 50 mg at once. Approved was: ",
        f"{second} was ended in the EHR: it is stopped.",
    ):
        assert said in page.text
    assert {seen.post("verify", digest=d).status for d in (seen.digest, approved)} == {409}
    tab.press("Verify")
    assert tab.json["state"] == "verified"
    held = {m["id"]: m["status"] for m in at.held("MedicationRequest", CIDP)}
    assert (held[one], held[two]) == ("draft", "stopped")


def test_a_companion_that_was_deleted_is_said_on_the_page(at: Hospital) -> None:
    tab = waiting(at)
    (name, where), *_ = companions(at).items()
    at.parts.store.delete("MedicationRequest", where, at.clock())
    assert f"{name} was stored, and cannot be read in the EHR now:" in tab.go("./").text
    approved = tab.json["proposal"]["digest"]
    assert tab.post("verify", {"digest": approved}).status == 409
    assert order_of(at)["status"] == "draft"
