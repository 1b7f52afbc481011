"""Bad input on the whole path: one clear sentence, a reference number, the right status, no trace, nothing written, nothing lost."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import EHR, Hospital, Page, Tab

from ivig_fhir.sandbox.adapter import SandboxAdapter

CIDP = "cidp-adult"


def told(page: Page, status: int, code: str, said: str) -> None:
    """A script's error: a sentence, a remedy, a reference number; no trace."""
    assert page.status == status, page.text[:300]
    error = page.json["error"]
    assert error["code"] == code
    assert said in error["message"]
    assert error["message"].endswith((".", "?")) and error["remedy"]
    assert re.fullmatch(r"[A-Z0-9-]{6,}", error["reference"])
    assert "Traceback" not in page.body


def unharmed(at: Hospital, tab: Tab, before: Any) -> None:
    """Nothing was written, and the draft is as it was, in this session and after a new launch."""
    assert at.held("Task", CIDP) == []
    assert at.orders(CIDP) == []
    assert tab.json["proposal"] == before
    later = at.tab(CIDP)
    assert (later.run, later.json["proposal"]["digest"]) == (tab.run, before["digest"])


@pytest.fixture
def tab(at: Hospital) -> Tab:
    """A draft with a choice of the prescriber's in it."""
    made = at.tab(CIDP)
    made.press("Recalculate", per_kg="1.5")
    return made


def raw(tab: Tab, where: str, body: bytes, content_type: str = "application/json") -> Page:
    """Bytes as they are, with the token of the page."""
    headers = {"X-CSRF-Token": tab.json["csrf"], "Accept": "application/json"}
    return tab.browser.send("POST", urljoin(tab.page.url, where), data=body, content_type=content_type, headers=headers)


@pytest.mark.parametrize("where", ["propose", "approve"])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "What was sent is not JSON."),
        (b"\xff\xfe", "What was sent is not JSON."),
        (b"", "What was sent is not JSON."),
        (b"[]", "What was sent is not a JSON object."),
        (b'"text"', "What was sent is not a JSON object."),
        (b"[" * 100_000, "What was sent is not JSON."),
    ],
)
def test_malformed_json_is_refused(at: Hospital, tab: Tab, where: str, body: bytes, said: str) -> None:
    before = tab.json["proposal"]
    told(raw(tab, where, body), 400, "E-44", said)
    unharmed(at, tab, before)


@pytest.mark.parametrize(
    "chosen",
    [
        {"indication": "gout"},
        {"product": "elixir"},
        {"regimen": "mg-acute"},
        {"indikation": "cidp"},
        {"dose": {"per_kg": "two", "unit": "g/kg"}},
        {"dose": {"per_kg": "-2", "unit": "g/kg"}},
        {"dose": {"per_kg": "2", "unit": "mg/kg"}},
        {"dose": {"per_kg": 2.5, "unit": "g/kg"}, "days": "many"},
        {"days": 0},
        {"days": 10_000},
        {"start": "yesterday"},
        {"weight": {"policy": "by-eye"}},
        {"weight": {"dosing_kg": "NaN"}},
        {"rate": {"ladder": "rocket"}},
        {"overrides": [{"check": "no.such-check", "code": "9", "note": "x"}]},
        {"overrides": "all"},
        {"companions": ["not-one"]},
        {"run": "urn:uuid:00000000-0000-4000-8000-000000000000", "dates": ["2026-02-30"]},
    ],
    ids=lambda chosen: json.dumps(chosen)[:40],
)
def test_an_unknown_key_or_an_impossible_choice_is_refused_by_name(at: Hospital, tab: Tab, chosen: dict[str, Any]) -> None:
    before = tab.json["proposal"]
    told(tab.post("propose", chosen), 400, "E-42", "")
    unharmed(at, tab, before)


@pytest.mark.parametrize(
    ("field", "value"), [("per_kg", "two"), ("days", "a week"), ("start", "soon"), ("dosing_kg", "heavy"), ("policy", "by-eye")]
)
def test_a_form_with_a_choice_that_cannot_be_used_is_refused_and_the_draft_stays(at: Hospital, tab: Tab, field: str, value: str) -> None:
    before, review = tab.json["proposal"], tab.page
    tab.press("Recalculate", **{field: value})
    assert tab.page.status == 400
    assert "Traceback" not in tab.page.body
    tab.page = review
    unharmed(at, tab, before)


def test_a_request_that_is_too_large_is_refused(at: Hospital, tab: Tab) -> None:
    before = tab.json["proposal"]
    told(raw(tab, "propose", b'{"x": "' + b"a" * 1_100_000 + b'"}'), 413, "E-44", "too large")
    unharmed(at, tab, before)


