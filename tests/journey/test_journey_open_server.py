"""An open development server without sign-in: pick a patient, order, verify; every page says that nobody signed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from journey.a_hospital import APP, EHR, ISS, ROOT, Hospital, Tab, hospital
from requests.adapters import BaseAdapter

from ivig_fhir.errors import SettingsError
from ivig_fhir.sandbox.adapter import SandboxAdapter

CIDP = "cidp-adult"
SAYS = "Nobody signed in: Open server is an open development server."
ENTRY = f"""
[[issuer]]
iss = "{ISS}"
name = "Open server"
profile = "sandbox"
[issuer.development]
prescriber = {{ reference = "Practitioner/ivig-test-prescriber", display = "Test Prescriber" }}
pharmacist = {{ reference = "Practitioner/ivig-test-pharmacist", display = "Test Pharmacist" }}
"""


class OpenDoor(BaseAdapter):
    """A server that lets everybody in: whoever brings no token gets one at the door."""

    def __init__(self, at: Hospital) -> None:
        super().__init__()
        self.inner = SandboxAdapter(at.ehr)
        self.token = at.token()
        self.asked: list[requests.PreparedRequest] = []
        self.shut = False

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        assert "Authorization" not in request.headers
        self.asked.append(request)
        if self.shut:
            raise requests.ConnectTimeout
        request.headers["Authorization"] = f"Bearer {self.token}"
        return self.inner.send(request, *args, **kwargs)

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Hospital]:
    table = tmp_path / "issuers.toml"
    table.write_text(ENTRY, encoding="utf-8")
    with hospital(tmp_path, issuers=table) as made:
        yield made


@pytest.fixture
def door(at: Hospital) -> OpenDoor:
    made = OpenDoor(at)
    at.http.mount(EHR, made)
    return made


def start(at: Hospital) -> Tab:
    browser = at.browser()
    return Tab(browser, browser.get(f"{APP}/"))


def test_a_patient_is_picked_and_the_order_goes_as_far_as_its_verification(at: Hospital, door: OpenDoor) -> None:
    tab = start(at)
    tab.follow("choose a patient")
    assert "Choose a patient" in tab.page.text
    tab.follow("SAMPLETON, Edwin")
    assert tab.page.url.startswith(f"{APP}/s/")
    tab.approve()
    assert "Stored as a draft" in tab.page.text
    [order] = at.orders(CIDP)
    assert (order["status"], order["requester"]["reference"]) == ("draft", "Practitioner/ivig-test-prescriber")
    pharmacist = start(at)
    pharmacist.follow("pharmacy worklist")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    assert [o["status"] for o in at.orders(CIDP)] == ["active"]


def test_every_page_says_that_nobody_signed_in(at: Hospital, door: OpenDoor) -> None:
    tab = start(at)
    assert "For development: no sign-in at Open server." in tab.page.text
    for step in (lambda: tab.follow("choose a patient"), lambda: tab.follow("SAMPLETON, Edwin"), tab.give_reasons, tab.approve):
        step()
        assert SAYS in tab.page.text, tab.page.url
    pharmacist = start(at)
    for words in ("pharmacy worklist", "SAMPLETON"):
        pharmacist.follow(words)
        assert SAYS in pharmacist.page.text
    pharmacist.press("Verify")
    assert SAYS in pharmacist.page.text
    assert SAYS in pharmacist.follow("Infusion sheet").text
    assert "no sign-in at Open server" in at.browser().get(f"{APP}/launch").text  # an error page, too


def test_the_picker_searches_by_name(at: Hospital, door: OpenDoor) -> None:
    tab = start(at)
    tab.follow("choose a patient")
    tab.press("Search", name="Placehold")
    found = [words for words, href in tab.page.forms.links if "patient=" in href]
    assert len(found) == 1
    assert "PLACEHOLD" in found[0]
    assert door.asked[-1].headers["Cache-Control"] == "no-cache"  # a patient loaded a moment ago must be in the list
    tab.press("Search", name="Nobody-of-this-name")
    assert "No patient was found." in tab.page.text


def test_a_server_that_does_not_answer_is_no_server_without_patients(at: Hospital, door: OpenDoor) -> None:
    tab = start(at)
    door.shut = True
    tab.follow("choose a patient")
    assert "Patient could not be read." in tab.page.text
    assert "No patient was found." not in tab.page.text


def test_looking_makes_no_test_user_and_signing_makes_each_once(at: Hospital, door: OpenDoor) -> None:
    def made() -> list[str]:
        return [str(r.url) for r in door.asked if r.method == "PUT"]

    tab = at.browser()
    prescriber = Tab(tab, tab.get(f"{APP}/launch?{urlencode({'iss': ISS, 'patient': CIDP})}"))
    prescriber.give_reasons()
    assert made() == []
    prescriber.approve()
    assert made() == [f"{ISS}/Practitioner/ivig-test-prescriber"]
    other = at.browser()
    again = Tab(other, other.get(f"{APP}/launch?{urlencode({'iss': ISS, 'patient': 'mg-crisis-ckd'})}"))
    again.press("Recalculate", per_kg="1")
    again.approve()
    assert made() == [f"{ISS}/Practitioner/ivig-test-prescriber"]
    assert len(at.orders("mg-crisis-ckd")) == 1


def test_a_production_installation_has_no_open_server(tmp_path: Path) -> None:
    table = tmp_path / "issuers.toml"
    table.write_text(ENTRY, encoding="utf-8")
    with (
        pytest.raises(SettingsError) as refused,
        hospital(tmp_path, issuers=table, IVIG_ENVIRONMENT="production", IVIG_BASE_URL="https://ivig.example.org"),
    ):
        pass
    assert "open development server" in refused.value.message


def test_the_shipped_table_has_no_open_server_of_its_own(tmp_path: Path) -> None:
    assert not [
        line for line in (ROOT / "issuers.toml").read_text(encoding="utf-8").splitlines() if line.startswith("[issuer.development]")
    ]
