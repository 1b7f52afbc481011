"""Canaries: what must never be seen is followed through a whole journey; no page, header, log line, address or row of the store holds it."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

import pytest
import requests
from an_ehr_server import Send, Wire
from journey.a_hospital import APP, EHR, ISS, ROOT, Browser, Hospital, Page, hospital

from ivig_fhir import observe
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.web.doors import cookie_name

CIDP = "cidp-adult"
SECRET = "sandbox-demonstration-secret"
CONFIDENTIAL = f"""
[[issuer]]
iss = "{ISS}"
name = "Sandbox EHR"
client_id = "ivig-fhir-confidential"
auth = "basic"
client_secret = "IVIG_CLIENT_SECRET_SANDBOX"
standalone = true
"""
NAMES = ("Sampleton", "SAMPLETON")
# What a patient must be recognised by and nobody else: on a page of a session only.
PERSONAL = (*NAMES, "SYN-0412")


@dataclass
class Seen:
    """Everything that left the app in one journey, and every secret that passed through it."""

    pages: list[Page] = field(default_factory=list)
    secrets: dict[str, set[str]] = field(default_factory=dict)
    log: io.StringIO = field(default_factory=io.StringIO)

    def note(self, kind: str, value: object) -> None:
        if isinstance(value, str) and len(value) > 12:
            self.secrets.setdefault(kind, set()).add(value)

    def from_exchange(self, asked: requests.PreparedRequest, given: requests.Response) -> None:
        """What the token endpoint was sent and what it gave."""
        form = parse_qs(str(asked.body or ""))
        for name in ("code", "code_verifier", "client_assertion", "refresh_token"):
            for value in form.get(name, []):
                self.note(name, value)
        header = str(asked.headers.get("Authorization", ""))
        self.note("basic", header.removeprefix("Basic "))
        for name in ("access_token", "refresh_token", "id_token"):
            self.note(name, given.json().get(name))


class Watched(Browser):
    """A browser that keeps every answer of the app, each redirect on the way too."""

    def __init__(self, at: Hospital, seen: Seen) -> None:
        super().__init__(at)
        self.seen = seen

    def send(self, method: str, url: str, follow: bool = True, **asked: Any) -> Page:
        for _ in range(12):
            page = super().send(method, url, follow=False, **asked)
            self.seen.pages.append(page)
            where = page.headers.get("Location")
            if not follow or page.status not in (301, 302, 303, 307) or where is None:
                return page
            state = parse_qs(urlsplit(where).query).get("state", [])
            for value in state:
                self.seen.note("state", value)
            url = urljoin(url, where)
            method, asked = "GET", {"headers": asked.get("headers")}
        raise AssertionError(url)


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Seen, Path]]:
    """From the button to a verified order, with a client secret, every page and every refusal on the way; logged at its most talkative."""
    folder, seen = tmp_path_factory.mktemp("canaries"), Seen()
    roles = (ROOT / "issuers.toml").read_text(encoding="utf-8").partition("\n[roles]\n")[2].partition("\n\n")[0]
    (folder / "issuers.toml").write_text(f"[roles]\n{roles}\n{CONFIDENTIAL}", encoding="utf-8")
    seen.note("client_secret", SECRET)
    more = {"IVIG_CLIENT_SECRET_SANDBOX": SECRET, "IVIG_LOG_LEVEL": "DEBUG"}
    with hospital(folder, issuers=folder / "issuers.toml", **more) as at:
        observe.configure("DEBUG", seen.log)
        wire = Wire(SandboxAdapter(at.ehr))
        at.http.mount(EHR, wire)

        def listen(asked: requests.PreparedRequest, send: Send) -> requests.Response:
            given = send(asked)
            if "/auth/token" in str(asked.url):
                seen.from_exchange(asked, given)
            return given

        wire.fault = listen
        _walk(at, seen)
        yield seen, folder


def _walk(at: Hospital, seen: Seen) -> None:
    prescriber = Watched(at, seen)
    tab = prescriber.launch(CIDP)
    for where in ("./", "receipt", "sheet"):
        tab.go(where)
    tab.go("./")
    tab.press("Recalculate", per_kg="1.5")
    tab.press("Recalculate", per_kg="heavy")
    tab.go("./")
    tab.approve()
    assert len(at.orders(CIDP)) == 1
    pharmacist = Watched(at, seen)
    desk = pharmacist.launch(CIDP, "pharmacist", target="pharmacy")
    desk.follow("SAMPLETON")
    desk.go("double")
    desk.go("./")
    desk.press("Verify")
    desk.go("sheet")
    _refusals(at, seen, prescriber, tab.session)
    for browser, session in ((prescriber, tab.session), (pharmacist, desk.session)):
        seen.note("session cookie", browser.cookie(cookie_name(session), f"/s/{session}/"))
        seen.note("browser cookie", browser.cookie("ivig_browser"))


def _refusals(at: Hospital, seen: Seen, prescriber: Watched, session: str) -> None:
    """Every refusal that a person can run into, each with something secret in its address."""
    [code] = sorted(seen.secrets["code"])[:1]
    [state] = sorted(seen.secrets["state"])[:1]
    for path in (f"/callback?code={code}&state={state}", f"/callback?error={code}&error_description=x&state={state}", f"/nowhere/{state}"):
        prescriber.get(f"{APP}{path}")
    Watched(at, seen).get(f"{APP}/s/{session}/orders/")
    Watched(at, seen).get(f"{APP}/launch?iss={ISS}")
    prescriber.send("POST", f"{APP}/s/{session}/orders/{session}/approve", data={"csrf_token": state})
    Watched(at, seen).launch(CIDP, "stranger")


def of_the_app(seen: Seen) -> list[Page]:
    return [p for p in seen.pages if p.url.startswith(APP)]


def test_the_journey_met_every_secret_that_there_is(journey: tuple[Seen, Path]) -> None:
    seen, _ = journey
    assert set(seen.secrets) >= {"client_secret", "code", "code_verifier", "basic", "access_token", "id_token", "state", "session cookie"}
    assert len(of_the_app(seen)) > 25
    assert {p.status for p in of_the_app(seen)} >= {200, 303, 400, 401, 403, 404}


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@7", "@9")
def test_no_page_or_header_of_the_app_holds_a_secret(journey: tuple[Seen, Path]) -> None:
    seen, _ = journey
    for page in of_the_app(seen):
        to_the_ehr = page.headers.get("Location", "").startswith(f"{EHR}/")  # which is sent its state, as it must be
        shown = page.body + unquote(str({k: v for k, v in page.headers.items() if k != "Set-Cookie"}))
        for kind, values in seen.secrets.items():
            if not (kind == "state" and to_the_ehr):
                assert not [v for v in values if v in shown], (kind, page.url)


def test_no_address_that_stays_in_a_history_holds_a_secret_or_names_a_patient(journey: tuple[Seen, Path]) -> None:
    seen, _ = journey
    stayed = [p.url for p in of_the_app(seen) if p.status == 200]
    assert stayed
    for url in stayed:
        for values in seen.secrets.values():
            assert not [v for v in values if v in unquote(url)]
        assert not [name for name in (*PERSONAL, CIDP) if name in url]


def test_no_log_line_holds_a_secret_or_names_a_patient(journey: tuple[Seen, Path]) -> None:
    seen, _ = journey
    text = seen.log.getvalue()
    assert text.count("\n") > 5
    for kind, values in seen.secrets.items():
        assert not [v for v in values if v in text], kind
    assert not [name for name in (*PERSONAL, CIDP) if name in text]


def test_no_file_of_the_store_holds_a_secret_or_names_a_patient(journey: tuple[Seen, Path]) -> None:
    seen, folder = journey
    sqlite3.connect(folder / "ivig.sqlite").execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = b"".join(p.read_bytes() for p in folder.glob("ivig.sqlite*"))
    assert len(held) > 50_000
    for kind, values in seen.secrets.items():
        assert not [v for v in values if v.encode() in held], kind
    assert not [name for name in PERSONAL if name.encode() in held]


def test_only_pages_of_a_session_name_the_patient(journey: tuple[Seen, Path]) -> None:
    seen, _ = journey
    naming = {urlsplit(p.url).path for p in of_the_app(seen) if any(name in p.body for name in PERSONAL)}
    assert naming
    assert {bool(re.match(r"/s/[A-Za-z0-9_-]{32}/(orders|pharmacy)/", path)) for path in naming} == {True}
    refused = [p for p in of_the_app(seen) if p.status in (400, 401, 403, 404)]
    assert not [p.url for p in refused if any(name in p.body for name in PERSONAL) and "propose" not in p.url]


@pytest.mark.parametrize("kind", ["access_token", "state", "client_secret"])
def test_a_secret_on_a_page_would_be_noticed(journey: tuple[Seen, Path], kind: str) -> None:
    seen, _ = journey
    [value, *_] = seen.secrets[kind]
    leaking = Seen([Page(200, f"{APP}/x", f"<p>{value}</p>", {})], seen.secrets, io.StringIO(value))
    with pytest.raises(AssertionError):
        test_no_page_or_header_of_the_app_holds_a_secret((leaking, Path()))
    with pytest.raises(AssertionError):
        test_no_log_line_holds_a_secret_or_names_a_patient((leaking, Path()))
