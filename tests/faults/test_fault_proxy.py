"""The fault proxy: each fault does what its name says, seen from the app's side and from the EHR's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import requests
from faults.a_fault_proxy import FAULTS
from faults.a_stand import Proxy

BODY = b'{"resourceType": "Patient", "id": "one", "text": "' + b"x" * 4000 + b'"}'


class Ehr(BaseHTTPRequestHandler):
    """Keeps what it gets, and answers the same to everything."""

    got: ClassVar[list[tuple[str, str, bytes, str]]] = []

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.got.append((self.command, self.path, body, self.headers.get("If-None-Exist", "")))
        self.send_response(201)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("ETag", 'W/"1"')
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    do_GET = do_POST = do_PUT = _serve

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    """A proxy before an EHR that keeps what it gets."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ehr)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = Proxy(server.server_port)
    yield made
    made.close()
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def _nothing_yet() -> None:
    Ehr.got.clear()


def post(proxy: Proxy, path: str = "/fhir", timeout: float = 10) -> requests.Response:
    """A write, as the app sends it: status and headers first, then the body as it comes."""
    headers = {"Content-Type": "application/fhir+json", "If-None-Exist": "identifier=a"}
    return requests.post(f"{proxy.base}{path}", data=b"{}", headers=headers, timeout=timeout)


def test_without_a_schedule_everything_passes_unchanged(proxy: Proxy) -> None:
    proxy.schedule()
    answer = post(proxy, "/fhir?x=1")
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (201, BODY, 'W/"1"')
    assert Ehr.got == [("POST", "/fhir?x=1", b"{}", "identifier=a")]
    seen = {"method": "POST", "path": "/fhir?x=1", "fault": "", "deliveries": 1, "status": 201, "gone": False}
    assert proxy.seen() == [seen]


def test_dropped_before_it_is_sent_it_never_reaches_the_ehr(proxy: Proxy) -> None:
    proxy.schedule({"fault": "drop-before-send"})
    with pytest.raises(requests.ConnectionError, match="without response"):
        post(proxy)
    assert Ehr.got == []


def test_dropped_after_the_commit_the_ehr_has_it_and_the_app_hears_nothing(proxy: Proxy) -> None:
    proxy.schedule({"fault": "drop-after-commit"})
    with pytest.raises(requests.ConnectionError, match="without response"):
        post(proxy)
    assert len(Ehr.got) == 1


def test_a_delayed_request_arrives_late_also_when_nobody_waits_any_more(proxy: Proxy) -> None:
    proxy.schedule({"fault": "delay", "seconds": 0.4})
    with pytest.raises(requests.ReadTimeout):
        post(proxy, timeout=0.1)
    assert Ehr.got == []
    [line] = proxy.seen()
    assert (line["deliveries"], line["gone"], len(Ehr.got)) == (1, True, 1)


def test_a_delayed_answer_is_whole_for_whoever_waits(proxy: Proxy) -> None:
    proxy.schedule({"fault": "delay", "seconds": 0.1})
    assert post(proxy).content == BODY
    assert [line["gone"] for line in proxy.seen()] == [False]


@pytest.mark.parametrize("fault", ["truncate", "reset-in-body"])
def test_half_a_body_arrives_after_the_status(proxy: Proxy, fault: str) -> None:
    proxy.schedule({"fault": fault})
    with requests.post(f"{proxy.base}/fhir", data=b"{}", stream=True, timeout=10) as answer:
        assert answer.status_code == 201
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            answer.content  # noqa: B018 - reading is what fails
    assert len(Ehr.got) == 1


@pytest.mark.parametrize(("fault", "ending"), [("truncate", b""), ("reset-in-body", ConnectionResetError)])
def test_a_truncated_body_ends_in_good_order_and_a_reset_one_with_a_reset(proxy: Proxy, fault: str, ending: Any) -> None:
    proxy.schedule({"fault": fault, "methods": ["GET"]})
    host, port = proxy.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"GET /fhir/Patient/one HTTP/1.1\r\nHost: x\r\n\r\n")
        got, end = b"", None
        try:
            while data := raw.recv(65536):
                got += data
            end = b""
        except ConnectionResetError:
            end = ConnectionResetError
    assert end == ending
    assert len(got.partition(b"\r\n\r\n")[2]) <= len(BODY) // 2


