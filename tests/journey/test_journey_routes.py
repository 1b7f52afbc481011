"""Every route of the app, asked by every role, by nobody, and by a browser without the session's cookie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from journey.a_hospital import APP, ISS, Browser, Hospital, Page, hospital

from ivig_fhir.web.doors import cookie_name
from ivig_fhir.web.security import csrf_of

CIDP = "cidp-adult"
WHO = ("prescriber", "pharmacist", "nurse", "stranger", "nobody", "another browser")
OPEN = (200,) * 6
# What a route answers, in the order of WHO, on an order that waits for the pharmacist. A POST here names a digest that was never on screen,
# or gives no reason: whoever may act gets a conflict (409), whoever may not is refused before that (403), and without a session 401.
TABLE: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/"): OPEN,
    ("GET", "/launch"): (400,) * 6,  # nobody said which EHR
    ("GET", "/launch/pharmacy"): (400,) * 6,
    ("GET", "/launch/go"): (400, 400, 400, 400, 200, 400),  # without a cookie the page offers a window of its own
    ("GET", "/launch/pharmacy/go"): (400, 400, 400, 400, 200, 400),
    ("GET", "/callback"): (400,) * 6,
    ("GET", "/.well-known/jwks.json"): OPEN,
    ("GET", "/static/<path:filename>"): OPEN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): OPEN,
    ("GET", "/fhir/StructureDefinition"): OPEN,
    ("GET", "/fhir/StructureDefinition/<name>"): (404,) * 6,
    ("GET", "/cds-services"): OPEN,
    ("POST", "/cds-services/<service_id>"): (404,) * 6,
    ("POST", "/cds-services/<service_id>/feedback"): (404,) * 6,
    ("GET", "/s/<sid>/orders/"): (303, 200, 200, 403, 401, 401),
    ("GET", "/s/<sid>/orders/mine"): (200, 403, 403, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/story"): (200, 200, 200, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/story"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/"): (303, 403, 403, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/"): (303, 303, 303, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/propose"): (409, 403, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/approve"): (409, 403, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/resend"): (303, 403, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/answer"): (409, 403, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/withdraw"): (409, 403, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/again"): (409, 403, 403, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/receipt"): (200, 200, 200, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/print"): (409, 409, 409, 403, 401, 401),  # it is in the EHR: nobody enters it by hand
    ("GET", "/s/<sid>/orders/<run>/bundle"): (200, 200, 200, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/sheet"): (409, 409, 409, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/change"): (409, 403, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/change"): (409, 403, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/change"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/change"): (403, 200, 403, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/course"): (200, 200, 200, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/recheck/<int:number>"): (403, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/recheck/<int:number>"): (403, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/hold"): (409, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/resume"): (409, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/stop"): (409, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/complete"): (409, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/recall"): (409, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/companions"): (409, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/companions"): (403, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/orders/<run>/tell"): (403, 303, 303, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/tell"): (403, 303, 303, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/course"): (403, 200, 200, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/recheck/<int:number>"): (403, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/recheck/<int:number>"): (403, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/hold"): (403, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/resume"): (403, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/stop"): (403, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/complete"): (403, 409, 409, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/recall"): (403, 409, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/first"): (403, 303, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/claim"): (403, 303, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/start"): (403, 303, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/take-over"): (403, 303, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/release"): (403, 303, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/verify"): (403, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/query"): (403, 409, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/reject"): (403, 409, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/steps"): (403, 200, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/double"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/double"): (403, 200, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/sheet"): (403, 409, 409, 403, 401, 401),
    ("GET", "/s/<sid>/orders/<run>/sheet.pdf"): (409, 409, 409, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/sheet.pdf"): (403, 409, 409, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/verification"): (403, 409, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/verification.pdf"): (403, 409, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/<run>/dispense"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/<run>/dispense"): (403, 400, 403, 403, 401, 401),
    ("GET", "/s/<sid>/pharmacy/discrepancies/"): (403, 200, 403, 403, 401, 401),
    ("POST", "/s/<sid>/pharmacy/discrepancies/<id_>/reconcile"): (403, 409, 403, 403, 401, 401),
    ("GET", "/s/<sid>/look.css"): (200, 200, 200, 200, 401, 401),
    ("POST", "/s/<sid>/log-out"): (200, 200, 200, 200, 401, 401),
}
# Log-out has tests of its own: after it the session is no more.
POSTS = [rule for method, rule in TABLE if method == "POST" and rule.startswith("/s/") and rule != "/s/<sid>/log-out"]


def routes(app: Flask) -> set[tuple[str, str]]:
    """Method and rule of everything the app answers."""
    return {(m, r.rule) for r in app.url_map.iter_rules() for m in (r.methods or set()) - {"HEAD", "OPTIONS"}}


@dataclass
class Scene:
    """One order that waits, and the sessions of every role, launched for the patient and for the worklist."""

    at: Hospital
    run: str
    sessions: dict[tuple[str, str], tuple[Browser, str]]

    def ask(self, who: str, method: str, rule: str, **more: Any) -> Page:
        """The route as this person asks it; nobody and another browser use the address of the prescriber's or pharmacist's session."""
        target = "pharmacy" if "/pharmacy" in rule else "log-out" if "log-out" in rule else "orders"
        owner = who if who in WHO[:4] else ("pharmacist" if target == "pharmacy" else "prescriber")
        browser, session = self.sessions[owner, target]
        if who == "nobody":
            browser = self.at.browser()
        elif who == "another browser":
            browser = self.sessions["nurse", target][0]
        where = (
            rule.replace("<sid>", session).replace("<run>", self.run).replace("<path:filename>", "style.css").replace("<int:number>", "1")
        )
        sent = {"data": {"csrf_token": self.token(owner, target), "digest": "sha256:never"}, **more} if method == "POST" else {}
        return browser.send(method, APP + where.replace("<name>", "none").replace("<service_id>", "none"), follow=False, **sent)

    def token(self, owner: str, target: str) -> str:
        """The form token of a session, as its pages hold it."""
        browser, session = self.sessions[owner, target]
        return csrf_of(browser.cookie(cookie_name(session), f"/s/{session}/"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Four people and an order."""
    with hospital(tmp_path_factory.mktemp("routes")) as at:
        prescriber = at.tab(CIDP)
        prescriber.approve()
        tabs = {(user, target): at.tab(CIDP, user, target=target) for user in WHO[:4] for target in ("orders", "pharmacy")}
        tabs |= {(user, "log-out"): at.tab(CIDP, user) for user in WHO[:4]}
        yield Scene(at, prescriber.run, {key: (tab.browser, tab.session) for key, tab in tabs.items()})


