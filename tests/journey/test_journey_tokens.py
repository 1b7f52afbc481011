"""While a session lasts: its token renewed once and in time, handed back at log-out, and gone with the sign-in."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import requests
from flask import Response
from journey.a_hospital import APP, EHR, ISS, ROOT, Hospital, Tab, hospital

from ivig_fhir import observe
from ivig_fhir.app import create_database, create_runtime
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.smart.context import LaunchContext
from ivig_fhir.smart.identity import Identity
from ivig_fhir.smart.token import TokenResponse
from ivig_fhir.store import sessions
from ivig_fhir.web.doors import cookie_name, take_back
from ivig_fhir.web.render import day
from ivig_fhir.web.security import browser_cookie
from ivig_fhir.workflow import sign_in
from ivig_fhir.workflow.renewal import HANDING_BACK

CIDP, MG = "cidp-adult", "mg-crisis-ckd"
TOKEN = f"{EHR}/auth/token"
REVOKE = f"{EHR}/auth/revoke"


class Wire:
    """What the app posts to the EHR's sign-in service, and what may happen to it there."""

    def __init__(self, at: Hospital) -> None:
        self.sent: list[tuple[str, dict[str, list[str]]]] = []
        self.before_a_write: Callable[[], object] | None = None
        self.during_refresh: threading.Event | None = None
        self.during_revoke: threading.Event | None = None
        self.refreshing = threading.Event()
        inner = SandboxAdapter(at.ehr)
        outer = self

        class Watching(SandboxAdapter):
            def send(self, request: requests.PreparedRequest, **more: object) -> requests.Response:  # type: ignore[override]
                if request.method == "POST" and str(request.url).startswith(ISS) and outer.before_a_write is not None:
                    act, outer.before_a_write = outer.before_a_write, None
                    act()
                if request.method == "POST" and request.url in (TOKEN, REVOKE):
                    form = parse_qs(str(request.body))
                    outer.sent.append((str(request.url), form))
                    if request.url == REVOKE and outer.during_revoke is not None:
                        assert outer.during_revoke.wait(20)
                    if form.get("grant_type") == ["refresh_token"]:
                        outer.refreshing.set()
                        if outer.during_refresh is not None:
                            assert outer.during_refresh.wait(20)
                return inner.send(request, **more)  # type: ignore[arg-type]

        at.http.mount(EHR, Watching(at.ehr))

    @property
    def refreshes(self) -> list[str]:
        return [form["refresh_token"][0] for url, form in self.sent if form.get("grant_type") == ["refresh_token"]]

    @property
    def revoked(self) -> list[str]:
        return [form["token_type_hint"][0] for url, form in self.sent if url == REVOKE]


def watched(at: Hospital) -> Wire:
    return Wire(at)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@105", "@106", "@215")
def test_a_session_outlives_its_first_token_and_an_order_is_written_with_the_second(at: Hospital) -> None:
    seen = watched(at)
    tab = at.tab(CIDP, fault="short-tokens")
    at.clock.forward(minutes=5)
    tab.approve()
    assert len(at.orders(CIDP)) == 1
    assert len(seen.refreshes) == 1


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@117")
def test_each_refresh_uses_the_token_of_the_one_before(at: Hospital) -> None:
    seen = watched(at)
    tab = at.tab(CIDP, fault="short-tokens")
    for _ in range(4):
        at.clock.forward(minutes=5)
        assert tab.go("./?fresh=1").status == 200
    assert len(seen.refreshes) == 4
    assert len(set(seen.refreshes)) == 4


@pytest.mark.parametrize(("seconds", "refreshes"), [(59, 0), (60, 1)])
def test_a_token_is_renewed_a_minute_before_it_is_over(at: Hospital, seconds: int, refreshes: int) -> None:
    seen = watched(at)
    tab = at.tab(CIDP, fault="short-tokens")
    at.clock.forward(seconds=seconds)
    tab.go("./")
    assert len(seen.refreshes) == refreshes