@pytest.mark.parametrize("status", [401, 403, 409, 412, 429, 500, 502])
@pytest.mark.parametrize("delivered", [False, True])
def test_an_error_is_an_outcome_with_or_without_the_deed(proxy: Proxy, status: int, delivered: bool) -> None:
    proxy.schedule({"fault": "status", "status": status, "retry_after": "2", "delivered": delivered})
    answer = post(proxy)
    assert (answer.status_code, answer.json()["resourceType"], answer.headers["Retry-After"]) == (status, "OperationOutcome", "2")
    assert len(Ehr.got) == int(delivered)


@pytest.mark.parametrize("delivered", [False, True])
def test_html_and_emptiness_come_with_the_status_of_a_success(proxy: Proxy, delivered: bool) -> None:
    proxy.schedule({"fault": "html", "delivered": delivered})
    page = post(proxy)
    assert (page.status_code, page.headers["Content-Type"], b"<html>" in page.content) == (200, "text/html", True)
    proxy.schedule({"fault": "empty", "delivered": delivered})
    nothing = post(proxy)
    assert (nothing.status_code, nothing.content) == (200, b"")
    assert len(Ehr.got) == 2 * delivered


def test_a_duplicate_reaches_the_ehr_twice_and_is_answered_once(proxy: Proxy) -> None:
    proxy.schedule({"fault": "duplicate"})
    assert post(proxy).status_code == 201
    assert Ehr.got == [("POST", "/fhir", b"{}", "identifier=a")] * 2
    assert [line["deliveries"] for line in proxy.seen()] == [2]


@pytest.mark.parametrize(("how", "reaches"), [("forward", 1), ("drop", 0)])
def test_a_held_request_waits_until_it_is_let_go(proxy: Proxy, how: str, reaches: int) -> None:
    proxy.schedule({"fault": "hold"})
    answers: list[Any] = []

    def send() -> None:
        try:
            answers.append(post(proxy).status_code)
        except requests.ConnectionError:
            answers.append("dropped")

    sender = threading.Thread(target=send)
    sender.start()
    assert proxy.held()
    assert (Ehr.got, answers) == ([], [])
    proxy.release(how)
    sender.join(10)
    assert (answers, len(Ehr.got)) == ([201] if reaches else ["dropped"], reaches)


def test_a_rule_meets_the_requests_that_it_names_and_no_others(proxy: Proxy) -> None:
    proxy.schedule({"fault": "status", "methods": ["GET"], "path": r"^/fhir/Task\b", "nth": 2, "times": 2})
    tasks = [requests.get(f"{proxy.base}/fhir/Task?x={n}", timeout=10).status_code for n in range(5)]
    assert tasks == [201, 500, 500, 201, 201]
    assert requests.get(f"{proxy.base}/fhir/TaskX", timeout=10).status_code == 201
    assert post(proxy, "/fhir/Task").status_code == 201


def test_two_rules_count_on_their_own_and_the_first_that_is_met_is_the_fault(proxy: Proxy) -> None:
    proxy.schedule({"fault": "status", "nth": 2, "status": 502}, {"fault": "status", "nth": 1, "times": 3, "status": 429})
    assert [post(proxy).status_code for _ in range(4)] == [429, 502, 429, 201]


def test_a_rule_that_is_none_is_refused(proxy: Proxy) -> None:
    for wrong in ({"fault": "explode"}, {"fault": "html", "colour": "red"}):
        assert proxy.http.put(f"{proxy.control}/schedule", json=[wrong], timeout=10).status_code == 400


def test_the_named_faults_are_all_there() -> None:
    asked = {"drop-before-send", "drop-after-commit", "delay", "truncate", "status", "html", "empty", "reset-in-body", "duplicate"}
    assert set(FAULTS) == asked | {"hold"}
