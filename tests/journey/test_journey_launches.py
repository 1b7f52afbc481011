"""Ways in: standalone with a patient picker, public and secret clients, scopes of version 1 and 2, and everything that is no launch."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from journey.a_hospital import APP, EHR, ISS, ROOT, Hospital, Page, Tab, hospital

CIDP = "cidp-adult"
SECRET = "sandbox-demonstration-secret"
REFERENCE = re.compile(r"Reference [A-Z0-9]{4,}-?[A-Z0-9]*, (E-\d\d)")


def table(folder: Path, *changes: tuple[str, str]) -> Path:
    """The issuer table of the demo with changes."""
    text = (ROOT / "issuers.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "issuers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(page: Page, status: int, code: str, said: str) -> None:
    """One clear sentence, a reference number, the right status, no trace."""
    assert page.status == status
    found = REFERENCE.search(page.text)
    assert found, page.text
    assert found[1] == code
    assert said in page.text
    assert "Traceback" not in page.body
    assert 'File "' not in page.body


# ── Ways in ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@166")
def test_a_standalone_launch_signs_in_picks_a_patient_and_goes_as_far_as_a_verified_order(at: Hospital) -> None:
    tab = Tab(at.browser(), at.browser().get(f"{APP}/"))
    tab.follow("choose a patient")
    assert "Who are you?" in tab.page.text
    tab.press("Sign in", user="prescriber")
    assert "Choose a patient" in tab.page.text
    tab.press("SAMPLETON, Edwin")
    assert tab.page.url.startswith(f"{APP}/s/")
    assert "SYN-0412" in tab.page.text
    tab.approve()
    pharmacist = Tab(at.browser(), at.browser().get(f"{APP}/"))
    pharmacist.follow("pharmacy worklist")
    pharmacist.press("Sign in", user="pharmacist")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    assert [o["status"] for o in at.orders(CIDP)] == ["active"]


@pytest.mark.parametrize("where", ["sign-in", "picker"])
def test_a_standalone_launch_that_is_cancelled_says_so(at: Hospital, where: str) -> None:
    tab = Tab(at.browser(), at.browser().get(f"{APP}/"))
    tab.follow("choose a patient")
    if where == "picker":
        tab.press("Sign in", user="prescriber")
    tab.press("Cancel")
    refused(tab.page, 400, "E-04", "Sign-in was cancelled.")


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@23", "@64", "@66", "@343")
def test_a_client_with_a_secret_proves_itself_by_basic_and_one_with_a_wrong_secret_is_refused(tmp_path: Path) -> None:
    confidential = table(
        tmp_path,
        ('client_id = "ivig-fhir"', 'client_id = "ivig-fhir-confidential"\nclient_secret = "IVIG_CLIENT_SECRET_SANDBOX"'),
        ('auth = "public"', 'auth = "basic"'),
    )
    with hospital(tmp_path, issuers=confidential, IVIG_CLIENT_SECRET_SANDBOX=SECRET) as at:
        at.tab(CIDP).approve()
        assert len(at.orders(CIDP)) == 1
    (tmp_path / "wrong").mkdir()
    with hospital(tmp_path / "wrong", issuers=confidential, IVIG_CLIENT_SECRET_SANDBOX="guessed") as at:
        refused(at.tab(CIDP).page, 502, "E-06", "The EHR did not complete sign-in.")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_scopes_of_either_version_carry_an_order_to_its_verification(tmp_path: Path, version: str) -> None:
    chosen = table(tmp_path, ('profile = "generic"', f'profile = "generic"\nscope_version = "{version}"'))
    with hospital(tmp_path, issuers=chosen) as at:
        at.tab(CIDP).approve()
        pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
        pharmacist.follow("SAMPLETON")
        pharmacist.press("Verify")
        assert [o["status"] for o in at.orders(CIDP)] == ["active"]


@pytest.mark.parametrize(("version", "form"), [("v1", "patient/Observation.read"), ("v2", "patient/Observation.rs")])
def test_the_version_that_is_asked_is_the_version_that_is_sent(tmp_path: Path, version: str, form: str) -> None:
    chosen = table(tmp_path, ('profile = "generic"', f'profile = "generic"\nscope_version = "{version}"'))
    with hospital(tmp_path, issuers=chosen) as at:
        browser = at.browser()
        browser.send("GET", f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
        away = browser.send("GET", f"{APP}/launch/go?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
        assert form in parse_qs(urlsplit(away.headers["Location"]).query)["scope"][0].split()


# ── What is no launch ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_launch_without_an_ehr_is_refused(at: Hospital) -> None:
    refused(at.browser().get(f"{APP}/launch"), 400, "E-01", "This page is opened by the EHR.")


@pytest.mark.parametrize("iss", ["https://ehr.example.org/fhir", f"{ISS}/", "http://127.0.0.1:5001/other", "javascript:alert(1)"])
def test_an_ehr_that_is_not_in_the_table_is_refused_before_any_request_leaves(at: Hospital, iss: str) -> None:
    asked: list[str] = []
    at.http.hooks["response"].append(lambda answer, **_: asked.append(answer.url))
    for path in ("/launch", "/launch/pharmacy", "/launch/go", "/launch/pharmacy/go"):
        browser = at.browser()
        browser.launch(CIDP)
        asked.clear()
        refused(browser.get(f"{APP}{path}?{urlencode({'iss': iss, 'launch': 'x'})}"), 400, "E-02", "is not set up for IVIG Orders.")
        assert asked == []


def test_a_launch_parameter_that_the_ehr_does_not_know_is_refused(at: Hospital) -> None:
    page = at.browser().get(f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'never-issued'})}")
    refused(page, 400, "E-04", "The EHR rejected the launch")


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@4", "@60")
@pytest.mark.parametrize("asked", [{"code": "x"}, {"code": "x", "state": "never"}, {"error": "access_denied", "state": "never"}, {}])
def test_a_callback_with_a_bad_state_is_refused_and_no_token_is_asked(at: Hospital, asked: dict[str, str]) -> None:
    browser = at.browser()
    browser.launch(CIDP)
    calls: list[str] = []
    at.http.hooks["response"].append(lambda answer, **_: calls.append(answer.url))
    refused(browser.get(f"{APP}/callback?{urlencode(asked)}"), 400, "E-05", "This sign-in was not started in this window or took too long.")
    assert calls == []


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@39", "@61")
def test_a_callback_that_was_used_or_belongs_to_another_browser_opens_nothing(at: Hospital) -> None:
    browser = at.browser()
    url = f"{EHR}/ehr/launch?{urlencode({'patient': CIDP, 'user': 'prescriber'})}"
    for _ in range(8):  # up to the callback, step by step
        page = browser.send("GET", url, follow=False)
        url = page.headers["Location"] if page.headers["Location"].startswith("http") else APP + page.headers["Location"]
        if "/callback" in url:
            break
    stolen = at.browser()
    stolen.launch("mg-crisis-ckd")
    refused(stolen.get(url), 400, "E-05", "This sign-in was not started in this window")
    refused(browser.get(url), 400, "E-05", "This sign-in was not started in this window")


def test_a_callback_after_ten_minutes_is_too_late(at: Hospital) -> None:
    browser = at.browser()
    browser.send("GET", f"{APP}/launch?{urlencode({'iss': ISS})}", follow=False)
    away = browser.send("GET", f"{APP}/launch/go?{urlencode({'iss': ISS})}", follow=False)
    state = parse_qs(urlsplit(away.headers["Location"]).query)["state"][0]
    at.clock.forward(minutes=10, seconds=1)
    refused(browser.get(f"{APP}/callback?{urlencode({'state': state, 'code': 'x'})}"), 400, "E-05", "took too long")


def test_an_order_launch_without_a_patient_is_refused_and_the_worklist_needs_none(at: Hospital) -> None:
    browser = at.browser()
    refused(browser.get(f"{EHR}/ehr/launch?user=prescriber"), 400, "E-09", "No patient is selected.")
    assert browser.get(f"{EHR}/ehr/launch?user=pharmacist&target=pharmacy").status == 200


def test_a_frame_that_may_have_no_cookie_is_told_and_offered_a_window_of_its_own(at: Hospital) -> None:
    page = at.browser().get(f"{APP}/launch/go?{urlencode({'iss': ISS, 'launch': 'kept'})}")
    refused(page, 200, "E-07", "Your browser blocked the cookie")
    [(words, href)] = [link for link in page.forms.links if "new window" in link[0]]
    assert (words, href) == ("Open in a new window", f"/launch?{urlencode({'iss': ISS, 'launch': 'kept'})}")


def test_a_launch_asks_for_the_scope_that_this_kind_of_server_wants_beside_smarts_own(tmp_path: Path) -> None:
    issuers = table(tmp_path, ('profile = "generic"', 'profile = "openemr"'))
    with hospital(tmp_path, issuers=issuers) as at:
        browser, called = at.browser(), urlencode({"iss": ISS, "launch": "x"})
        browser.send("GET", f"{APP}/launch?{called}", follow=False)
        sent = browser.send("GET", f"{APP}/launch/go?{called}", follow=False)
        asked = parse_qs(urlsplit(sent.headers["Location"]).query)["scope"][0].split()
    assert asked[-1] == "api:fhir"
    assert "patient/Patient.r" in asked
