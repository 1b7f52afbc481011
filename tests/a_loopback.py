"""A FHIR server on a loopback address of its own: real connections, answers that a test computes, slow and broken ones among them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.ehr.retry import Patience
from ivig_fhir.fhir.building import encode

FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True)
class Asked:
    """One request as it came: the path below the base, its parameters, its headers in small letters."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def type(self) -> str:
        """The type that is searched or read."""
        return self.path.partition("/")[0]


@dataclass(frozen=True)
class Said:
    """One answer. `pieces` are sent one after the other, whatever a Content-Length promised; a piece may be a function that waits."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes | Callable[[], bytes], ...] = ()

    @property
    def content(self) -> bytes:
        """The body as it goes out: bytes as they are, anything else as JSON."""
        return self.body if isinstance(self.body, bytes) else b"" if self.body is None else encode(self.body)


@dataclass
class Loopback:
    """The server: `answer` is asked for each request, in the order in which they came they are in `asked`."""

    base: str
    answer: Callable[[Asked], Said]
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, patience: Patience | None = None) -> FhirClient:
        """A client of it, with the app's own session."""
        return FhirClient(self.base, pooled_session(), patience=patience or Patience())

    def searches(self, type_: str) -> list[Mapping[str, str]]:
        """The parameters of each search of a type."""
        return [a.params for a in self.asked if a.path == type_]

    def take(self, asked: Asked) -> Said:
        """One request, counted while it lasts."""
        with self._lock:
            self.asked.append(asked)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.answer(asked)
        finally:
            with self._lock:
                self.at_once -= 1


@contextmanager
def loopback(answer: Callable[[Asked], Said]) -> Iterator[Loopback]:
    """A server for one test; it answers `answer`, and ends with the test."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.block_on_close = True, False
    made = Loopback(f"http://127.0.0.1:{server.server_address[1]}/fhir", answer)
    server.take = made.take  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer leaves as one piece: its head does not wait for the body's acknowledgement

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer()

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        headers = {k.lower(): v for k, v in self.headers.items()}
        asked = Asked(parts.path.removeprefix("/fhir").strip("/"), dict(parse_qsl(parts.query)), headers)
        said = self.server.take(asked)  # type: ignore[attr-defined]
        with suppress(OSError):  # whoever asked may have gone
            self._send(said)

    def _send(self, said: Said) -> None:
        self.send_response(said.status)
        kept = {"Content-Type": FHIR_JSON, "Content-Length": str(len(said.content)), **said.headers}
        for name, value in kept.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.content)
        self.wfile.flush()
        for piece in said.pieces:
            self.wfile.write(piece if isinstance(piece, bytes) else piece())
            self.wfile.flush()
        self.close_connection = self.close_connection or bool(said.pieces)

    def log_message(self, format: str, *args: Any) -> None:
        """A test's server is silent."""


def recorded(*answers: tuple[str, int, Any]) -> Callable[[Asked], Said]:
    """What a server answered to (address, status, body), by path and sorted query, whatever its host; 404 for what was not recorded."""
    kept = {_key(url): Said(status, body) for url, status, body in answers}
    nothing = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found", "diagnostics": "not recorded"}]}

    def answer(asked: Asked) -> Said:
        return kept.get((asked.path, tuple(sorted(asked.params.items()))), Said(404, nothing))

    return answer


def _key(url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The path below the base (from the type on) and the sorted query of a recorded address."""
    parts = urlsplit(url)
    names = parts.path.strip("/").split("/")
    first = next(n for n, name in enumerate(names) if name[:1].isupper() and name.isalpha() and name not in ("FHIR", "R4"))
    return "/".join(names[first:]), tuple(sorted(parse_qsl(parts.query)))
