"""A chart over the wire: a FHIR server in a process of its own that answers each request after 50 ms, and what opening a chart on it takes.

Usage: python scripts/bench_wire.py --serve RESOURCES PAGE_SIZE   (prints its port; ends with its standard input)
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from bench_chart import NOW, record

from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.chart.read import read_chart
from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.ehr.search import search
from ivig_fhir.fhir.building import encode

ROOT = Path(__file__).resolve().parent.parent
LATENCY = 0.05
PATIENT = "p1"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
VITALS = ("29463-7", "8302-2", "8480-6", "8462-4", "8867-4", "9279-1", "8310-5", "59408-5")
LIMIT = 1.5  # of the slowest search with all its pages


def opening(content: Content, size: int, page: int, runs: int) -> dict[str, Any]:
    """Medians in ms of opening a chart of so many resources and of its slowest search, alternating; `ratio` is measured against the limit."""
    whole, searches = [], {q.key: [] for q in QUERIES}
    with server(size, page) as base:
        client = FhirClient(base, pooled_session())
        for _ in range(runs + 1):
            whole.append(timed(lambda: read_chart(fetch_answers(client, PATIENT, deadline=60.0), content, NOW, UTC)))
            for query in QUERIES:
                asked = [("patient", PATIENT), *query.params, *(("_include", i) for i in query.include)]
                searches[query.key].append(timed(lambda asked=asked, query=query: search(client, query.type, asked)))
    slowest = max(median(found[1:]) for found in searches.values())  # the first run opens the connections
    opened = median(whole[1:])
    return {
        "open_ms": round(opened, 1),
        "slowest_query_ms": round(slowest, 1),
        "ratio": round(opened / (LIMIT * slowest), 2),
        "page_size": page,
    }


def timed(work: Any) -> float:
    """Milliseconds that something took."""
    at = time.perf_counter()
    work()
    return (time.perf_counter() - at) * 1000


def open_once(base: str) -> None:
    """Opens a chart; for a process whose memory is looked at. ValueError when it was not read whole."""
    content = load_content(ROOT / "order_sets")
    answers = fetch_answers(FhirClient(base, pooled_session()), PATIENT, deadline=120.0)
    if not all(a.complete for a in answers.by_type.values()):
        raise ValueError("the chart was not read whole")
    read_chart(answers, content, NOW, UTC)


@contextmanager
def server(size: int, page: int) -> Iterator[str]:
    """The base of a server with a chart of so many resources, in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--serve", str(size), str(page)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:  # noqa: S603 - a program of ours
        assert running.stdout is not None
        yield f"http://127.0.0.1:{int(running.stdout.readline())}/fhir"
        assert running.stdin is not None
        running.stdin.close()


class _Chart(BaseHTTPRequestHandler):
    """One patient's chart; every answer was made before the server began, and is given after the latency."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    pages: dict[str, bytes]

    def do_GET(self) -> None:
        time.sleep(LATENCY)
        parts = urlsplit(self.path)
        asked = urlencode(sorted((k, v) for k, v in parse_qsl(parts.query) if not k.startswith("_") or k == "_count"))
        body = self.pages.get(f"{parts.path.removeprefix('/fhir/')}?{asked}", b'{"resourceType":"Bundle","type":"searchset"}')
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


def _pages(size: int, page: int) -> dict[str, bytes]:
    """Every answer of the server by its path and sorted query."""
    held = [_categorised(r) for r in record(load_content(ROOT / "order_sets"), size)]
    made = {f"Patient/{PATIENT}?": encode(held[0])}
    for query in QUERIES:
        found = [r for r in held if r["resourceType"] == query.type and _fits(r, dict(query.params))]
        made |= _bundles(query.type, [("patient", PATIENT), *query.params], found, page)
        made |= _bundles(query.type, [("patient", PATIENT), ("_count", "1")], found[:1], page)
    return made


def _bundles(type_: str, asked: list[tuple[str, str]], found: list[dict[str, Any]], page: int) -> dict[str, bytes]:
    made = {}
    for at in range(0, max(len(found), 1), page):
        entries = [{"resource": r, "search": {"mode": "match"}} for r in found[at : at + page]]
        bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
        if at + page < len(found):
            bundle["link"] = [{"relation": "next", "url": f"{type_}?{urlencode([*asked, ('at', str(at + page))])}"}]
        query = urlencode(sorted([*asked, ("at", str(at))] if at else asked))
        made[f"{type_}?{query}"] = encode(bundle)
    return made


def _categorised(resource: dict[str, Any]) -> dict[str, Any]:
    if resource["resourceType"] != "Observation":
        return resource
    code = "vital-signs" if resource["code"]["coding"][0]["code"] in VITALS else "laboratory"
    return {**resource, "category": [{"coding": [{"system": CATEGORY, "code": code}]}]}


def _fits(resource: dict[str, Any], params: dict[str, str]) -> bool:
    if "code" in params:
        return resource["code"]["coding"][0]["code"] in params["code"].split(",")
    return "category" not in params or resource["category"][0]["coding"][0]["code"] == params["category"]


def serve(size: int, page: int) -> None:
    """Serves until the standard input ends."""
    _Chart.pages = _pages(size, page)
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Chart)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, daemon=True).start()
    print(made.server_address[1], flush=True)
    sys.stdin.read()
    made.shutdown()


if __name__ == "__main__":
    serve(int(sys.argv[2]), int(sys.argv[3]))
