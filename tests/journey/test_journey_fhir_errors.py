"""Each failed answer of a FHIR server, from the wire to the page: what happened, what to do, a reference number, and nothing else."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from an_ehr_server import Send
from attacks.a_bend import answer
from journey.a_hospital import Hospital, Page, Tab
from journey.a_server_of_another_kind import refuses, wired

from ivig_fhir import observe

MG = "mg-crisis-ckd"
HTML = b'<html><head><title>404</title><script>alert("IIS")</script></head><body>Server Error</body></html>'
HTML_TYPE = {"Content-Type": "text/html"}
NAME = "PLACEHOLD"
# What an EHR may say of a patient in its words: it is shown, and never logged.
SECRET = f"{NAME} has no coverage"


def outcome(text: str = "", coded: str = "", severity: str = "error", **more: Any) -> dict[str, Any]:
    """An OperationOutcome; `coded` is a code of the vendor's own."""
    details: dict[str, Any] = {"text": text} if text else {}
    if coded:
        details["coding"] = [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.657369", "code": coded, "display": f"Code {coded}."}]
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing", "details": details, **more}]}


@pytest.fixture
def log(at: Hospital) -> io.StringIO:
    """What the app logs from here on."""
    stream = io.StringIO()
    observe.configure("INFO", stream)
    return stream


def ready(at: Hospital) -> Tab:
    """A prescriber with every reason given, before the button."""
    tab = at.tab(MG)
    tab.give_reasons()
    return tab


def pressed(at: Hospital, status: int, body: Any, *endings: str, headers: dict[str, str] | None = None) -> Page:
    """The button, and a server that answers so wherever the order is posted."""
    wire, tab = wired(at), ready(at)
    wire.fault = refuses(status, body, *(endings or ("/fhir", "/MedicationRequest")), headers=headers)
    return tab.press("Approve order", acknowledged="yes")


def opened(at: Hospital, status: int, body: Any, headers: dict[str, str] | None = None) -> Page:
    """The page, read anew, and a server that answers so when it is asked for the patient."""
    wire, tab = wired(at), at.tab(MG)
    wire.fault = refuses(status, body, f"/Patient/{MG}", method="GET", headers=headers)
    return tab.go("./?fresh")


def verified(at: Hospital, status: int) -> Page:
    """A pharmacist's decision over a version that somebody changed meanwhile."""
    at.tab(MG).approve()
    wire = wired(at)
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    pharmacist.go(f"{at.orders(MG)[0]['groupIdentifier']['value'].removeprefix('urn:uuid:')}/")
    wire.fault = refuses(status, outcome("Version 1 is not the newest.", "0989"), "/fhir")
    return pharmacist.press("Verify")


def lost(at: Hospital) -> Page:
    """A write without an answer, by a server that does not search orders afterwards."""
    wire, tab = wired(at), ready(at)
    gone: list[bool] = []

    def silent(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            gone.append(True)
            raise requests.ReadTimeout(request=asked)
        if gone and "/fhir/MedicationRequest" in str(asked.url):
            return answer(asked, outcome("Not now."), 500)
        return send(asked)

    wire.fault = silent
    return tab.press("Approve order", acknowledged="yes")


@dataclass(frozen=True)
class Told:
    """How one answer is provoked, under which code it is shown, what happened, what to do, what more the EHR said, and the status."""

    provoke: Callable[[Hospital], Page]
    code: str
    happened: str
    to_do: str
    more: str = ""
    status: int = 502


KEPT = "Your approval is kept."
MANY = {
    "resourceType": "OperationOutcome",
    "issue": [
        {"severity": "information", "code": "informational", "diagnostics": "A parameter was ignored."},
        {"severity": "error", "code": "required", "details": {"text": SECRET}, "expression": ["MedicationRequest.insurance"]},
    ],
}
ANSWERS = {
    "E-20 in its words": Told(
        lambda at: pressed(at, 422, MANY), "E-20", f"The EHR rejected the order: {SECRET} {KEPT}", "Nothing was stored. Correct what it names",
        f"error: {SECRET} At MedicationRequest.insurance",
    ),
    "E-20 by diagnostics": Told(
        lambda at: pressed(at, 400, outcome(diagnostics="HAPI-0450: no such code.")), "E-20",
        f"The EHR rejected the order: HAPI-0450: no such code. {KEPT}", "Correct what it names",
    ),
    "E-20 by a display": Told(
        lambda at: pressed(at, 422, outcome(coded="59100")), "E-20", f"The EHR rejected the order: Code 59100. {KEPT}", "Correct what it names"
    ),
    "E-21 to a read": Told(lambda at: opened(at, 401, b""), "E-12", "Your EHR session has ended.", "Launch again from the chart", status=401),
    "E-21 to a write": Told(
        lambda at: pressed(at, 401, b"", "/fhir", "/MedicationRequest"), "E-12", f"Your EHR session has ended. {KEPT}",
        "Launch again from the chart", status=401,
    ),
    "E-22": Told(
        lambda at: pressed(at, 403, outcome("Not authorized.", "4118")), "E-22",
        f"You, or this app, may not do this in the EHR: Not authorized. {KEPT}", "Use the order text by hand", status=403,
    ),
    "E-22 without words": Told(
        lambda at: pressed(at, 403, HTML, headers=HTML_TYPE), "E-22", f"may not do this in the EHR (status 403; it gave no details). {KEPT}",
        "Use the order text by hand", status=403,
    ),
    **{
        f"E-23 {code}": Told(
            lambda at, code=code: opened(at, 403, outcome("Break the glass.", code)), "E-23",  # type: ignore[misc]
            "This chart needs Break-the-Glass in the EHR.", "Break the glass in the EHR, then launch again.", "error: Break the glass.", 403,
        )
        for code in ("4130", "4131", "4134")
    },
    "E-23 in a success": Told(
        lambda at: opened(at, 200, outcome("Break the glass.", "4130")), "E-23", "This chart needs Break-the-Glass in the EHR.",
        "Break the glass in the EHR", status=403,
    ),
    "E-23 to a write": Told(
        lambda at: pressed(at, 403, outcome("Break the glass.", "4134")), "E-23", f"This chart needs Break-the-Glass in the EHR. {KEPT}",
        "Break the glass in the EHR", status=403,
    ),
    "E-24 to a read": Told(
        lambda at: opened(at, 410, outcome("Deleted.")), "E-24", "The EHR no longer has what was asked for: Deleted.", "Reload the page.",
        status=404,
    ),
    "E-24 to a write": Told(
        lambda at: pressed(at, 404, HTML, headers=HTML_TYPE), "E-24",
        f"The EHR does not store this kind of resource (status 404; it gave no details). {KEPT}", "by hand", status=404,
    ),
    "E-25 by 409": Told(
        lambda at: verified(at, 409), "E-25", "The order changed in the EHR since you opened it.", "Review the order as it is now",
        "error: Version 1 is not the newest.", 409,
    ),
    "E-25 by 412": Told(
        lambda at: verified(at, 412), "E-25", "The order changed in the EHR since you opened it.", "Review the order as it is now",
        "error: Version 1 is not the newest.", 409,
    ),
    "E-26": Told(
        lambda at: pressed(at, 412, outcome("Several match.")), "E-26", "The EHR holds more than one order of this run.",
        "Do not send it again; call support.", "error: Several match.", 409,
    ),
    "E-27": Told(
        lambda at: pressed(at, 429, b"slow down", headers={"Retry-After": "30", "Content-Type": "text/plain"}), "E-27",
        f"The EHR is busy. {KEPT}", "The EHR asks to wait 30 seconds; then try again.", status=503,
    ),
    "E-28": Told(
        lambda at: opened(at, 500, HTML, HTML_TYPE), "E-28", "The EHR could not answer (status 500).",
        "Try again; what could not be read is shown as not assessed.",
    ),
    "E-29": Told(
        lost, "E-29", "Outcome unknown", "Look for the order before anything is sent again; this app never resends blindly.", status=200
    ),
    "E-30 HTML": Told(
        lambda at: pressed(at, 400, HTML, headers=HTML_TYPE), "E-30", f"The EHR answered with status 400 and gave no details. {KEPT}",
        "Tell your administrator the reference number.",
    ),
    "E-30 empty": Told(
        lambda at: pressed(at, 422, b""), "E-30", f"The EHR answered with status 422 and gave no details. {KEPT}", "Tell your administrator"
    ),
    "E-30 text": Told(
        lambda at: pressed(at, 418, b"I am a teapot", headers={"Content-Type": "text/plain"}), "E-30",
        f"The EHR answered with status 418 and gave no details. {KEPT}", "Tell your administrator",
    ),
    "E-30 to a read": Told(
        lambda at: opened(at, 200, HTML, HTML_TYPE), "E-30", "The EHR answered with status 200, and not in FHIR.", "Tell your administrator"
    ),
    "E-31 to a write": Told(
        lambda at: pressed(at, 200, outcome("No room.")), "E-31",
        f"The EHR answered with an error instead of the resource: No room. {KEPT}", "Tell your administrator", "error: No room.",
    ),
    "E-31 to a read": Told(
        lambda at: opened(at, 200, outcome("No room.")), "E-31", "The EHR answered with an error instead of the resource",
        "Tell your administrator",
    ),
    "E-32 by 406": Told(
        lambda at: opened(at, 406, b""), "E-32", "The EHR and this app do not agree on a format.", "Tell your administrator"
    ),
    "E-32 by 415": Told(
        lambda at: pressed(at, 415, b""), "E-32", f"The EHR and this app do not agree on a format. {KEPT}", "Tell your administrator"
    ),
}  # fmt: skip


def test_every_error_of_a_fhir_server_is_in_the_table() -> None:
    assert {name[:4] for name in ANSWERS} == {f"E-{n}" for n in range(20, 33)}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_failed_answer_becomes_one_sentence_what_to_do_and_a_number_that_is_in_the_log(at: Hospital, log: io.StringIO, name: str) -> None:
    told = ANSWERS[name]
    page = told.provoke(at)
    text = page.text.replace("\u00a0", " ")
    assert page.status == told.status, text
    assert told.happened in text
    assert told.to_do in text
    assert told.more in text
    number = re.search(rf"Reference ([0-9A-Z]{{4}}-[0-9A-Z]{{4}}), {told.code}\b", text)
    assert number, text
    [line] = [e for e in map(json.loads, log.getvalue().splitlines()) if e.get("reference") == number[1]]
    assert (line["error_code"], line["event"]) == (told.code, "refused")
    assert line["level"] == ("error" if told.code == "E-32" else "warning")
    assert not re.search(r"IIS|Server Error|<script>alert|Traceback|site-packages|teapot|slow down", page.body)
    logged = log.getvalue()
    assert NAME not in logged
    assert MG not in logged
    assert SECRET not in logged


# What a later try may bring is tried by the next launch itself; what an EHR refused for good waits for a person.
SENT_AT_LAUNCH = ("E-21 to a write", "E-26", "E-27")
REFUSED = [n for n, told in ANSWERS.items() if KEPT in told.happened or n == "E-26"]


# A right that is missing is believed for an hour, and the order goes by hand; a type that is not taken, for longer than an approval lasts.
AN_HOUR = ("E-22", "E-22 without words")
BY_HAND = "E-24 to a write"


@pytest.mark.parametrize("name", AN_HOUR)
def test_what_an_ehr_forbids_goes_by_hand_until_the_hour_is_over(at: Hospital, name: str) -> None:
    ANSWERS[name].provoke(at)
    wired(at)
    assert "Send to the EHR" not in at.tab(MG).go("receipt").buttons
    at.clock.forward(minutes=60)
    assert "Send to the EHR" in at.tab(MG).page.buttons


def test_what_an_ehr_does_not_take_goes_by_hand(at: Hospital) -> None:
    ANSWERS[BY_HAND].provoke(at)
    wired(at)
    later = at.tab(MG)
    assert (later.json["state"], "Send to the EHR" in later.page.buttons, at.orders(MG)) == ("approved", False, [])


@pytest.mark.parametrize("name", [n for n in REFUSED if n != BY_HAND])
def test_after_a_refused_write_nothing_is_there_and_the_approval_stands(at: Hospital, name: str) -> None:
    ANSWERS[name].provoke(at)
    assert at.orders(MG) == []
    wired(at)
    at.clock.forward(minutes=60 if name in AN_HOUR else 0)
    later = at.tab(MG)
    if name not in SENT_AT_LAUNCH:
        assert at.orders(MG) == []
        assert later.json["state"] == "approved"
        later.press("Send to the EHR")
        assert "Stored as a draft" in later.page.text
    assert len(at.orders(MG)) == 1


def test_the_words_of_an_ehr_are_escaped_and_cut(at: Hospital) -> None:
    page = pressed(at, 422, outcome('<script>alert("x")</script>' + "x" * 400))
    assert "<script>alert" not in page.body
    assert "&lt;script&gt;alert" in page.body
    assert "x" * 290 not in page.body


def test_a_script_gets_the_code_and_every_line_that_the_ehr_said(at: Hospital) -> None:
    wire, tab = wired(at), ready(at)
    digest = tab.json["proposal"]["digest"]
    asked = [f["check"] for f in tab.json["proposal"]["findings"] if f["severity"] == "override"]
    body = {"digest": digest, "overrides": [{"check": c, "code": "9", "note": "Seen with the consultant."} for c in asked]}
    wire.fault = refuses(422, MANY, "/fhir")
    got = tab.post("approve", body)
    assert (got.status, got.json["error"]["code"], got.json["error"]["retry"]) == (502, "E-20", False)
    assert got.json["error"]["told"] == ["information: A parameter was ignored.", f"error: {SECRET} At MedicationRequest.insurance"]


def test_a_search_that_fails_is_not_assessed_and_hides_no_other(at: Hospital, log: io.StringIO) -> None:
    wire, tab = wired(at), at.tab(MG)
    wire.fault = refuses(503, HTML, "/AllergyIntolerance", method="GET", headers=HTML_TYPE)
    page = tab.go("./?fresh")
    assert page.status == 200
    assert "Allergies could not be read" in page.text
    reasons = {n["check"]: n["reason"] for n in tab.json["proposal"]["not_assessed"]}
    assert reasons["hypersensitivity.severe-reaction"] == "error"
    assert "Server Error" not in page.body


def test_a_chart_behind_the_glass_is_asked_for_once(at: Hospital) -> None:
    wire, tab = wired(at), at.tab(MG)
    wire.fault = refuses(403, outcome("Break the glass.", "4130"), f"/Patient/{MG}", method="GET")
    wire.sent.clear()
    tab.go("./?fresh")
    assert wire.count("GET", f"/Patient/{MG}") == 1


@pytest.mark.parametrize("code", ["4130", "4131", "4134"])
def test_a_part_of_the_chart_behind_the_glass_is_not_assessed_and_says_what_to_do(at: Hospital, code: str) -> None:
    wire, tab = wired(at), at.tab(MG)
    behind = {"resource": outcome("Restricted.", code, "warning"), "search": {"mode": "outcome"}}
    listed = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": [behind]}
    wire.fault = refuses(200, listed, "/AllergyIntolerance", method="GET")
    wire.sent.clear()
    page = tab.go("./?fresh")
    assert page.status == 200
    assert "This chart needs Break-the-Glass in the EHR. Break the glass in the EHR, then launch again." in page.text
    assert wire.count("GET", "/AllergyIntolerance") == 1
    found = tab.json["proposal"]
    reasons = {n["check"]: n["reason"] for n in found["not_assessed"]}
    assert reasons["hypersensitivity.severe-reaction"] == "not-permitted"
    assert "record.unreadable" in {f["check"] for f in found["findings"]}


def test_an_order_behind_the_glass_is_told_as_such_to_the_pharmacist(at: Hospital) -> None:
    at.tab(MG).approve()
    wire = wired(at)
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    behind = {"resource": outcome("Restricted.", "4134", "warning"), "search": {"mode": "outcome"}}
    wire.fault = refuses(200, {"resourceType": "Bundle", "type": "searchset", "entry": [behind]}, "/MedicationRequest", method="GET")
    page = pharmacist.go(f"{at.orders(MG)[0]['groupIdentifier']['value'].removeprefix('urn:uuid:')}/")
    assert (page.status, ", E-23" in page.text) == (403, True)
    assert "Break the glass in the EHR, then launch again." in page.text
    assert "warning: Restricted." in page.text
