"""An update changes what it means to change: everything else leaves with the very text that the server gave, over a real connection."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from an_approved_order import LATER, PHARMACIST, as_stored, written
from an_order import BASE

from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.ehr.modes import WriteMode
from ivig_fhir.ehr.write import write
from ivig_fhir.errors import ChangedInEhr
from ivig_fhir.fhir.building import encode
from ivig_fhir.order.bundle import Abilities
from ivig_fhir.order.decision import Act, Reason, Stored, answer_transaction, decision_transaction
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import Transaction

COVERAGE = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
# What somebody else put on our resources: extensions that we do not know, with numbers spelt as nobody else would.
FOREIGN = (
    '"extension":[{"url":"' + COVERAGE + '","extension":[{"url":"covered","valueCode":"conditional"},'
    '{"url":"share","valueDecimal":0.10},{"url":"limit","valueDecimal":1E2},{"url":"factor","valueDecimal":1.50},'
    '{"url":"least","valueDecimal":0.0000001},{"url":"note","valueString":"«über» <b>&amp;</b> / \\" \\\\ \\n"},'
    '{"url":"serial","valueInteger":100}]}]'
)
REASON = Reason("weight", "The weight is to be confirmed", "Is 82 kg from this week?")
ACTS = {
    "verify": lambda held: decision_transaction(held, act(OrderState.VERIFIED, None)),
    "query": lambda held: decision_transaction(held, act(OrderState.QUERIED)),
    "reject": lambda held: decision_transaction(held, act(OrderState.REJECTED)),
    "answer": lambda held: answer_transaction(held, PHARMACIST, LATER, "82 kg, measured today."),
    "withdraw": lambda held: decision_transaction(held, act(OrderState.CANCELLED, Reason("", "Withdrawn", "Not needed any more."))),
}
# What an act of ours may change on a resource; every other element is the server's own.
OURS = {"status", "statusReason", "businessStatus", "lastModified", "owner", "output", "note", "text"}


def act(state: OrderState, reason: Reason | None = REASON) -> Act:
    return Act(state, PHARMACIST, LATER, "sha256:seen", BASE, "0.1.0", reason)


def raw(text: bytes) -> dict[str, bytes]:
    """Every element of a resource as it is spelt."""
    return {name: bytes(value) for name, value in msgspec.json.decode(text, type=dict[str, msgspec.Raw]).items()}


class Server:
    """Keeps resources as the bytes that it was given, and every request; `stale` answers each write with that status."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.puts: dict[str, tuple[str, bytes]] = {}
        self.stale = 0

    def keep(self, resource: dict[str, Any], note: str = "") -> None:
        """Stores a resource with what a foreign hand added to it."""
        bare = {k: v for k, v in resource.items() if k not in ("extension", "note", "meta")}
        more = f'{FOREIGN},"meta":{{"versionId":"7","tag":[{{"code":"theirs"}}]}}' + (f',"note":[{note}]' if note else "")
        self.held[f"{resource['resourceType']}/{resource['id']}"] = encode(bare)[:-1] + b"," + more.encode() + b"}"

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = server.held.get(self.path.partition("?")[0].removeprefix("/fhir/"))
                if found is None:
                    self._answer(200, b'{"resourceType":"Bundle","type":"searchset"}')
                else:
                    self._answer(200, found, ETag='W/"7"')

            def do_PUT(self) -> None:
                where, body = self.path.removeprefix("/fhir/"), self._body()
                server.puts[where] = (self.headers.get("If-Match", ""), body)
                self._answer(server.stale or 200, b"" if server.stale else body, ETag='W/"8"')

            def do_POST(self) -> None:
                body = self._body()
                if self.path.rstrip("/") != "/fhir":
                    self._answer(201, b"", Location=f"{self.path}/new/_history/1")
                    return
                answers = []
                entries = msgspec.json.decode(body, type=dict[str, msgspec.Raw])["entry"]
                for one in msgspec.json.decode(bytes(entries), type=list[dict[str, msgspec.Raw]]):
                    request = json.loads(bytes(one["request"]))
                    url = request["url"] if request["method"] == "PUT" else f"{request['url']}/new"
                    if request["method"] == "PUT":
                        server.puts[url] = (request["ifMatch"], bytes(one["resource"]))
                    answers.append({"response": {"status": "200", "location": f"{url}/_history/8"}})
                made = json.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": answers}).encode()
                self._answer(server.stale or 200, b"" if server.stale else made)

            def _body(self) -> bytes:
                return self.rfile.read(int(self.headers["Content-Length"]))

            def _answer(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Type": "application/fhir+json", "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        return Handler


@contextmanager
def serving() -> Iterator[tuple[Server, FhirClient]]:
    """A server on this machine that holds one order with its group and its task, and a client of it."""
    made = Server()
    held, _ = as_stored(written())
    for role in ("medication-request", "request-group"):
        made.keep(held[role])
    made.keep(held["task"], '{"text":"was there before","time":"2026-03-01T00:00:00.000+00:00"}')
    web = ThreadingHTTPServer(("127.0.0.1", 0), made.handler())
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    try:
        yield made, FhirClient(f"http://127.0.0.1:{web.server_address[1]}/fhir", pooled_session())
    finally:
        web.shutdown()
        web.server_close()
        thread.join(timeout=10)


def act_on(server: Server, client: FhirClient, name: str) -> Transaction:
    def read(type_: str) -> dict[str, Any]:
        return dict(client.read(next(k for k in server.held if k.startswith(f"{type_}/")), fresh=True).body)

    return ACTS[name](Stored(read("MedicationRequest"), read("RequestGroup"), read("Task")))


def how(mode: Any) -> WriteMode:
    return WriteMode(mode, "", Abilities(frozenset({"Provenance"}), frozenset()))


@pytest.mark.parametrize("mode", ["transaction", "sequential"])
@pytest.mark.parametrize("name", ACTS)
def test_every_element_that_an_act_does_not_change_is_sent_as_it_was_spelt(name: str, mode: str) -> None:
    with serving() as (server, client):
        write(client, act_on(server, client, name), how(mode))
        assert server.puts
        for where, (if_match, body) in server.puts.items():
            before, sent = raw(server.held[where]), raw(body)
            assert if_match == 'W/"7"'
            assert {k: v for k, v in sent.items() if k not in OURS} == {k: v for k, v in before.items() if k not in OURS}
            assert FOREIGN.encode() in body
            assert [k for k in sent if k in before] == [k for k in before if k in sent], "and in the server's own order"
            if "note" in before:
                assert sent["note"].startswith(before["note"][:-1])


@pytest.mark.parametrize("mode", ["transaction", "sequential"])
@pytest.mark.parametrize("status", [409, 412])
def test_a_version_that_moved_is_changed_since_review_whichever_way_the_server_says_it(status: int, mode: str) -> None:
    with serving() as (server, client):
        made = act_on(server, client, "verify")
        for where in server.held:
            server.held[where] = server.held[where].replace(b'"versionId":"7"', b'"versionId":"9"')
        server.stale = status
        with pytest.raises(ChangedInEhr):
            write(client, made, how(mode))