def test_a_run_that_is_none_and_a_page_that_is_none_are_not_found(at: Hospital, tab: Tab) -> None:
    for path in ("../none/", "../../elsewhere/", "../00000000-0000-4000-8000-000000000000/receipt", "../%2e%2e/x"):
        page = tab.browser.get(urljoin(tab.page.url, path))
        assert (page.status, bool(re.search(r"Reference [A-Z0-9-]+, E-52", page.text))) == (404, True)


@pytest.mark.parametrize("body", [{}, {"digest": ""}, {"digest": 7}, {"digest": None}, {"digest": "sha256:" + "0" * 64}])
def test_an_approval_that_names_no_page_or_another_one_is_refused(at: Hospital, body: dict[str, Any]) -> None:
    tab = at.tab(CIDP)
    before = tab.json["proposal"]
    told(tab.post("approve", body), 409, "E-53", "The proposal is not the one that was on screen.")
    unharmed(at, tab, before)


# ── Answers of the EHR that are none ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def wire(at: Hospital) -> Wire:
    """The wire between app and EHR, which a test can bend."""
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


def instead(wire: Wire, path: str, body: bytes | None = None, status: int = 200, change: Any = None) -> None:
    """Answers one path with a body of the test's, or changes the JSON that the EHR answers."""

    def bend(asked: requests.PreparedRequest, send: Any) -> requests.Response:
        answer = send(asked)
        if f"/fhir/{path}" in str(asked.url) and asked.method == "GET":
            answer._content = body if body is not None else json.dumps(change(answer.json())).encode()
            answer.status_code, answer._content_consumed = status, True
        return answer

    wire.fault = bend


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"<html>Sign in</html>", 200),
        (b"{", 200),
        (b'{"resourceType": "Observation", "id": "x"}', 200),
        (b'{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}', 500),
        (b"", 200),
    ],
)
def test_allergies_that_come_back_as_something_else_are_not_read_as_none(at: Hospital, wire: Wire, body: bytes, status: int) -> None:
    instead(wire, "AllergyIntolerance", body, status)
    tab = at.tab(CIDP)
    assert tab.page.status == 200
    assert "could not be read" in tab.page.text
    proposal = tab.json["proposal"]
    assert "record.unreadable" in {f["check"] for f in proposal["findings"]}
    assert "hypersensitivity.severe-reaction" in {n["check"] for n in proposal["not_assessed"]}


@pytest.mark.parametrize(
    "body", [b"{", b"<html>", b'{"resourceType": "Observation", "id": "cidp-adult"}', b'{"resourceType": "Patient", "id": "another"}']
)
def test_a_patient_that_comes_back_as_something_else_opens_no_chart(at: Hospital, wire: Wire, body: bytes) -> None:
    instead(wire, f"Patient/{CIDP}", body)
    page = at.tab(CIDP).page
    assert page.status >= 400
    assert re.search(r"Reference [A-Z0-9-]+, E-\d\d", page.text)
    assert "Traceback" not in page.body
    assert at.orders(CIDP) == []


def test_another_patients_weight_in_a_search_is_named_and_never_used(at: Hospital, wire: Wire) -> None:
    def swap(bundle: Any) -> Any:
        for entry in bundle.get("entry", []):
            if entry["resource"]["resourceType"] == "Observation" and entry["resource"]["id"] == "cidp-adult-obs-1":
                entry["resource"]["subject"] = {"reference": "Patient/mg-crisis-ckd"}
        return bundle

    instead(wire, "Observation", change=swap)
    tab = at.tab(CIDP)
    proposal = tab.json["proposal"]
    assert (proposal["weight"]["actual_kg"], proposal["weight"]["source"]) == ("81.2", "Observation/cidp-adult-obs-2")
    assert "another patient" in tab.page.text.lower()


def test_an_ehr_that_is_away_is_said_and_the_draft_is_there_when_it_is_back(at: Hospital, wire: Wire) -> None:
    tab = at.tab(CIDP)
    tab.press("Recalculate", per_kg="1.5")
    before = tab.json["proposal"]

    def away(asked: requests.PreparedRequest, send: Any) -> requests.Response:
        raise requests.ConnectTimeout(request=asked)

    wire.fault = away
    page = tab.browser.get(f"{tab.page.url}?fresh")
    assert (page.status, "The EHR could not be reached." in page.text) == (502, True)
    wire.fault = None
    unharmed(at, tab, before)
