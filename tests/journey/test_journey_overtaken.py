"""Somebody changes an order while an act on it is on its way (409 or 412): what the EHR said, the difference, a number; nothing is done."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from an_ehr_server import Send
from attacks.a_bend import answer
from journey.a_hospital import Hospital, Page, Tab
from journey.a_server_of_another_kind import wired
from journey.test_journey_change import proposed, reasons

from ivig_fhir import observe
from ivig_fhir.order.recheck import OTHER

CIDP = "cidp-adult"
SAID = "Version 1 is not the newest."
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "conflict", "diagnostics": SAID}]}
WHY = "Rash on the arms during the first infusion."


def the_order(at: Hospital) -> dict[str, Any]:
    [order] = at.orders(CIDP)
    return order


def overtaken(at: Hospital, status: int, ending: str = "/fhir", method: str = "POST") -> None:
    """From now on somebody is faster than the next write: the order is urgent by then, and the write is refused."""
    wire = wired(at)

    def fault(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        where = str(asked.url).partition("?")[0].rstrip("/")
        if asked.method != method or not (where.endswith(ending) or ending in where.rpartition("/")[0]):
            return send(asked)
        wire.fault = None
        at.change(f"MedicationRequest/{the_order(at)['id']}", priority="stat")
        return answer(asked, OUTCOME, status)

    wire.fault = fault


def sent(at: Hospital) -> tuple[Tab, Tab]:
    """An order that waits: the prescriber on its receipt, the pharmacist on its page."""
    prescriber = at.tab(CIDP)
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    return prescriber, pharmacist


def verifies(at: Hospital, status: int) -> Page:
    _, pharmacist = sent(at)
    overtaken(at, status)
    return pharmacist.press("Verify")


def withdraws(at: Hospital, status: int) -> Page:
    prescriber, _ = sent(at)
    overtaken(at, status)
    return prescriber.press("Withdraw order", note="Wrong day.")


def answers(at: Hospital, status: int) -> Page:
    prescriber, pharmacist = sent(at)
    pharmacist.press("Ask prescriber", code="weight", note="Still right?")
    prescriber.go("receipt")
    overtaken(at, status)
    return prescriber.press("Send answer", note="Weighed again.")


def claims(at: Hospital, status: int) -> Page:
    _, pharmacist = sent(at)
    overtaken(at, status, "/Task", "PUT")
    return pharmacist.press("Start review")


def running(at: Hospital) -> Tab:
    _, pharmacist = sent(at)
    pharmacist.press("Verify")
    pharmacist.follow("Course of this order")
    return pharmacist


def holds(at: Hospital, status: int) -> Page:
    pharmacist = running(at)
    overtaken(at, status)
    return pharmacist.press("Put on hold", code="reaction", note=WHY)


def stops(at: Hospital, status: int) -> Page:
    pharmacist = running(at)
    overtaken(at, status)
    return pharmacist.press("Stop the order", code="reaction", note=WHY)


def holds_on_the_day(at: Hospital, status: int) -> Page:
    pharmacist = running(at)
    pharmacist.go("recheck/1")
    overtaken(at, status)
    return pharmacist.press("Hold the order", **{f"note.{OTHER}": "Left calf swollen."})


def replaces(at: Hospital, status: int) -> Page:
    prescriber, _ = proposed(at)
    overtaken(at, status)
    return prescriber.press("Approve order", acknowledged="yes", **reasons(prescriber))


RUNNING = ("holds", "stops", "holds_on_the_day")
ACTS: dict[str, Callable[[Hospital, int], Page]] = {
    f.__name__: f for f in (verifies, withdraws, answers, claims, holds, stops, holds_on_the_day, replaces)
}


@pytest.mark.parametrize("status", [409, 412])
@pytest.mark.parametrize("act", ACTS)
def test_the_page_tells_what_is_different_and_what_the_ehr_said_with_a_number_that_is_in_the_log(
    at: Hospital, act: str, status: int
) -> None:
    log = io.StringIO()
    observe.configure("INFO", log)
    page = ACTS[act](at, status)
    text = page.text.replace("\u00a0", " ")
    assert page.status == 409, text
    assert "The order changed in the EHR since you opened it." in text
    assert "What the EHR said" in text
    assert SAID in text
    assert re.search(r"priority \S+ stat\b", text), text
    number = re.search(r"Reference ([0-9A-Z]{4}-[0-9A-Z]{4}), E-25\b", text)
    assert number, text
    [line] = [e for e in map(json.loads, log.getvalue().splitlines()) if e.get("reference") == number[1]]
    assert (line["error_code"], SAID in log.getvalue()) == ("E-25", False)
    assert the_order(at)["status"] == ("active" if act in RUNNING else "draft")
    assert ("Your approval is kept." in text) is (act == "replaces")
    assert ("The hold counts here" in text) is (act == "holds_on_the_day")


@pytest.mark.parametrize("act", ["withdraws", "holds"])
def test_from_there_the_order_is_looked_at_as_it_is_now_and_the_act_done_again(at: Hospital, act: str) -> None:
    prescriber, pharmacist = sent(at)
    if act == "holds":
        pharmacist.press("Verify")
        pharmacist.follow("Course of this order")
    tab = prescriber if act == "withdraws" else pharmacist
    overtaken(at, 409)
    press = ("Withdraw order", {"note": "Wrong day."}) if act == "withdraws" else ("Put on hold", {"code": "reaction", "note": WHY})
    tab.press(press[0], **press[1])
    tab.follow("Review the order as it is now")
    tab.press(press[0], **press[1])
    assert the_order(at)["status"] == ("cancelled" if act == "withdraws" else "on-hold")


def test_a_course_page_that_was_opened_before_a_change_shows_the_change_before_anything_is_done(at: Hospital) -> None:
    pharmacist = running(at)
    at.change(f"MedicationRequest/{the_order(at)['id']}", priority="stat")
    page = pharmacist.press("Put on hold", code="reaction", note=WHY)
    assert page.status == 409
    for said in ("The order changed since you opened it", "When you opened it", "priority", "stat"):
        assert said in page.text
    assert the_order(at)["status"] == "active"


def test_what_differs_from_the_approval_only_in_how_the_ehr_writes_it_is_no_difference(at: Hospital) -> None:
    prescriber, _ = sent(at)
    overtaken(at, 409)
    page = prescriber.press("Withdraw order", note="Wrong day.")
    assert "As it was approved" in page.text
    assert "detectedIssue" not in page.text
    assert "supportingInformation" not in page.text


def test_a_list_on_which_somebody_was_faster_says_what_the_ehr_said(at: Hospital) -> None:
    at.tab(CIDP).approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    overtaken(at, 412, "/Task", "PUT")
    page = pharmacist.press("Claim SAMPLETON, Edwin")
    assert page.status == 409
    assert SAID in page.text
    assert re.search(r"Reference [0-9A-Z]{4}-[0-9A-Z]{4}, E-25\b", page.text)


def test_a_script_gets_what_the_ehr_said(at: Hospital) -> None:
    prescriber, _ = sent(at)
    prescriber.go("receipt")
    overtaken(at, 409)
    got = prescriber.post("withdraw", {"note": "Wrong day."})
    assert (got.status, got.json["error"]["code"], got.json["error"]["told"]) == (409, "E-25", [f"error: {SAID}"])