def test_of_two_requests_at_once_one_renews_and_the_other_goes_on_while_its_token_is_good(at: Hospital) -> None:
    seen, tab = watched(at), at.tab(CIDP, fault="short-tokens")
    at.clock.forward(seconds=90)
    seen.during_refresh = threading.Event()
    pages: list[int] = []
    first = threading.Thread(target=lambda: pages.append(Tab(tab.browser.twin(), tab.page).go("./").status))
    first.start()
    assert seen.refreshing.wait(20)
    assert Tab(tab.browser.twin(), tab.page).go("./").status == 200
    seen.during_refresh.set()
    first.join()
    assert (pages, len(seen.refreshes)) == ([200], 1)


def test_of_two_requests_with_a_token_that_is_over_one_renews_and_the_other_waits_for_it(at: Hospital) -> None:
    seen, tab = watched(at), at.tab(CIDP, fault="short-tokens")
    runtime = create_runtime(at.settings, at.http, at.clock)
    cookie = tab.browser.cookie(cookie_name(tab.session), f"/s/{tab.session}/")
    with runtime.database.read() as tx:
        session = sessions.load(tx, tab.session, cookie, at.clock(), runtime.limits)
    at.clock.forward(minutes=5)
    seen.during_refresh = threading.Event()
    done: list[sessions.Session] = []
    first = threading.Thread(target=lambda: done.append(runtime.renewal.renewed(session)))
    waits: list[float] = []

    def pause(seconds: float) -> None:
        waits.append(seconds)
        assert seen.during_refresh is not None
        seen.during_refresh.set()
        first.join(20)

    first.start()
    assert seen.refreshing.wait(20)
    second = replace(runtime.renewal, pause=pause).renewed(session)
    assert (len(seen.refreshes), len(waits)) == (1, 1)
    assert [s.access_token for s in done] == [second.access_token]
    assert second.access_token != session.access_token
    assert runtime.renewal.renewed(session).access_token == second.access_token, "whoever comes late finds the new one"
    assert len(seen.refreshes) == 1


def test_a_token_that_the_ehr_refuses_before_its_time_is_renewed_and_the_read_tried_again(at: Hospital) -> None:
    seen, tab = watched(at), at.tab(CIDP)
    at.parts.database.run("delete from handle where kind = 'token'")
    assert tab.go("./?fresh=1").status == 200
    assert "record.unreadable" in tab.json["proposal"]["clear"]
    assert len(seen.refreshes) == 1


def test_a_token_that_is_refused_at_the_write_is_renewed_and_the_order_stored_once(at: Hospital) -> None:
    seen, tab = watched(at), at.tab(MG)
    tab.give_reasons()
    seen.before_a_write = lambda: at.parts.database.run("delete from handle where kind = 'token'")
    tab.press("Approve order", acknowledged="yes")
    assert (len(at.orders(MG)), len(at.held("Task", MG)), len(at.held("Provenance", MG))) == (1, 1, 1)
    assert (len(seen.refreshes), seen.before_a_write) == (1, None)


def test_a_pharmacists_decision_is_stored_once_although_its_token_was_refused(at: Hospital) -> None:
    at.tab(MG).approve()
    seen, pharmacist = watched(at), at.tab(MG, "pharmacist", target="pharmacy")
    pharmacist.follow("PLACEHOLD")
    seen.before_a_write = lambda: at.parts.database.run("delete from handle where kind = 'token'")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert ([o["status"] for o in at.orders(MG)], len(at.held("Provenance", MG))) == (["active"], 2)
    assert (len(seen.refreshes), seen.before_a_write) == (1, None)


def test_a_sign_in_that_the_ehr_ended_ends_the_session_and_keeps_the_draft(at: Hospital) -> None:
    tab = at.tab(MG, fault="short-tokens")
    tab.press("Recalculate", per_kg="1")
    shown = tab.json["proposal"]
    at.parts.database.run("delete from handle where kind = 'family'")
    at.clock.forward(minutes=5)
    ended = tab.go("./")
    assert (ended.status, "Your EHR session has ended. Your draft is kept." in ended.text) == (401, True)
    assert tab.go("./").status == 401
    later = at.tab(MG)
    assert later.json["proposal"]["dose"] == shown["dose"]


