"""A pharmacist's decision whose answer gets lost: looked for, never sent twice, never taken for made when it was not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import EHR, Hospital, Tab

from ivig_fhir.sandbox.adapter import SandboxAdapter

CIDP = "cidp-adult"
Send = Callable[[requests.PreparedRequest], requests.Response]


@pytest.fixture
def wire(at: Hospital) -> Wire:
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


def before_the_order(at: Hospital) -> Tab:
    at.tab(CIDP).approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    return pharmacist


def versions(at: Hospital) -> list[tuple[str, str]]:
    return [(o["status"], o["meta"]["versionId"]) for o in at.orders(CIDP)]


class LostAnswer:
    """The answer to what is posted to the base gets lost, after it was stored or before; then orders cannot be read either."""

    def __init__(self, stores: bool, dark: bool) -> None:
        self.stores, self.dark, self.lost = stores, dark, False

    def __call__(self, asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            self.lost = True
            if self.stores:
                send(asked)
            raise requests.ReadTimeout(request=asked)
        if self.lost and self.dark and "/fhir/MedicationRequest" in str(asked.url):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)


def test_a_decision_that_was_stored_is_found_and_sent_once(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    wire.fault = LostAnswer(stores=True, dark=False)
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert versions(at) == [("active", "2")]


def test_a_decision_that_was_not_stored_is_not_taken_for_made(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    page = pharmacist.page
    wire.fault = LostAnswer(stores=False, dark=False)
    refused = pharmacist.press("Verify")
    assert refused.status == 504
    assert "does not hold the decision" in refused.text
    wire.fault = None
    pharmacist.page = page
    pharmacist.go("./")
    assert pharmacist.json["state"] == "sent"
    assert versions(at) == [("draft", "1")]
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert versions(at) == [("active", "2")]


@pytest.mark.parametrize(("stores", "state", "held"), [(True, "verified", ("active", "2")), (False, "sent", ("draft", "1"))])
def test_a_decision_of_unknown_fate_is_kept_and_settled_by_the_next_look(
    at: Hospital, wire: Wire, stores: bool, state: str, held: tuple[str, str]
) -> None:
    pharmacist = before_the_order(at)
    case = pharmacist.page.url
    wire.fault = LostAnswer(stores, dark=True)
    assert pharmacist.press("Verify").status == 504
    wire.fault = None
    pharmacist.go(case)
    assert pharmacist.json["state"] == state
    assert versions(at) == [held]


def test_the_worklist_settles_what_its_own_rows_no_longer_show(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    run, worklist = pharmacist.run, pharmacist.page.url.split("/pharmacy/")[0] + "/pharmacy/"
    wire.fault = LostAnswer(stores=True, dark=True)
    pharmacist.press("Verify")
    wire.fault = None
    pharmacist.go(worklist)
    assert [(o["run"], o["state"]) for o in pharmacist.json["orders"]] == [(run, "verified")]


def test_a_verification_that_names_no_page_is_refused(at: Hospital) -> None:
    pharmacist = before_the_order(at)
    refused = pharmacist.post("verify", {})
    assert refused.status == 409
    assert "not the one that was on screen" in refused.json["error"]["message"]
    assert versions(at) == [("draft", "1")]


@pytest.mark.parametrize("type_", ["Task", "RequestGroup"])
@pytest.mark.parametrize("act", ["verify", "withdraw"])
def test_what_cannot_be_read_is_not_passed_by(at: Hospital, wire: Wire, type_: str, act: str) -> None:
    """A task that a decision does not see would wait in the worklist for ever."""
    pharmacist = before_the_order(at)
    who = pharmacist if act == "verify" else at.tab(CIDP)
    if act == "withdraw":
        who.go(f"../{pharmacist.run}/receipt")
    case = who.page.url
    body = {"digest": pharmacist.json["digest"], "note": "Not needed any more."}
    csrf = who.json["csrf"]

    def unreadable(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if f"/fhir/{type_}/" in str(asked.url):
            raise requests.ReadTimeout(request=asked)
        return send(asked)

    wire.fault = unreadable
    assert who.post(act, body, csrf).status == 502
    assert versions(at) == [("draft", "1")]
    wire.fault = None
    who.go(case)
    assert who.post(act, body, csrf).status == 200
    [task] = at.held("Task", CIDP)
    assert (versions(at)[0][0], task["status"]) == {"verify": ("active", "completed"), "withdraw": ("cancelled", "cancelled")}[act]


def test_an_order_that_cannot_be_read_is_not_called_gone(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    case = pharmacist.page.url

    def unreadable(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if "/fhir/MedicationRequest?identifier=" in str(asked.url):
            raise requests.ReadTimeout(request=asked)
        return send(asked)

    wire.fault = unreadable
    page = pharmacist.go(case)
    assert page.status == 502
    assert "does not show this order any more" not in page.text


@pytest.mark.parametrize(("act", "held"), [("verify", ("active", "2")), ("reject", ("cancelled", "2"))])
def test_a_decision_that_arrives_after_it_was_given_up_is_found_by_the_next_look(
    at: Hospital, wire: Wire, act: str, held: tuple[str, str]
) -> None:
    """A gateway can hold a request back until nobody waits for it any more."""
    pharmacist = before_the_order(at)
    case, page, late = pharmacist.page.url, pharmacist.json, []

    def holds_back(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            late.append(lambda: send(asked))
            raise requests.ReadTimeout(request=asked)
        return send(asked)

    wire.fault = holds_back
    refused = pharmacist.post(act, {"digest": page["digest"], "code": "dose", "note": "The label says 2 g/kg."}, page["csrf"])
    assert (refused.status, versions(at)) == (504, [("draft", "1")])
    wire.fault = None
    late[0]()
    pharmacist.go(case)
    assert versions(at) == [held]
    assert pharmacist.json["state"] == {"verify": "verified", "reject": "rejected"}[act]


@pytest.mark.parametrize(("stores", "held"), [(True, False), (False, True)])
def test_a_word_that_ends_a_hold_ends_it_here_too_when_its_answer_was_lost(at: Hospital, wire: Wire, stores: bool, held: bool) -> None:
    """The hold of a look before an infusion stands in the app's own store: it ends with the EHR's, not only when the answer arrives."""
    pharmacist = before_the_order(at)
    pharmacist.press("Verify")
    pharmacist.go("recheck/1")
    pharmacist.press("Hold the order", **{"note.other": "Shivers before the infusion."})
    course = pharmacist.page.url
    wire.fault = LostAnswer(stores, dark=True)
    assert pharmacist.press("Go on with the order", note="It was the draught.").status == 504
    wire.fault = None
    pharmacist.go(course)
    assert (pharmacist.json["held"], pharmacist.json["status"]) == (held, "on-hold" if held else "active")
    assert pharmacist.go("sheet").status == (409 if held else 200)