def test_every_route_is_in_the_table_and_nothing_else(scene: Scene) -> None:
    assert routes(scene.at.app) == set(TABLE)


def test_a_route_that_nobody_entered_into_the_table_is_noticed(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with hospital(tmp_path) as at:
        before = routes(at.app)
        at.app.add_url_rule("/s/<sid>/orders/<run>/secret", "secret", lambda sid, run: "open to all")
        assert routes(at.app) - before == {("GET", "/s/<sid>/orders/<run>/secret")}
        assert not routes(at.app) <= set(TABLE)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize(("method", "rule"), TABLE)
def test_a_route_answers_each_role_as_the_table_says(scene: Scene, method: str, rule: str, who: str) -> None:
    page = scene.ask(who, method, rule)
    assert page.status == TABLE[method, rule][WHO.index(who)], page.text[:300]
    assert "Traceback" not in page.body
    if page.status in (401, 403):
        assert "SAMPLETON" not in page.body.upper()


@pytest.mark.parametrize("rule", POSTS)
def test_a_form_without_its_token_or_with_that_of_another_session_does_nothing(scene: Scene, rule: str) -> None:
    who = "pharmacist" if "/pharmacy" in rule or "/recheck" in rule else "prescriber"
    other = scene.token(who, "orders" if "/pharmacy" in rule else "pharmacy")
    for token in ({}, {"csrf_token": ""}, {"csrf_token": other}):
        page = scene.ask(who, "POST", rule, data=token)
        assert (page.status, "This form is not from the page that was opened here" in page.text) == (400, True)


@pytest.mark.parametrize("rule", POSTS)
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://127.0.0.1:5001"}]
)
def test_a_form_that_another_site_sends_is_refused(scene: Scene, rule: str, headers: dict[str, str]) -> None:
    who = "pharmacist" if "/pharmacy" in rule or "/recheck" in rule else "prescriber"
    page = scene.ask(who, "POST", rule, headers=headers)
    assert (page.status, "This form was sent by another site." in page.text) == (403, True)


def test_after_all_this_there_is_the_one_order_and_it_is_a_draft(scene: Scene) -> None:
    assert [o["status"] for o in scene.at.orders(CIDP)] == ["draft"]


def test_a_session_cookie_is_for_its_own_path_and_never_for_scripts(scene: Scene) -> None:
    browser = scene.at.browser()
    tab = browser.launch(CIDP)
    [cookie] = [c for c in tab.page.set_cookies if c.startswith(cookie_name(tab.session))]
    assert f"Path=/s/{tab.session}/" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie  # on http loopback; elsewhere Secure, None and Partitioned
    assert tab.session not in cookie.split(";")[0]


def test_a_launch_sends_nobody_to_an_address_that_the_request_names(scene: Scene) -> None:
    page = scene.at.browser().send("GET", f"{APP}/launch?iss={ISS}&launch=x&next=https://evil.example", follow=False)
    assert page.headers["Location"].startswith("/launch/go?iss=")
    assert "evil" not in page.headers["Location"]