def test_a_session_whose_sign_in_moved_to_another_patient_is_over_and_nothing_is_written(at: Hospital) -> None:
    tab = at.tab(CIDP, fault="short-tokens")
    tab.give_reasons()
    held = at.parts.database.rows("select id, body from handle where kind = 'refresh'")
    for key, body in held:
        at.parts.database.run("update handle set body = ? where id = ?", body.replace(f'"{CIDP}"', f'"{MG}"'), key)
    at.clock.forward(minutes=5)
    page = tab.press("Approve order", acknowledged="yes")
    assert (page.status, "The chart changed to another patient." in page.text) == (409, True)
    assert (at.orders(CIDP), at.orders(MG)) == ([], [])
    assert tab.go("./").status == 401


def test_an_ehr_whose_sign_in_service_is_down_for_a_moment_ends_nothing(at: Hospital) -> None:
    tab = at.tab(CIDP, fault="short-tokens")
    sandbox = SandboxAdapter(at.ehr)

    class Down(SandboxAdapter):
        def send(self, request: requests.PreparedRequest, **more: object) -> requests.Response:  # type: ignore[override]
            if request.url == TOKEN:
                raise requests.ConnectionError("down")
            return sandbox.send(request, **more)  # type: ignore[arg-type]

    at.http.mount(EHR, Down(at.ehr))
    at.clock.forward(seconds=90)
    assert tab.go("./?fresh=1").status == 200, "the old token is good for half a minute more"
    at.clock.forward(minutes=1)
    page = tab.go("./")
    assert (page.status, "could not be reached" in page.text) == (502, True)
    at.http.mount(EHR, sandbox)
    assert tab.go("./").status == 200


def test_an_ehr_that_gives_no_refresh_token_is_asked_for_none(tmp_path: Path) -> None:
    table = tmp_path / "issuers.toml"
    table.write_text((ROOT / "issuers.toml").read_text(encoding="utf-8").replace("online_access = true", "online_access = false"))
    with hospital(tmp_path, issuers=table) as at:
        seen = watched(at)
        tab = at.tab(CIDP, fault="short-tokens")
        at.clock.forward(minutes=5)
        page = tab.go("./?fresh=1")
        assert (page.status, "Your EHR session has ended." in page.text) == (401, True)
        assert seen.refreshes == []


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@7")
def test_no_token_is_in_a_cookie_a_page_or_an_address(at: Hospital) -> None:
    tab = at.tab(CIDP)
    runtime = create_runtime(at.settings, at.http, at.clock)
    cookie = tab.browser.cookie(cookie_name(tab.session), f"/s/{tab.session}/")
    with runtime.database.read() as tx:
        session = sessions.load(tx, tab.session, cookie, at.clock(), runtime.limits)
    assert session.access_token
    assert session.refresh_token
    for secret in (session.access_token, session.refresh_token):
        for place in (*tab.page.set_cookies, tab.page.url, tab.page.body, cookie, str(tab.json), str(tab.page.headers)):
            assert secret not in place


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@6")
@pytest.mark.parametrize("name", ["next", "redirect", "redirect_uri", "return_to", "url", "target", "iss"])
def test_nothing_that_comes_to_the_app_sends_the_browser_to_an_address_of_its_own(at: Hospital, name: str) -> None:
    tab, evil = at.tab(CIDP), "https://evil.example/"
    more = {} if name == "iss" else {"iss": ISS, "launch": "x"}
    for path in ("/launch", "/launch/go", "/launch/pharmacy", "/callback", f"/s/{tab.session}/orders/", "/"):
        page = tab.browser.send("GET", f"{APP}{path}?{urlencode({**more, name: evil, 'state': evil, 'code': evil})}", follow=False)
        where = urlsplit(page.headers.get("Location", ""))
        assert where.netloc in ("", urlsplit(EHR).netloc), (path, page.headers["Location"])


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@97", "@98")
def test_a_user_who_stands_on_another_server_is_not_asked_for_there_and_may_look_only_as_a_stranger(at: Hospital) -> None:
    runtime = create_runtime(at.settings, at.http, at.clock)
    asked: list[str] = []
    at.http.hooks["response"].append(lambda answer, **_: asked.append(answer.url))
    foreign = Identity("https://other.example/fhir/Practitioner/p1", "Practitioner", "p1", "u-1", local=False, verified=True)
    context = LaunchContext(ISS, "order", "patient/*.rs", patient=CIDP, identity=foreign)
    token = TokenResponse("the-token", at.clock() + timedelta(hours=1), context.scope)
    opened = sign_in._open(runtime, context, token)
    assert (opened.role, asked) == ("stranger", [])
    assert opened.context.identity == foreign


