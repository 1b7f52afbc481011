"""A hospital in one process: the app, the sandbox EHR with its cast, one clock, and browsers with cookies that go between the two."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from journey.a_form import Forms
from shipped_content import read_once
from werkzeug.test import Client

from ivig_fhir.app import create_app
from ivig_fhir.ehr.client import pooled_session
from ivig_fhir.fhir.building import decode
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.sandbox.parts import NAME, Sandbox
from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import SandboxSettings
from ivig_fhir.sandbox.store import LOADED
from ivig_fhir.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
APP = "http://127.0.0.1:5000"
EHR = "http://127.0.0.1:5001"
ISS = f"{EHR}/fhir"
MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "test:" + base64.b64encode(b"k" * 32).decode()
_POSTED = ("propose", "approve", "resend", "answer", "withdraw", "again", "verify", "query", "reject")
NOTE = "Discussed on the round; creatinine each morning is in this order."


class Remembered(BytecodeCache):
    """Templates that one app compiled, for the apps after it: a test process starts many."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if found := self.kept.get(bucket.key + bucket.checksum):
            bucket.bytecode_from_string(found)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


_COMPILED = Remembered()


class Clock:
    """A clock that moves only when told; app and EHR share it."""

    def __init__(self) -> None:
        self.time = MORNING

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **more: float) -> None:
        self.time += timedelta(**more)


class Hospital:
    """The app and the EHR; `issuers` replaces the issuer table of the demo, `settings` adds to the app's."""

    def __init__(self, folder: Path, issuers: Path = ROOT / "issuers.toml", **settings: str) -> None:
        self.clock = Clock()
        self.ehr_http = requests.Session()  # in which the EHR fetches the app's keys
        self.ehr: Flask = create_sandbox(SandboxSettings(), self.clock, self.ehr_http)
        self.http: requests.Session = pooled_session()
        self.http.mount(EHR, SandboxAdapter(self.ehr))
        kept = {"IVIG_BASE_URL": APP, "IVIG_DATABASE_URL": f"sqlite:///{folder / 'ivig.sqlite'}", "IVIG_SECRET_KEYS": KEY}
        self.settings = Settings.from_env({**kept, "IVIG_ISSUERS": str(issuers), "IVIG_LOG_LEVEL": "ERROR", **settings})
        self.app: Flask = self.start()

    def start(self) -> Flask:
        """The app as a process that was just started: its memory is empty, its store is what it was."""
        with patch("ivig_fhir.app.load_content", read_once):
            self.app = create_app(self.settings, self.http, self.clock)
        self.app.jinja_env.bytecode_cache = _COMPILED
        self.ehr_http.mount(APP, SandboxAdapter(self.app))
        return self.app

    @property
    def parts(self) -> Sandbox:
        """What is behind the EHR's surface."""
        found: Sandbox = self.ehr.extensions[NAME]
        return found

    def browser(self) -> Browser:
        """A browser without cookies."""
        return Browser(self)

    def tab(self, patient: str, user: str = "prescriber", fault: str = "", target: str = "orders", tenant: str = "") -> Tab:
        """A launch in a browser of its own."""
        return self.browser().launch(patient, user, fault, target, tenant)

    def load(self, bundle: Mapping[str, Any] | bytes) -> dict[str, Any]:
        """Loads a chart into the EHR."""
        answer = self.http.post(f"{EHR}/ehr/patients", **({"data": bundle} if isinstance(bundle, bytes) else {"json": bundle}))
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def token(self, user: str = "prescriber", patient: str = "") -> str:
        """A bearer token of a script."""
        asked = {"user": user, **({"patient": patient} if patient else {})}
        return str(self.http.get(f"{EHR}/ehr/token", params=asked).json()["access_token"])

    def held(self, type_: str, patient: str) -> list[dict[str, Any]]:
        """What clients have written of a type for a patient, as the EHR holds it now."""
        found = (h for h in self.parts.store.candidates(type_) if h.method != LOADED and h.body)
        return [h.body for h in found if h.body and self.parts.store.belongs_to(h.body, patient)]

    def orders(self, patient: str) -> list[dict[str, Any]]:
        """The immunoglobulin orders that clients have written: each carries its run as its own identifier."""
        return [o for o in self.held("MedicationRequest", patient) if "groupIdentifier" in o and _leads(o)]

    def change(self, reference: str, **fields: Any) -> dict[str, Any]:
        """Somebody in the EHR changes a resource: a new version of it."""
        held = self.parts.store.current(*reference.split("/"))
        assert held is not None
        assert held.body is not None
        changed = self.parts.store.put({**held.body, **fields}, self.clock(), "PUT")
        assert changed.body is not None
        return changed.body

    def close(self) -> None:
        """Closes the EHR's database."""
        self.parts.database.close()


def _leads(order: Mapping[str, Any]) -> bool:
    return order["groupIdentifier"]["value"] in {i.get("value") for i in order.get("identifier") or []}


@dataclass(frozen=True)
class Page:
    """What came back, at which address, after every redirect."""

    status: int
    url: str
    body: str
    headers: Mapping[str, str]
    set_cookies: tuple[str, ...] = ()

    @cached_property
    def forms(self) -> Forms:
        """Its forms, links and words."""
        return Forms(self.body)

    @property
    def text(self) -> str:
        """What a person reads."""
        return self.forms.text

    @property
    def json(self) -> Any:
        """The body as JSON, numbers exact."""
        return decode(self.body.encode("utf-8"))

    @property
    def buttons(self) -> list[str]:
        """What its buttons say."""
        return [b.label for f in self.forms.forms for b in f.buttons]


