"""Sign-ins, forms and frames that somebody else prepared: a fixed state, a swapped issuer, a replayed code, a foreign form, a covered button."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
from an_ehr_server import Wire
from journey.a_hospital import APP, EHR, ISS, ROOT, Browser, Hospital, Page, hospital

CIDP, MG = "cidp-adult", "mg-crisis-ckd"
ROLES = (ROOT / "issuers.toml").read_text(encoding="utf-8").partition("\n[roles]\n")[2].partition("\n\n")[0]
SECOND = "https://second.example/fhir"


def entry(iss: str, framed: str) -> str:
    return f'[[issuer]]\niss = "{iss}"\nname = "EHR {framed}"\nclient_id = "ivig-fhir"\nauth = "public"\nframe_ancestors = ["{framed}"]\n'


def two_ehrs(folder: Path) -> Path:
    """An issuer table with two EHRs, each with a frame of its own."""
    path = folder / "issuers.toml"
    text = f"[roles]\n{ROLES}\n{entry(ISS, 'https://one.example')}{entry(SECOND, 'https://two.example')}"
    path.write_text(text, encoding="utf-8")
    return path


def up_to_the_callback(browser: Browser, patient: str = CIDP) -> str:
    """A launch, step by step, and the address that the EHR sends the browser back to."""
    url = f"{EHR}/ehr/launch?{urlencode({'patient': patient, 'user': 'prescriber'})}"
    for _ in range(8):
        page = browser.send("GET", url, follow=False)
        url = urljoin(url, page.headers["Location"])
        if "/callback" in url:
            return url
    raise AssertionError(url)


def exchanges(wire: Wire) -> int:
    return wire.count("POST", "/auth/token")


# ── State, issuer, code ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@4")
def test_a_sign_in_that_another_person_began_opens_nothing_in_my_browser(at: Hospital, wire: Wire) -> None:
    """State fixation: the attacker stops before the callback and gives me its address, so that I would work in their session."""
    address = up_to_the_callback(at.browser())
    mine = at.browser()
    mine.launch(MG)
    before = exchanges(wire)
    page = mine.get(address)
    assert (page.status, "E-05" in page.text, exchanges(wire)) == (400, True, before)


def test_a_state_that_was_tried_in_the_wrong_browser_is_spent(at: Hospital, wire: Wire) -> None:
    owner = at.browser()
    address = up_to_the_callback(owner)
    other = at.browser()
    other.launch(MG)
    before = exchanges(wire)
    for browser in (other, owner):
        page = browser.get(address)
        assert (page.status, "E-05" in page.text, exchanges(wire)) == (400, True, before)


def test_a_code_is_exchanged_once(at: Hospital, wire: Wire) -> None:
    browser = at.browser()
    address = up_to_the_callback(browser)
    assert browser.get(address).status == 200
    replayed = browser.get(address)
    assert (replayed.status, "E-05" in replayed.text, exchanges(wire)) == (400, True, 1)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@13")
def test_a_code_of_another_sign_in_does_not_fit_this_one(at: Hospital, wire: Wire) -> None:
    """Code injection: the stolen code comes with my own state; the verifier of my sign-in does not match it."""
    stolen = parse_qs(urlsplit(up_to_the_callback(at.browser(), MG)).query)["code"][0]
    mine = at.browser()
    state = parse_qs(urlsplit(up_to_the_callback(mine)).query)["state"][0]
    page = mine.get(f"{APP}/callback?{urlencode({'code': stolen, 'state': state})}")
    assert (page.status, "E-06" in page.text) == (502, True)


def test_an_answer_in_the_name_of_another_issuer_is_refused_before_its_code_is_sent_anywhere(at: Hospital, wire: Wire) -> None:
    browser = at.browser()
    page = browser.get(f"{up_to_the_callback(browser)}&{urlencode({'iss': SECOND})}")
    assert (page.status, "The sign-in was answered by another service." in page.text, exchanges(wire)) == (400, True, 0)


def test_the_code_of_one_ehr_goes_to_that_ehr_only(tmp_path: Path) -> None:
    """Mix-up: the state alone says which EHR was asked; a second one in the table is never told the code."""
    with hospital(tmp_path, issuers=two_ehrs(tmp_path)) as at:
        asked: list[str] = []
        at.http.hooks["response"].append(lambda given, **_: asked.append(given.request.url))
        browser = at.browser()
        assert browser.get(f"{up_to_the_callback(browser)}&{urlencode({'x': SECOND})}").status == 200
        assert {urlsplit(url).netloc for url in asked} == {urlsplit(EHR).netloc}


def test_each_launch_has_a_session_of_its_own_whatever_the_browser_brings(at: Hospital) -> None:
    browser = at.browser()
    seen = {browser.launch(CIDP).session for _ in range(3)}
    assert len(seen) == 3


@pytest.mark.parametrize("planted", ["x", "a" * 43 + ";", "attacker" * 6, "", "é" * 43])
def test_a_handle_that_was_planted_in_the_browser_is_replaced(at: Hospital, planted: str) -> None:
    browser = at.browser()
    headers = {"Cookie": f"ivig_browser={planted}"}
    page = browser.send("GET", f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False, headers=headers)
    [cookie] = page.set_cookies
    drawn = cookie.partition("=")[2].partition(";")[0]
    assert len(drawn) == 43
    assert drawn != planted


# ── Forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


FOREIGN: list[tuple[dict[str, str], dict[str, Any], int]] = [
    ({}, {"data": {}}, 400),
    ({"Origin": "https://evil.example"}, {}, 403),
    ({"Origin": "https://evil.example", "Host": "evil.example"}, {}, 401),
    ({"Origin": "http://127.0.0.1:5000.evil.example"}, {}, 403),
    ({"Origin": "https://127.0.0.1:5000"}, {}, 403),
    ({"Origin": "http://127.0.0.1:5001"}, {}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, {}, 403),
    ({"Sec-Fetch-Site": "same-site"}, {}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, {}, 403),
    ({}, {"data": b'{"digest": "x"}', "content_type": "text/plain"}, 400),
    ({}, {"data": b'{"digest": "x"}', "content_type": "application/json"}, 400),
]


@pytest.mark.parametrize(("headers", "sent", "status"), FOREIGN)
def test_a_form_from_elsewhere_approves_nothing(at: Hospital, headers: dict[str, str], sent: dict[str, Any], status: int) -> None:
    tab = at.tab(CIDP)
    tab.give_reasons()
    form = next(f for f in tab.page.forms.forms if f.action == "approve")
    data = sent or {"data": dict(form.pairs)}
    page = tab.browser.send("POST", urljoin(tab.page.url, "approve"), headers=headers, follow=False, **data)
    assert page.status == status, page.text
    assert at.orders(CIDP) == []


def test_the_same_form_from_its_own_page_approves(at: Hospital) -> None:
    tab = at.tab(CIDP)
    tab.give_reasons()
    form = next(f for f in tab.page.forms.forms if f.action == "approve")
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}  # as a browser sends it from a page that tells no referrer
    page = tab.browser.send("POST", urljoin(tab.page.url, "approve"), headers=headers, data=dict(form.pairs))
    assert (page.status, len(at.orders(CIDP))) == (200, 1)


@pytest.mark.parametrize("act", ["approve", "propose", "resend", "withdraw", "answer", "again"])
def test_a_link_or_a_header_does_not_make_a_get_into_an_act(at: Hospital, act: str) -> None:
    tab = at.tab(CIDP)
    where = urljoin(tab.page.url, act)
    for headers in ({}, {"X-HTTP-Method-Override": "POST"}, {"X-HTTP-Method": "POST"}, {"X-Original-URL": where}):
        assert tab.browser.send("GET", f"{where}?_method=POST&digest=x", headers=headers, follow=False).status in (404, 405)
    assert at.orders(CIDP) == []


# ── Frames and headers ───────────────────────────────────────────────────────────────────────────────────────────────


def directives(page: Page) -> dict[str, str]:
    """The Content-Security-Policy, directive by directive."""
    parts = [d.strip().partition(" ") for d in page.headers["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in parts}


def test_a_session_is_framed_by_its_own_ehr_only(tmp_path: Path) -> None:
    with hospital(tmp_path, issuers=two_ehrs(tmp_path)) as at:
        tab = at.tab(CIDP)
        for page in (tab.page, tab.go("./"), tab.go("receipt"), tab.go("sheet")):
            assert directives(page)["frame-ancestors"] == "'self' https://one.example"
        both = at.browser().get(f"{APP}/launch")
        assert directives(both)["frame-ancestors"] == "'self' https://one.example https://two.example"
        second = at.browser().send("GET", f"{APP}/launch?{urlencode({'iss': SECOND, 'launch': 'x'})}", follow=False)
        assert directives(second)["frame-ancestors"] == "'self' https://two.example"


def answers(at: Hospital) -> list[Page]:
    """One answer of every kind: page, redirect, refusal, JSON, static file, machine endpoint."""
    tab, nobody = at.tab(CIDP), at.browser()
    addresses = (
        "/",
        "/launch",
        f"/launch?{urlencode({'iss': ISS})}",
        "/nowhere",
        "/static/style.css",
        "/healthz",
        "/metrics",
        "/cds-services",
    )
    made = [
        nobody.send("GET", APP + address, follow=False) for address in (*addresses, "/.well-known/jwks.json", "/fhir/StructureDefinition")
    ]
    made.append(nobody.send("POST", f"{APP}/launch", follow=False))
    made.append(nobody.send("GET", f"{APP}/nowhere", headers={"Accept": "application/json"}))
    return [*made, tab.page, tab.browser.get(tab.page.url, headers={"Accept": "application/json"})]


def test_every_answer_carries_every_header(at: Hospital) -> None:
    for page in answers(at):
        policy, where = directives(page), page.url
        assert policy["default-src"] == "'none'", where
        assert policy["script-src"] == policy["style-src"] == "'self'", where
        assert policy["base-uri"] == "'none'", where
        assert policy["form-action"] == "'self'", where
        assert policy["require-trusted-types-for"] == "'script'", where
        assert "unsafe" not in page.headers["Content-Security-Policy"], where
        assert "*" not in page.headers["Content-Security-Policy"], where
        assert page.headers["Referrer-Policy"] == "no-referrer", where
        assert page.headers["X-Content-Type-Options"] == "nosniff", where
        assert page.headers["Cross-Origin-Resource-Policy"] == "same-origin", where
        assert "camera=()" in page.headers["Permissions-Policy"], where
        assert "X-Frame-Options" not in page.headers, where
        assert "Server" not in page.headers or "Python" not in page.headers["Server"], where
        kept = "/static/" in where or where.endswith("jwks.json")
        assert kept or page.headers["Cache-Control"] == "no-store", where


def test_over_https_cookies_are_for_frames_and_for_this_host_alone_and_http_is_forgotten(tmp_path: Path) -> None:
    with hospital(tmp_path, IVIG_BASE_URL="https://ivig.example.org") as at:
        page = at.browser().send("GET", f"{APP}/launch?{urlencode({'iss': ISS, 'launch': 'x'})}", follow=False)
        [cookie] = page.set_cookies
        assert cookie.startswith("__Host-ivig_browser=")
        assert {part.strip() for part in cookie.split(";")[1:]} == {"Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"}
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_only_the_sign_in_form_of_a_launch_may_go_to_the_ehr(at: Hospital) -> None:
    """A launch that is too long for an address is posted; the policy of that one page names the sign-in service."""
    browser = at.browser()
    long = urlencode({"iss": ISS, "launch": "x" * 1500})
    browser.send("GET", f"{APP}/launch?{long}", follow=False)
    page = browser.send("GET", f"{APP}/launch/go?{long}", follow=False)
    assert page.status in (200, 303)
    assert directives(page)["form-action"] == ("'self' " + EHR if page.status == 200 else "'self'")