# ── Log-out ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_at_log_out_the_tokens_are_handed_back_and_the_draft_is_kept(at: Hospital) -> None:
    seen, tab = watched(at), at.tab(MG)
    tab.press("Recalculate", per_kg="1")
    shown, run, where = tab.json["proposal"], tab.run, tab.page.url
    page = tab.press("Log out")
    assert (page.status, "You are logged out" in page.text) == (200, True)
    assert seen.revoked == ["refresh_token", "access_token"]
    for _, form in seen.sent[-2:]:
        assert form["client_id"] == ["ivig-fhir"]
    assert tab.go(where).status == 401
    later = at.tab(MG)
    assert (later.run, later.json["proposal"]["dose"]) == (run, shown["dose"])


def test_at_log_out_the_browser_forgets_the_cookie_of_this_session_and_keeps_its_own(at: Hospital) -> None:
    tab = at.tab(CIDP)
    name = cookie_name(tab.session)
    page = tab.press("Log out")
    [gone] = [c for c in page.set_cookies if c.startswith(name)]
    assert "Max-Age=0" in gone
    assert tab.browser.cookie(browser_cookie(False))


def test_over_https_the_cookie_is_taken_back_with_the_attributes_it_was_given(at: Hospital) -> None:
    runtime = create_runtime(replace(at.settings, base_url="https://ivig.example.org"), at.http, at.clock)
    [cookie] = take_back(runtime, "sid", Response()).headers.getlist("Set-Cookie")
    for attribute in ("Max-Age=0", "Path=/s/sid/", "Secure", "HttpOnly", "SameSite=None", "Partitioned"):
        assert attribute in cookie, attribute


def test_a_log_out_that_the_ehr_does_not_hear_is_one_here_all_the_same(at: Hospital) -> None:
    tab = at.tab(CIDP)
    where = tab.page.url
    at.parts.database.run("delete from handle")
    assert tab.press("Log out").status == 200
    assert tab.go(where).status == 401


@pytest.mark.parametrize(
    ("token", "headers", "status"),
    [("made-up", {}, 400), ("", {}, 400), ("own", {"Origin": "https://evil.example"}, 403), ("own", {"Sec-Fetch-Site": "cross-site"}, 403)],
)
def test_a_log_out_from_elsewhere_is_refused(at: Hospital, token: str, headers: dict[str, str], status: int) -> None:
    tab = at.tab(CIDP)
    form = {"csrf_token": tab.json["csrf"] if token == "own" else token}
    assert tab.browser.send("POST", f"{APP}/s/{tab.session}/log-out", data=form, headers=headers).status == status
    assert tab.go("./").status == 200


def test_a_log_out_ends_one_tab_and_leaves_the_other(at: Hospital) -> None:
    browser = at.browser()
    one, two = browser.launch(CIDP), browser.launch(MG)
    one.press("Log out")
    assert two.go("./").status == 200


