"""A test stand of real processes: app, fault proxy and sandbox EHR; browsers that press, and both stores read past everybody."""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin

import requests

from ivig_fhir.order.states import OrderState
from ivig_fhir.sandbox.cast import read
from ivig_fhir.sandbox.settings import CAST
from ivig_fhir.smart.client_keys import make_key
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit, client_keys, orders, outbox, proposals, rechecks
from ivig_fhir.store.database import Database, connect
from ivig_fhir.store.orders import Order
from ivig_fhir.store.seal import KeyRing

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEY = base64.b64encode(b"k" * 32).decode()
# A base, a type, or one resource: where orders and decisions are written and looked for, as opposed to sign-in.
FHIR = r"^/fhir(/[A-Z]|/?$|\?)"
JSON = {"Accept": "application/json"}
NOTE = "Discussed on the round; creatinine each morning is in this order."


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Nursery:
    """The process that the others are forked from."""

    def __init__(self) -> None:
        command = [sys.executable, str(HERE / "a_nursery.py")]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **asked: Any) -> dict[str, Any]:
        """One command."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def close(self) -> None:
        """Ends it, and whatever it started."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=30)
        self.process.kill()  # what it started dies with it
        self.process.wait()


class Proxy:
    """The fault proxy, and its controls."""

    def __init__(self, upstream: int) -> None:
        command = [sys.executable, str(HERE / "a_fault_proxy.py"), f"127.0.0.1:{upstream}"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        port, control = self.process.stdout.readline().split()
        self.base, self.control, self.http = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{control}", requests.Session()

    def schedule(self, *rules: Mapping[str, Any]) -> None:
        """The faults from here on."""
        answer = self.http.put(f"{self.control}/schedule", json=[dict(rule) for rule in rules])
        assert answer.status_code == 200, answer.text

    def seen(self) -> list[dict[str, Any]]:
        """What came through since the schedule was set, once nothing is under way."""
        found: list[dict[str, Any]] = self.http.get(f"{self.control}/seen").json()
        return found

    def held(self) -> bool:
        """Waits until a request is held."""
        return bool(self.http.get(f"{self.control}/held").json()["held"])

    def holding(self) -> bool:
        """Whether a request is held at this moment."""
        return bool(self.http.get(f"{self.control}/holding").json()["held"])

    def release(self, how: str) -> None:
        """Lets the held requests go: `forward` or `drop`."""
        self.http.post(f"{self.control}/release", json={"how": how})

    def close(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)


@dataclass(frozen=True)
class Said:
    """What a press led to: the status (0 when the app died or did not answer), the JSON where there was some, the points reached."""

    status: int
    body: Any = None
    points: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Tab:
    """One session of one person, used as a script does."""

    stand: Stand
    http: requests.Session
    url: str
    csrf: str = ""

    def press(self, where: str, body: Mapping[str, Any], die: str = "") -> Said:
        """A POST relative to the session, with the app armed to die at a point."""
        headers = {**JSON, "X-CSRF-Token": self.csrf, "X-Die": die}
        try:
            answer = self.http.post(urljoin(self.url, where), json=dict(body), headers=headers, allow_redirects=False, timeout=60)
        except requests.RequestException:
            return Said(0)
        return _said(answer)

    def twin(self) -> Tab:
        """The same session on another connection, for a press at the same moment."""
        http = requests.Session()
        http.cookies.update(self.http.cookies)
        return Tab(self.stand, http, self.url, self.csrf)

    def look(self, where: str, die: str = "") -> Said:
        """A GET relative to the session."""
        try:
            answer = self.http.get(urljoin(self.url, where), headers={**JSON, "X-Die": die}, timeout=60)
        except requests.RequestException:
            return Said(0)
        said = _said(answer)
        if isinstance(said.body, dict):
            self.csrf = said.body.get("csrf", self.csrf)
        return said


def _said(answer: requests.Response) -> Said:
    body = None
    with suppress(ValueError):
        body = answer.json()
    return Said(answer.status_code, body, json.loads(answer.headers.get("X-Points", "{}")))


class Stand:
    """App, proxy and EHR, with stores of their own in a folder; `database` is the address of the app's.

    `broken` names a wrong writer of the nursery, to see that it is found.
    """

    def __init__(self, nursery: Nursery, folder: Path, database: str, broken: str = "") -> None:
        self.nursery, self.folder, self.broken = nursery, folder, broken
        folder.mkdir(parents=True, exist_ok=True)
        self.moved = 0
        self.clock = folder / "clock"
        self.clock.write_text("0", encoding="ascii")
        port, self.port = free_port(), free_port()
        self.app_base, self.direct = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{port}"
        self.proxy = Proxy(port)
        self.ehr_file = folder / "ehr.sqlite"
        asked = {"port": port, "base": self.proxy.base, "app": self.app_base, "database": str(self.ehr_file), "clock": str(self.clock)}
        assert nursery.ask(start="ehr", **asked)["serving"]
        self.env = {
            "IVIG_BASE_URL": self.app_base,
            "IVIG_DATABASE_URL": database,
            "IVIG_SECRET_KEYS": f"test:{KEY}",
            "IVIG_ISSUERS": str(self._issuers()),
            "IVIG_LOG_LEVEL": "ERROR",
        }
        self.pid = 0
        self.starts = 0
        self.start()
        self.kept = Database(connect(database), KeyRing.read([("test", KEY)]))
        with self.kept.write() as tx:
            client_keys.add(tx, make_key("ES384"), datetime.now(UTC), timedelta())  # with which deliver proves itself
        self.held = sqlite3.connect(f"file:{self.ehr_file}?mode=ro", uri=True)

    @property
    def tenancy(self) -> Tenancy:
        """Where the runs belong."""
        return Tenancy(f"{self.proxy.base}/fhir")

    def _issuers(self) -> Path:
        base = self.proxy.base
        text = (ROOT / "issuers.toml").read_text(encoding="utf-8").replace("http://127.0.0.1:5001", base)
        path = self.folder / "issuers.toml"
        path.write_text(text, encoding="utf-8")
        return path

    # ── Processes ────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """The app, where it is not running."""
        if self.pid and self.nursery.ask(look=self.pid)["ended"] is None:
            return
        born = self.nursery.ask(start="app", port=self.port, env=self.env, clock=str(self.clock), broken=self.broken)
        assert born["serving"], born
        self.pid = born["pid"]
        self.starts += 1

    def died(self) -> bool:
        """Whether the app killed itself meanwhile; it is buried then."""
        if self.pid and self.nursery.ask(look=self.pid)["ended"] is not None:
            self.pid = 0
        return not self.pid

    def kill(self) -> None:
        """SIGKILL, whatever it is doing."""
        if self.pid:
            assert self.nursery.ask(kill=self.pid)["ended"] == -9
        self.pid = 0

    def deliver(self, die: str = "") -> Said:
        """`ivig-fhir deliver`, once: its exit code (minus the signal that ended it), what it printed, the points that it reached."""
        out = self.folder / "deliver"
        asked = {"env": self.env, "clock": str(self.clock), "die": die, "out": str(out)}
        code = self.nursery.ask(start="deliver", **asked)["ended"]
        lines = out.read_text(encoding="utf-8").splitlines()
        return Said(code, "; ".join(lines[:-1]), json.loads(lines[-1])) if code >= 0 else Said(code, "; ".join(lines))

    def wait(self, seconds: int) -> None:
        """Time passes, for app and EHR."""
        self.moved += seconds
        self.clock.write_text(str(self.moved), encoding="ascii")

    def close(self) -> None:
        """Ends app and proxy; the EHR ends with the nursery."""
        self.kill()
        self.held.close()
        self.kept.engine.dispose()
        self.proxy.close()

    # ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def load(self, story: str, patient: str) -> None:
        """A patient like one of the cast, under another id, straight into the EHR."""
        member = next(m for m in read(CAST, datetime.now(UTC) + timedelta(seconds=self.moved)) if m.id == story)
        text = json.dumps(member.bundle, default=float).replace(story, patient)
        answer = requests.post(f"{self.direct}/ehr/patients", data=text, headers={"Content-Type": "application/json"}, timeout=30)
        assert answer.status_code == 201, answer.text

    def launch(self, patient: str, user: str = "prescriber", target: str = "orders") -> Tab:
        """The EHR's button: somebody is signed in, in a browser of their own; a prescriber is on the order."""
        http = requests.Session()
        asked = urlencode({"patient": patient, "user": user, "target": target})
        url = f"{self.direct}/ehr/launch?{asked}"
        while "/s/" not in url:
            answer = http.get(url, headers=JSON, allow_redirects=False, timeout=60)
            assert answer.is_redirect, (answer.status_code, url, answer.text[:400])
            url = urljoin(url, answer.headers["Location"])
        tab = Tab(self, http, f"{url.partition('/s/')[0]}/s/{url.partition('/s/')[2].partition('/')[0]}/")
        opened = tab.look(f"{target}/")
        assert opened.status == 200, opened
        return tab

    # ── Both stores ──────────────────────────────────────────────────────────────────────────────────────────────────

    def written(self, patient: str) -> list[dict[str, Any]]:
        """Every resource that clients have written about a patient, as the EHR holds it now."""
        # A Provenance names what it is about, not the patient.
        sql = (
            "with own (type, id) as (select type, id from link where target = ?) "
            "select r.body from resource r where r.current = 1 and r.deleted = 0 and r.method != 'LOAD' and ("
            "exists (select 1 from own where own.type = r.type and own.id = r.id) or r.type = 'Provenance' and exists "
            "(select 1 from link l join own on l.target = own.type || '/' || own.id where l.type = r.type and l.id = r.id)) order by r.seq"
        )
        return [json.loads(row[0]) for row in self.held.execute(sql, (f"Patient/{patient}",))]

    def state(self, run: str) -> str:
        """The app's word on a run."""
        with self.kept.read() as tx:
            return proposals.load(tx, self.tenancy, run).state

    def order(self, run: str) -> Order | None:
        """The approved order, if there is one."""
        with self.kept.read() as tx, suppress(Exception):
            return orders.load(tx, self.tenancy, run)
        return None

    def runs(self, patient: str) -> list[str]:
        """Every run of a patient, oldest first."""
        with self.kept.read() as tx:
            return [r.run for r in proposals.in_state(tx, self.tenancy, tuple(OrderState)) if r.patient == patient]

    def looks(self, run: str) -> tuple[rechecks.Recheck, ...]:
        """What was looked at before its infusions, oldest first."""
        with self.kept.read() as tx:
            return rechecks.of_run(tx, run)

    def audit(self) -> tuple[str, ...]:
        """What is wrong with the audit chain."""
        with self.kept.read() as tx:
            return audit.verify(tx)

    def waiting(self) -> list[str]:
        """The runs in the outbox."""
        with self.kept.read() as tx:
            return [one.run for one in outbox.waiting(tx)]


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A warm interpreter to fork from."""
    made = Nursery()
    try:
        yield made
    finally:
        made.close()
