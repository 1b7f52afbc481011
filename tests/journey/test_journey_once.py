"""One order, whatever is pressed twice: approving again, two tabs of one run, several requests at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from journey.a_hospital import Hospital

CIDP = "cidp-adult"


def test_approving_twice_makes_one_order_and_ends_on_its_receipt(at: Hospital) -> None:
    tab = at.tab(CIDP)
    before = tab.page
    tab.press("Approve order", acknowledged="yes")
    first = tab.json
    tab.page = before  # the browser's Back button, and the same form again
    tab.press("Approve order", acknowledged="yes")
    assert tab.page.status in (200, 409)
    assert len(at.orders(CIDP)) == 1
    assert tab.browser.get(f"{before.url}receipt", headers={"Accept": "application/json"}).json["receipt"] == first["receipt"]


def test_a_script_that_approves_again_gets_a_conflict_or_the_same_order_and_never_a_second_one(at: Hospital) -> None:
    tab = at.tab(CIDP)
    page = tab.json
    answers = [tab.post("approve", {"digest": page["proposal"]["digest"]}, page["csrf"]) for _ in range(3)]
    assert answers[0].json["state"] == "sent"
    assert {a.status for a in answers[1:]} == {409}
    assert len(at.orders(CIDP)) == 1


def test_a_double_click_from_four_threads_writes_one_order(at: Hospital) -> None:
    tab = at.tab(CIDP)
    page, url, cookies = tab.json, tab.page.url, tab.browser
    headers = {"X-CSRF-Token": page["csrf"], "Accept": "application/json"}

    def press(_: int) -> int:
        return cookies.twin().send("POST", f"{url}approve", json={"digest": page["proposal"]["digest"]}, headers=headers).status

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(press, range(4)))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 409}
    assert len(at.orders(CIDP)) == 1
    assert len(at.held("Task", CIDP)) == 1
    assert len(at.held("Provenance", CIDP)) == 1


def test_sending_again_what_is_stored_changes_nothing(at: Hospital) -> None:
    tab = at.tab(CIDP)
    tab.approve()
    token = tab.json["csrf"]
    again = tab.post("resend", {}, token)
    assert (again.status, again.json["state"]) == (200, "sent")
    assert [o["meta"]["versionId"] for o in at.orders(CIDP)] == ["1"]


def test_a_tab_that_shows_an_older_state_of_the_run_cannot_approve_it(at: Hospital) -> None:
    browser = at.browser()
    one, two = browser.launch(CIDP), browser.launch(CIDP)
    assert one.run == two.run
    two.press("Recalculate", per_kg="1.5")
    one.press("Approve order", acknowledged="yes")
    assert one.page.status == 409
    assert "The proposal is not the one that was on screen." in one.page.text
    assert "Nothing was sent" in one.page.text
    assert at.orders(CIDP) == []
    assert one.json["proposal"]["digest"] == two.json["proposal"]["digest"]
    one.approve()
    assert [o["status"] for o in at.orders(CIDP)] == ["draft"]


def test_choices_of_a_sent_order_are_closed(at: Hospital) -> None:
    tab = at.tab(CIDP)
    review = tab.page
    tab.approve()
    tab.page = review
    tab.press("Recalculate", per_kg="1")
    assert tab.page.status == 409
    assert "Reference" in tab.page.text
    fields = urlencode({"csrf_token": tab.json["csrf"]})
    assert tab.browser.send("POST", f"{review.url}approve", data=fields, content_type="application/x-www-form-urlencoded").status == 409
    assert len(at.orders(CIDP)) == 1


def test_a_change_of_an_order_that_was_approved_and_never_left_voids_the_approval(at: Hospital) -> None:
    """Where the EHR lets nobody write, the order stays approved and is handed over as text."""
    at.change("PractitionerRole/nurse-role", code=at.parts.store.current("PractitionerRole", "prescriber-role").body["code"])
    tab = at.tab(CIDP, "nurse")  # a prescriber whom this EHR lets only read
    assert "the order is handed over as text" in tab.page.text
    tab.give_reasons()
    tab.press("Approve and copy order", acknowledged="yes")
    assert "Approved, not in the EHR" in tab.page.text
    assert "Gamunex-C" in tab.page.forms.area
    assert "40 g" in tab.page.forms.area
    tab.follow("Back to the order")
    assert "A change of the order voids the approval." in tab.page.text
    assert "Approve and copy order" not in tab.page.buttons
    tab.press("Recalculate", days="5")
    assert "Approve and copy order" in tab.page.buttons
    assert tab.json["state"] == "proposed"
    assert at.orders(CIDP) == []


def test_an_order_that_the_ehr_holds_twice_is_never_called_not_there(at: Hospital) -> None:
    tab = at.tab(CIDP)
    named = {"identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{tab.run}"}], "subject": {"reference": f"Patient/{CIDP}"}}
    for id_ in ("one", "two"):
        at.parts.store.put({"resourceType": "MedicationRequest", "id": id_, **named}, at.clock(), "PUT")
    page = tab.json
    refused = tab.post("approve", {"digest": page["proposal"]["digest"]}, page["csrf"])
    assert (refused.status, "more than one order of this run" in refused.json["error"]["message"]) == (409, True)
    state = tab.browser.get(f"{tab.page.url}receipt", headers={"Accept": "application/json"}).json["state"]
    assert state == "uncertain"
    assert len(at.held("MedicationRequest", CIDP)) == 2