def test_sessions_that_are_over_are_cleared_by_the_next_sign_in(at: Hospital) -> None:
    tab = at.tab(CIDP, "stranger")
    assert tab.page.status == 403
    with create_database(at.settings).read() as tx:
        assert tx.conn.exec_driver_sql("SELECT count(*) FROM sessions").scalar() == 1
    at.clock.forward(hours=9)
    at.tab(MG)
    with create_database(at.settings).read() as tx:
        assert tx.conn.exec_driver_sql("SELECT count(*) FROM sessions").scalar() == 1


def test_a_launch_that_comes_to_nothing_is_in_the_audit_and_one_that_nobody_began_is_not(at: Hospital) -> None:
    at.browser().get(f"{EHR}/ehr/launch?user=prescriber")  # without a patient
    at.tab(CIDP, "stranger")
    at.browser().get(f"{APP}/callback?state=made-up&code=x")
    with create_database(at.settings).read() as tx:
        rows = [(row[0], row[1]) for row in tx.conn.exec_driver_sql("SELECT what, note FROM audit ORDER BY seq")]
    assert rows == [("launch.refused", "E-09"), ("session.started", "stranger")]


def test_a_callback_leads_to_an_address_without_code_and_state(at: Hospital) -> None:
    browser, url = at.browser(), f"{EHR}/ehr/launch?patient={CIDP}&user=prescriber"
    for _ in range(8):
        page = browser.send("GET", url, follow=False)
        if "/callback?" in url:
            break
        url = urljoin(url, page.headers["Location"])
    assert page.status == 303
    assert re.fullmatch(r"/s/[A-Za-z0-9_-]+/orders/", page.headers["Location"])
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")


# ── What the launch says besides the patient ─────────────────────────────────────────────────────────────────────────


def launched(at: Hospital, user: str = "prescriber", **more: str) -> Tab:
    asked = "&".join(f"{name}={value}" for name, value in {"patient": MG, "user": user, **more}.items())
    browser = at.browser()
    return Tab(browser, browser.get(f"{EHR}/ehr/launch?{asked}"))


def test_an_ehr_with_a_banner_of_its_own_hides_ours_on_screen_and_keeps_it_in_print(at: Hospital) -> None:
    hidden, shown = launched(at, banner="no").page.body, launched(at).page.body
    assert '<header class="pt ehr"' in hidden
    assert '<header class="pt"' in shown
    for body in (hidden, shown):
        assert "PLACEHOLD" in body, "in print, and to whoever reads the page by ear"
    css = at.browser().get(f"{APP}/static/style.css").body
    assert "@media screen{.pt.ehr .who{display:none}}" in css


def test_every_page_of_a_patient_says_who_it_is(at: Hospital) -> None:
    prescriber = at.tab(MG)
    seen = [prescriber.page]
    prescriber.approve()
    seen.append(prescriber.page)
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    pharmacist.follow("PLACEHOLD")
    seen.append(pharmacist.page)
    seen.append(pharmacist.go("double"))
    pharmacist.go("./")
    pharmacist.press("Verify")
    nurse = at.tab(MG, "nurse")
    seen.append(nurse.page)
    nurse.follow("Infusion sheet")
    seen.append(nurse.page)
    person = at.parts.store.current("Patient", MG)
    assert person is not None
    assert person.body is not None
    family, number = person.body["name"][0]["family"].upper(), person.body["identifier"][0]["value"]
    born = day(person.body["birthDate"]).replace("\u00a0", " ")
    for page in seen:
        text = page.text.replace("\u00a0", " ")
        assert (page.status, family in text, number in text, born in text) == (200, True, True, True), page.url


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@193")
@pytest.mark.parametrize("intent", ["ivig-order", "something-new", ""])
def test_an_intent_that_is_not_known_opens_the_usual_page(at: Hospital, intent: str) -> None:
    tab = launched(at, intent=intent)
    assert (tab.page.status, "/orders/" in tab.page.url) == (200, True)


def test_a_pharmacist_sent_to_review_comes_to_the_worklist_and_nobody_else_does(at: Hospital) -> None:
    assert launched(at, "pharmacist", intent="pharmacist-review").page.url.endswith("/pharmacy/")
    assert "/orders/" in launched(at, intent="pharmacist-review").page.url