class Browser:
    """One person's browser: cookies for the app and for the EHR, redirects followed from one to the other."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self._jars = {urlsplit(APP).netloc: Client(hospital.app), urlsplit(EHR).netloc: Client(hospital.ehr)}

    def cookie(self, name: str, path: str = "/") -> str:
        """The value of a cookie that the app set."""
        found = self._jars[urlsplit(APP).netloc].get_cookie(name, urlsplit(APP).hostname or "", path)
        return found.value if found else ""

    def twin(self) -> Browser:
        """Another connection of the same browser: the cookies it has now, for a request at the same moment."""
        made = Browser(self.hospital)
        for netloc, jar in self._jars.items():
            made._jars[netloc]._cookies = dict(jar._cookies or {})
        return made

    def _client(self, url: str) -> Client:
        netloc = urlsplit(url).netloc
        found = self._jars[netloc]
        found.application = self.hospital.app if netloc == urlsplit(APP).netloc else self.hospital.ehr  # after a restart: cookies stay
        return found

    def send(self, method: str, url: str, follow: bool = True, **asked: Any) -> Page:
        """One request, and what its redirects lead to; a redirect of a POST becomes a GET."""
        cookies: list[str] = []
        for _ in range(12):
            parts = urlsplit(url)
            where = {"path": parts.path, "query_string": parts.query, "base_url": f"{parts.scheme}://{parts.netloc}"}
            answer = self._client(url).open(method=method, environ_base={"REMOTE_ADDR": "127.0.0.1"}, **where, **asked)
            cookies += answer.headers.getlist("Set-Cookie")
            if not follow or answer.status_code not in (301, 302, 303, 307):
                return Page(answer.status_code, url, answer.get_data(as_text=True), dict(answer.headers), tuple(cookies))
            url, method, asked = urljoin(url, answer.headers["Location"]), "GET", {"headers": asked.get("headers")}
        raise AssertionError(f"redirected without end: {url}")

    def get(self, url: str, **asked: Any) -> Page:
        """A page."""
        return self.send("GET", url, **asked)

    def launch(self, patient: str, user: str = "prescriber", fault: str = "", target: str = "orders", tenant: str = "") -> Tab:
        """The EHR's button: a new tab of this browser, signed in and on its first page."""
        asked = {"patient": patient, "user": user, "fault": fault, "target": target, "tenant": tenant}
        return Tab(self, self.get(f"{EHR}/ehr/launch?{urlencode({k: v for k, v in asked.items() if v})}"))


@dataclass
class Tab:
    """One tab of a browser, on one page."""

    browser: Browser
    page: Page
    history: list[str] = field(default_factory=list)

    def go(self, where: str) -> Page:
        """An address, relative to the page."""
        self.page = self.browser.get(urljoin(self.page.url, where))
        return self.page

    def follow(self, words: str) -> Page:
        """The link that says this."""
        where = next(href for said, href in self.page.forms.links if words in said)
        return self.go(where)

    def press(self, label: str, form: int = 0, **given: str | None) -> Page:
        """A button of the page, its form filled in; `form` chooses among several buttons of one name."""
        found = [(f, b) for f in self.page.forms.forms for b in f.buttons if b.label == label]
        assert found, f"no button {label!r} among {self.page.buttons} on {self.page.url}: {self.page.text[:300]}"
        shape, button = found[form]
        pairs = shape.filled(button, given)
        where = urljoin(self.page.url, button.action if button.action is not None else shape.action)
        if shape.method == "GET":
            self.page = self.browser.get(f"{where.partition('?')[0]}?{urlencode(pairs)}")
        else:
            body = {"data": urlencode(pairs), "content_type": "application/x-www-form-urlencoded"}
            self.page = self.browser.send("POST", where, **body)
        return self.page

    @property
    def json(self) -> Any:
        """The page as a script gets it; after a refused form, that of the order it was about."""
        url = urljoin(self.page.url, ".") if self.page.url.rsplit("/", 1)[1] in _POSTED else self.page.url
        return self.browser.get(url, headers={"Accept": "application/json"}).json

    @property
    def run(self) -> str:
        """The run of an order page or of a pharmacist's page."""
        return self.page.url.split("/orders/" if "/orders/" in self.page.url else "/pharmacy/")[1].split("/")[0]

    @property
    def session(self) -> str:
        """The session id in the path."""
        return self.page.url.split("/s/")[1].split("/")[0]

    def post(self, where: str, body: Mapping[str, Any], csrf: str | None = None) -> Page:
        """What a script sends: JSON with the token of the page."""
        token = self.json["csrf"] if csrf is None else csrf
        headers = {"X-CSRF-Token": token, "Accept": "application/json"}
        return self.browser.send("POST", urljoin(self.page.url, where), json=body, headers=headers)

    def give_reasons(self, code: str = "9", note: str = NOTE) -> Page:
        """A reason for every finding that asks for one."""
        while "Save reason" in self.page.buttons:
            self.press("Save reason", override_code=code, override_note=note)
        return self.page

    def approve(self) -> Page:
        """Every reason, then the button."""
        self.give_reasons()
        return self.press("Approve order", acknowledged="yes")


@contextmanager
def hospital(folder: Path, **settings: Any) -> Iterator[Hospital]:
    """A hospital for one test."""
    made = Hospital(folder, **settings)
    yield made
    made.close()
