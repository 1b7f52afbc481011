"""Every error of a launch as its page: what happened, what to do, a reference number that stands in the log, and nothing else."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from an_ehr_server import Send, Wire
from attacks.a_bend import bend, instead
from journey.a_hospital import APP, EHR, ISS, Hospital, Page, Tab

from ivig_fhir import observe

CIDP = "cidp-adult"
TOKEN = "/auth/token"


@pytest.fixture
def log(at: Hospital) -> io.StringIO:
    """What the app logs from here on."""
    stream = io.StringIO()
    observe.configure("INFO", stream)
    return stream


def launched(at: Hospital, **asked: str) -> Page:
    """The EHR's button, and where it ends."""
    return at.tab(CIDP, **asked).page


def called_back(at: Hospital, **answered: str) -> Page:
    """A launch up to the EHR, and the answer that an authorization server could give instead of a code."""
    browser = at.browser()
    browser.send("GET", f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
    away = browser.send("GET", f"{APP}/launch/go?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
    state = parse_qs(urlsplit(away.headers["Location"]).query)["state"][0]
    return browser.get(f"{APP}/callback?{urlencode({'state': state, **answered})}")


def e01(at: Hospital, wire: Wire) -> Page:
    return at.browser().get(f"{APP}/launch")


def e02(at: Hospital, wire: Wire) -> Page:
    return at.browser().get(f"{APP}/launch?{urlencode({'iss': 'https://unknown.example/fhir', 'launch': 'x'})}")


def e03(at: Hospital, wire: Wire) -> Page:
    bend(wire, "smart-configuration", lambda d: {**d, "code_challenge_methods_supported": ["plain"]})
    return launched(at)


def e04(at: Hospital, wire: Wire) -> Page:
    return called_back(at, error="access_denied")


def e05(at: Hospital, wire: Wire) -> Page:
    return at.browser().get(f"{APP}/callback?code=x&state=never")


def e06(at: Hospital, wire: Wire) -> Page:
    instead(wire, TOKEN, {"error": "invalid_client"}, 401)
    return launched(at)


def e07(at: Hospital, wire: Wire) -> Page:
    return at.browser().get(f"{APP}/launch/go?{urlencode({'iss': ISS, 'launch': 'x'})}")


def e08(at: Hospital, wire: Wire) -> Page:
    bend(wire, TOKEN, lambda d: {**d, "scope": "openid fhirUser patient/Observation.rs"})
    return launched(at)


def e09(at: Hospital, wire: Wire) -> Page:
    return at.browser().get(f"{EHR}/ehr/launch?user=prescriber")


def e10(at: Hospital, wire: Wire) -> Page:
    bend(wire, TOKEN, lambda d: {**d, "id_token": d["id_token"][:-8] + "AAAAAAAA"})
    return launched(at)


def e11(at: Hospital, wire: Wire) -> Page:
    return launched(at, user="stranger")


def e12(at: Hospital, wire: Wire) -> Page:
    tab = at.tab(CIDP)
    at.clock.forward(minutes=31)
    return tab.go("./")


def e13(at: Hospital, wire: Wire) -> Page:
    tab = at.tab(CIDP)
    tab.give_reasons()
    bend(wire, f"/fhir/Patient/{CIDP}", lambda d: {**d, "id": "mg-crisis-ckd"})
    page = tab.press("Approve order", acknowledged="yes")
    assert at.orders(CIDP) == at.orders("mg-crisis-ckd") == []
    return page


@dataclass(frozen=True)
class Told:
    """How one error is provoked, its status, what happened and what to do."""

    provoke: Callable[[Hospital, Wire], Page]
    status: int
    happened: str
    to_do: str


CHART = "Start IVIG Orders again from the patient's chart."
ERRORS = {
    "E-01": Told(e01, 400, "This page is opened by the EHR.", CHART),
    "E-02": Told(e02, 400, "This EHR (unknown.example) is not set up for IVIG Orders.", "Ask your administrator to register it."),
    "E-03": Told(e03, 502, "The EHR's sign-in service could not be read.", "Try again in a minute"),
    "E-04": Told(e04, 400, "Sign-in was cancelled.", CHART),
    "E-05": Told(e05, 400, "This sign-in was not started in this window or took too long.", CHART),
    "E-06": Told(e06, 502, "The EHR did not complete sign-in.", "Ask your administrator to check this app's client id"),
    "E-07": Told(e07, 200, "Your browser blocked the cookie this app needs inside the EHR frame.", "Open IVIG Orders in a new window."),
    "E-08": Told(e08, 403, "You are signed in, but the EHR gave no access to this patient's data.", "Ask your administrator which data"),
    "E-09": Told(e09, 400, "No patient is selected.", "Open a chart and start again."),
    "E-10": Told(e10, 403, "Your identity could not be verified. No data was changed.", CHART),
    "E-11": Told(e11, 403, "You are signed in, but have no role in ordering immunoglobulin.", "Ask a prescriber to open this order."),
    "E-12": Told(e12, 401, "Your EHR session has ended. Your draft is kept.", "Launch again from the chart to continue."),
    "E-13": Told(e13, 409, "The chart changed to another patient. This proposal was not sent.", CHART),
}


@pytest.mark.parametrize("code", ERRORS)
def test_the_page_of_an_error_says_what_happened_what_to_do_and_a_number_that_is_in_the_log(
    at: Hospital, wire: Wire, log: io.StringIO, code: str
) -> None:
    told = ERRORS[code]
    page = told.provoke(at, wire)
    assert page.status == told.status, page.text
    assert told.happened in page.text
    assert told.to_do in page.text
    assert "Nothing was sent or changed." in page.text
    number = re.search(rf"Reference ([0-9A-Z]{{4}}-[0-9A-Z]{{4}}), {code}$", page.text)
    assert number, page.text
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(e["error_code"], e["event"]) for e in lines if e.get("reference") == number[1]] == [(code, "refused")]
    assert "SAMPLETON" not in page.body.upper()
    assert not re.search(r"Traceback|File &#34;|\.py|site-packages", page.body)


@pytest.mark.parametrize("code", ERRORS)
def test_a_script_gets_the_same_error_as_json(at: Hospital, wire: Wire, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ERRORS[code].provoke(at, wire).text
    assert said
    if code in ("E-01", "E-02", "E-05", "E-07"):
        path = {
            "E-01": "/launch",
            "E-02": "/launch?iss=https://unknown.example/fhir",
            "E-05": "/callback?state=x",
            "E-07": f"/launch/go?iss={ISS}",
        }
        page = at.browser().get(APP + path[code], headers={"Accept": "application/json"})
        assert (page.status, page.json["error"]["code"]) == (ERRORS[code].status, code)
        assert page.json["error"]["message"] in said


REFUSALS = {
    "access_denied": "Sign-in was cancelled.",
    "invalid_scope": "The EHR does not allow the data this app asks for.",
    "unauthorized_client": "This app is not approved in this EHR.",
    "invalid_client": "This app is not approved in this EHR.",
    "invalid_request": "The EHR rejected the launch.",
    "temporarily_unavailable": "The EHR's sign-in service is busy.",
    "server_error": "The EHR's sign-in service had an error.",
    "login_required": "The EHR asks you to sign in again.",
    "interaction_required": "The EHR asks you to sign in again.",
    "made_up": "The EHR refused the sign-in (made_up).",
}


@pytest.mark.parametrize("error", REFUSALS)
def test_each_refusal_of_an_authorization_server_has_its_sentence(at: Hospital, error: str) -> None:
    page = called_back(at, error=error, error_description="<b>because</b> " + "x" * 500)
    assert (page.status, REFUSALS[error] in page.text) == (400, True)
    assert "<b>because" not in page.body
    assert "&lt;b&gt;because" in page.body
    assert "x" * 201 not in page.body


def test_the_scopes_that_an_ehr_does_not_allow_are_in_the_administrators_log(at: Hospital, log: io.StringIO) -> None:
    called_back(at, error="access_denied")
    called_back(at, error="invalid_scope")
    told = [line for line in map(json.loads, log.getvalue().splitlines()) if line["event"] == "launch.scopes_refused"]
    assert len(told) == 1
    assert {"launch", "openid", "fhirUser", "patient/MedicationRequest.crus"} <= set(told[0]["asked_scopes"].split())


# ── Where an error page leads on to ──────────────────────────────────────────────────────────────────────────────────


def test_a_page_that_was_opened_without_an_ehr_leads_to_what_the_app_is(at: Hospital, wire: Wire) -> None:
    tab = Tab(at.browser(), e01(at, wire))
    tab.follow("What this app is")
    assert "choose a patient" in tab.page.text


def test_a_sign_in_service_that_could_not_be_read_is_tried_again_with_the_same_launch(at: Hospital, wire: Wire) -> None:
    tab = at.tab(CIDP)
    instead(wire, "smart-configuration", b"<html>", 503)
    at.clock.forward(minutes=11)
    tab = Tab(tab.browser, tab.browser.launch(CIDP).page)
    assert (tab.page.status, "E-03" in tab.page.text) == (502, True)
    wire.fault = None
    assert "SAMPLETON" in tab.follow("Try again").text


@pytest.mark.parametrize("code", [c for c in ERRORS if c not in ("E-01", "E-03", "E-07")])
def test_no_other_error_page_leads_anywhere(at: Hospital, wire: Wire, code: str) -> None:
    page = ERRORS[code].provoke(at, wire)
    assert [href for _, href in page.forms.links if href != "#main"] == []


# ── What an error page may claim ─────────────────────────────────────────────────────────────────────────────────────


def lost_after_storing(asked: requests.PreparedRequest, send: Send) -> requests.Response:
    """Stores what is written and answers nothing; nothing can be looked for either."""
    if asked.method in ("POST", "PUT") and "/fhir" in str(asked.url):
        send(asked)
        raise requests.ReadTimeout(request=asked)
    raise requests.ConnectTimeout(request=asked)


def test_a_decision_of_unknown_fate_is_never_said_to_have_changed_nothing(at: Hospital, wire: Wire) -> None:
    at.tab(CIDP).approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")

    def cut(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            wire.fault = lost_after_storing
            return lost_after_storing(asked, send)
        return send(asked)

    wire.fault = cut
    pharmacist.press("Verify")
    assert "E-29" in pharmacist.page.text
    assert "Nothing was sent or changed." not in pharmacist.page.text
    assert "Check the order in the EHR before anything is sent again." in pharmacist.page.text


def test_a_fault_of_our_own_after_a_press_does_not_claim_that_nothing_happened(
    at: Hospital, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = at.tab(CIDP)
    tab.give_reasons()

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("SAMPLETON, Edwin had a token eyJhbGciOi")

    monkeypatch.setattr("ivig_fhir.web.order_pages.send_order", broken)
    page = tab.press("Approve order", acknowledged="yes")
    assert (page.status, "Something went wrong in IVIG Orders." in page.text) == (500, True)
    assert "Nothing was sent or changed." not in page.text
    assert "look at the order before you try again" in page.text
    number = re.search(r"Reference ([0-9A-Z-]{9}), E-00", page.text)
    assert number
    [line] = [json.loads(x) for x in log.getvalue().splitlines() if json.loads(x)["event"] == "unforeseen"]
    assert (line["error"], line["reference"]) == ("RuntimeError", number[1])
    assert "SAMPLETON" not in page.body + log.getvalue()
    assert "eyJ" not in page.body + log.getvalue()