def test_a_link_of_ours_opens_the_run_that_it_names_if_it_is_this_persons(at: Hospital) -> None:
    first = at.tab(MG)
    at.clock.forward(minutes=1)
    first.browser.send("POST", f"{APP}/s/{first.session}/orders/", data={"csrf_token": first.json["csrf"]})
    newest = at.tab(MG)
    assert newest.run != first.run
    for said in (first.run, f"urn:uuid:{first.run}", f'{{"run": "{first.run}"}}'):
        assert launched(at, appContext=said).run == first.run
    other = at.tab(CIDP)
    for said in (other.run, "nonsense", "{", '{"run": 7}', "../../etc", "%3Cscript%3E"):
        assert launched(at, appContext=said).run == newest.run


def test_the_tenant_stands_in_the_audit_and_one_that_is_no_name_as_its_digest(at: Hospital) -> None:
    launched(at, tenant="ward-7")
    launched(at, tenant="a%20b%3Cscript%3E")
    with create_database(at.settings).read() as tx:
        notes = [row[0] for row in tx.conn.exec_driver_sql("SELECT note FROM audit WHERE what = 'session.started' ORDER BY seq")]
    assert notes == ["prescriber tenant ward-7", f"prescriber tenant sha256:{sha256(b'a b<script>').hexdigest()}"]


def test_the_look_of_the_ehr_is_taken_over_where_it_changes_no_meaning(at: Hospital) -> None:
    tab = launched(at, style="yes")
    link = f"/s/{tab.session}/look.css"
    assert f'href="{link}"' in tab.page.body
    asked: list[requests.PreparedRequest] = []
    at.http.hooks["response"].append(lambda answer, **_: asked.append(answer.request))
    sheet = tab.browser.get(f"{APP}{link}")
    assert (sheet.status, sheet.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "--bg:#fdf6e3" in sheet.body
    assert 'font-family:"Georgia",serif' in sheet.body
    assert [(r.url, "Authorization" in r.headers) for r in asked] == [(f"{EHR}/ehr/style.json", False)]
    tab.browser.get(f"{APP}{link}")
    assert len(asked) == 1, "the address is the version"
    assert "look.css" not in launched(at).page.body
    assert at.browser().get(f"{APP}{link}").status == 401


# ── The end of a session's time ──────────────────────────────────────────────────────────────────────────────────────


def handed_back() -> None:
    """Waits until what is handed back beside the requests is done."""
    for thread in threading.enumerate():
        if thread.name == HANDING_BACK:
            thread.join(20)


@pytest.mark.parametrize(("minutes", "revoked"), [(29, []), (30, ["refresh_token", "access_token"])])
def test_the_tokens_of_a_session_whose_time_is_over_are_handed_back_at_the_next_launch(
    at: Hospital, minutes: int, revoked: list[str]
) -> None:
    seen, tab = watched(at), at.tab(CIDP)
    where = tab.page.url
    at.clock.forward(minutes=minutes)
    at.tab(MG)
    handed_back()
    assert seen.revoked == revoked
    assert tab.go(where).status == (401 if revoked else 200)


def test_a_launch_does_not_wait_for_what_is_handed_back(at: Hospital) -> None:
    seen = watched(at)
    at.tab(CIDP)
    at.clock.forward(minutes=30)
    seen.during_revoke = threading.Event()
    page = at.tab(MG).page
    assert (page.status, seen.revoked) in ((200, []), (200, ["refresh_token"]))
    seen.during_revoke.set()
    handed_back()
    assert seen.revoked == ["refresh_token", "access_token"]


def test_what_an_ehr_does_not_take_back_is_over_here_and_no_word_of_it_is_logged(at: Hospital) -> None:
    at.tab(CIDP)
    at.clock.forward(minutes=30)
    at.parts.database.run("delete from handle")
    log = io.StringIO()
    observe.configure("DEBUG", log)
    assert at.tab(MG).page.status == 200
    handed_back()
    assert "revoke" not in log.getvalue()
    assert "hand" not in log.getvalue()
