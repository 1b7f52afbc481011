"""An EHR that answers what two vendors' sandboxes were recorded to answer, over HTTP on this machine, and nothing else."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Key = tuple[str, tuple[tuple[str, str], ...]]
BASES = {
    "epic": "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4",
    "cerner": "https://fhir-open.cerner.com/r4/ec2458f2-1e24-41c8-b71b-0e701af7583d",
}
STATEMENTS = {"epic": "CapabilityStatement-2026-05-11.json.gz", "cerner": "CapabilityStatement-2026-05-11.json"}
# What each vendor was recorded to answer where it has nothing: to an id that is none, and to what it does not know at all.
NO_ID, NOTHING = "error-404-on-nonexistent-patient-id.json", "error-request-unsupported-resource-type.json"


@dataclass(frozen=True)
class Answer:
    """What was answered: a status, and a body as text."""

    status: int
    text: str
    kind: str = "application/fhir+json"


@dataclass
class RecordedEhr:
    """The recorded answers of one patient's folder by path and sorted query, and what was asked of them."""

    vendor: str
    patient: str
    recorded: dict[Key, Answer]
    no_id: Answer
    nothing: Answer
    base: str = ""
    asked: list[tuple[Key, int]] = field(default_factory=list)

    def answer(self, target: str) -> Answer:
        """What the vendor answered to this; where it was never asked, the 404 of this vendor."""
        key = _key(target)
        found = self.recorded.get(key) or (self.no_id if key[0].startswith("/Patient/") else self.nothing)
        self.asked.append((key, found.status))
        return found

    def unrecorded(self) -> frozenset[str]:
        """The resource types of which something was asked that was not recorded."""
        return frozenset(path.split("/")[1] for (path, _), status in self.asked if status == 404)


@contextmanager
def recorded_ehr(folder: Path, patient: Mapping[str, Any] | None = None) -> Iterator[RecordedEhr]:
    """Serves a folder `<vendor>/patient-<id>` on a free port. `patient` is answered where the folder has no Patient of its own.

    Links in the answers lead to where they led: to this server, under the address that it has here.
    """
    vendor, id_ = folder.parent.name, folder.name.removeprefix("patient-")
    server = folder.parent / "server"
    recorded = {_key(url): answer for url, answer in _answers(folder, vendor)}
    recorded[_key("/metadata")] = Answer(200, json.dumps(_json(server / STATEMENTS[vendor])))
    if patient is not None:
        recorded.setdefault(_key(f"/Patient/{id_}"), Answer(200, json.dumps(patient)))
    ehr = RecordedEhr(vendor, id_, recorded, _answer(_json(server / NO_ID)), _answer(_json(server / NOTHING)))
    made = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, ehr))
    ehr.base = f"http://127.0.0.1:{made.server_address[1]}{urlsplit(BASES[vendor]).path}"
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield ehr
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def _answers(folder: Path, vendor: str) -> Iterator[tuple[str, Answer]]:
    for path in sorted(folder.glob("*.json*"), reverse=True):  # of two recordings of one question the first by name counts
        kept = _json(path)
        if "_request" in kept:
            yield kept["_request"]["url"].removeprefix(BASES[vendor]), _answer(kept)


def _answer(kept: Mapping[str, Any]) -> Answer:
    body = kept["body"]
    if "_non_json_body" in body:
        return Answer(kept["_request"]["status"], body["_non_json_body"], "text/html")
    return Answer(kept["_request"]["status"], json.dumps(body))


def _json(path: Path) -> Any:
    data = path.read_bytes()
    return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)


def _key(target: str) -> Key:
    parts = urlsplit(target)
    return parts.path, tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, ehr: RecordedEhr, *args: Any) -> None:
        self.ehr = ehr
        super().__init__(*args)

    def do_GET(self) -> None:
        found = self.ehr.answer(self.path.removeprefix(urlsplit(BASES[self.ehr.vendor]).path))
        body = found.text.replace(BASES[self.ehr.vendor], self.ehr.base).encode()
        self.send_response(found.status)
        self.send_header("Content-Type", found.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""
