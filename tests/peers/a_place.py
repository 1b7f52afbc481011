"""The app as its own server on loopback, over a peer: people with browsers on one side, real HTTP to the FHIR server on the other."""

from __future__ import annotations

import secrets
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from an_ehr_server import Wire
from journey.a_hospital import ROOT, Clock, Page, Tab
from peers.a_peer import Peer, free_port
from werkzeug.serving import WSGIRequestHandler, make_server

from ivig_fhir.app import create_app
from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.ehr.loading import load
from ivig_fhir.ehr.retry import Patience
from ivig_fhir.ehr.search import search
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.identifiers import URI
from ivig_fhir.sandbox.cast import read
from ivig_fhir.settings import Settings

CAST = ROOT / "ivig_fhir" / "sandbox" / "cast"
_TABLE = """
[[issuer]]
iss = "{iss}"
name = "{name}"
profile = "{profile}"
[issuer.development]
prescriber = {{ reference = "Practitioner/ivig-test-prescriber", display = "Test Prescriber" }}
pharmacist = {{ reference = "Practitioner/ivig-test-pharmacist", display = "Test Pharmacist" }}
"""


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing."""


class Browser:
    """One person's browser, over real HTTP: its cookies, and redirects followed."""

    def __init__(self) -> None:
        self.http = requests.Session()

    def send(self, method: str, url: str, **asked: Any) -> Page:
        """One request and what its redirects lead to."""
        headers = {**(asked.pop("headers", None) or {})}
        if kind := asked.pop("content_type", ""):
            headers["Content-Type"] = kind
        answer = self.http.request(method, url, headers=headers, timeout=120, **asked)
        return Page(answer.status_code, answer.url, answer.text, dict(answer.headers))

    def get(self, url: str, **asked: Any) -> Page:
        """A page."""
        return self.send("GET", url, **asked)


@dataclass
class Place:
    """The app at `address` over one peer, everything that it sent there, and a client of our own to look at what is stored."""

    peer: Peer
    address: str
    wire: Wire
    clock: Clock
    eyes: FhirClient
    made: dict[str, str] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def canonical(self) -> str:
        """The base of the app's definitions."""
        return f"{self.address}/fhir"

    def cast(self, member: str) -> list[dict[str, Any]]:
        """The chart of a patient of the cast, as of the app's clock."""
        return [e["resource"] for m in read(CAST, self.clock()) if m.id == member for e in m.bundle["entry"]]

    def bring(self, member: str) -> str:
        """Puts a patient of the cast, whose dates are those of the app's clock, on the peer; the id that the peer gave."""
        made: dict[str, str] = {}
        load(self.eyes, self.cast(member), made)
        self.made |= {f"{now} {was}": now for was, now in made.items()}
        return made[f"Patient/{member}"].removeprefix("Patient/")

    def start(self) -> Tab:
        """The app's first page, in a browser of its own."""
        browser = Browser()
        return Tab(browser, browser.get(f"{self.address}/"))  # type: ignore[arg-type]

    def prescriber(self, patient: str) -> Tab:
        """The test prescriber's launch for a patient."""
        browser = Browser()
        asked = urlencode({"iss": self.peer.base, "patient": patient})
        return Tab(browser, browser.get(f"{self.address}/launch?{asked}"))  # type: ignore[arg-type]

    def pharmacist(self, run: str = "") -> Tab:
        """The test pharmacist's worklist, and one order of it."""
        browser = Browser()
        tab = Tab(browser, browser.get(f"{self.address}/launch/pharmacy?{urlencode({'iss': self.peer.base})}"))  # type: ignore[arg-type]
        if run:
            tab.go(next(href for _, href in tab.page.forms.links if run in href))
        return tab

    def orders(self, run: str) -> list[dict[str, Any]]:
        """The immunoglobulin orders of a run, as the peer holds them now."""
        found = search(self.eyes, "MedicationRequest", [("identifier", f"{URI}|urn:uuid:{run}")], fresh=True)
        return [dict(r) for r in found.matches.values()]

    def signatures(self, run: str) -> list[dict[str, Any]]:
        """Every Provenance of a run's order."""
        found = search(self.eyes, "Provenance", [("target", f"MedicationRequest/{self.orders(run)[0]['id']}")], fresh=True)
        return [dict(r) for r in found.matches.values()]

    def looked(self, run: str) -> int:
        """How many orders a search for a run finds that does not ask past the server's cache, spelled as the app spells it."""
        found = search(self.eyes, "MedicationRequest", [("identifier", f"{URI}|urn:uuid:{run}")])
        return len(found.matches)

    def of(self, patient: str, *types: str) -> list[dict[str, Any]]:
        """What the app wrote of these types for a patient, as the peer holds it now: everything that was not brought."""
        brought, held = set(self.made.values()), []
        for type_ in types:
            for form in ("{}", "Patient/{}"):
                found = search(self.eyes, type_, [("patient", form.format(patient))], fresh=True)
                held += [dict(r) for key, r in found.matches.items() if key not in brought and dict(r) not in held]
        return held

    def stored(self, tab: Tab) -> dict[str, dict[str, Any]]:
        """Every part of the order of a receipt page, by role, as the peer holds it now."""
        parts = tab.json["receipt"]["parts"]
        return {p["role"]: self.eyes.read(p["reference"], fresh=True).body for p in parts if p["reference"]}

    def writes(self) -> list[tuple[str, dict[str, Any]]]:
        """Every resource that the app sent, in order, with the method: entries of transactions one by one."""
        sent: list[tuple[str, dict[str, Any]]] = []
        for request in self.wire.sent:
            if request.method not in ("POST", "PUT"):
                continue
            body = decode(request.body)  # type: ignore[arg-type]
            if body["resourceType"] == "Bundle":
                sent += [(e["request"]["method"], e["resource"]) for e in body["entry"]]
            else:
                sent.append((str(request.method), body))
        return sent


@contextmanager
def place(peer: Peer, folder: Path, **settings: str) -> Iterator[Place]:
    """The app running over the peer, for as long as it is used."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    table = folder / "issuers.toml"
    table.write_text(_TABLE.format(iss=peer.base, name=peer.name, profile=peer.profile), encoding="utf-8")
    kept: Mapping[str, str] = {
        "IVIG_BASE_URL": address,
        "IVIG_DATABASE_URL": f"sqlite:///{folder / 'ivig.sqlite'}",
        "IVIG_SECRET_KEYS": f"test:{b64encode(secrets.token_bytes(32)).decode()}",
        "IVIG_ISSUERS": str(table),
        "IVIG_LOG_LEVEL": "ERROR",
    }
    clock, http = Clock(), pooled_session()
    wire = Wire(http.get_adapter(peer.base))
    http.mount(peer.base, wire)
    app = create_app(Settings.from_env({**kept, **settings}), http, clock)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Place(peer, address, wire, clock, FhirClient(peer.base, pooled_session(), timeouts=(10, 180), patience=Patience(total=200)))
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()
