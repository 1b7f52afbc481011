"""A proxy that fails on purpose between the app and an EHR: a small process of its own, faults by a schedule that is given over HTTP.

Usage: python a_fault_proxy.py HOST:PORT

Prints the port to send requests to and the port of its controls; ends when its standard input does. The controls, all JSON:

    PUT  /schedule   a list of rules (below); the counts begin again
    GET  /seen       every request since the last schedule: method, path, fault, how often it was delivered, status, and whether
                     whoever sent it had gone by the time that it was delivered; answers when nothing is under way, held requests aside
    GET  /held       answers once a request is held; GET /holding at once, whether one is
    POST /release    {"how": "forward"} or {"how": "drop"}: what becomes of the held requests

A rule: `fault` (a name of FAULTS), `methods`, `path` (a regular expression), `nth` (the first request that fits and fails, from 1), `times`,
`seconds` (delay), `status` and `retry_after` (status). `delivered` says of an answer that the proxy invents whether the EHR got the request.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HTML = b"<!DOCTYPE html><html><body><h1>Gateway</h1><p>Please sign in to the hospital network.</p></body></html>"
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"})


@dataclass(frozen=True)
class Rule:
    """One fault: what it is, and which requests it meets."""

    fault: str
    methods: tuple[str, ...] = ("POST", "PUT")
    path: str = ""
    nth: int = 1
    times: int = 1
    seconds: float = 0.0
    status: int = 500
    retry_after: str = ""
    delivered: bool = False

    @classmethod
    def read(cls, data: dict[str, Any]) -> Rule:
        """A rule as JSON. TypeError for a key that is none, ValueError for a fault that is none."""
        rule = cls(**{**data, "methods": tuple(data.get("methods", cls.methods))})
        if rule.fault not in FAULTS:
            raise ValueError(f"{rule.fault!r} is no fault; there are {', '.join(FAULTS)}")
        return rule

    def fits(self, method: str, path: str) -> bool:
        """Whether a request is one of those that it counts."""
        return method in self.methods and re.search(self.path, path) is not None


@dataclass
class Answer:
    """What the EHR said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Plan:
    """The schedule in force and what was seen under it; shared by all threads."""

    rules: list[Rule] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    under_way: int = 0
    held: int = 0
    release: str = ""
    changed: threading.Condition = field(default_factory=threading.Condition)

    def replace(self, rules: list[Rule]) -> None:
        """Another schedule."""
        with self.changed:
            self.rules, self.counts, self.seen = rules, [0] * len(rules), []

    def begin(self, method: str, path: str) -> tuple[Rule | None, dict[str, Any]]:
        """A request comes in: the first rule that it meets, and its line in the list."""
        with self.changed:
            met = None
            for at, rule in enumerate(self.rules):
                if rule.fits(method, path):
                    self.counts[at] += 1
                    if met is None and rule.nth <= self.counts[at] < rule.nth + rule.times:
                        met = rule
            line = {"method": method, "path": path, "fault": met.fault if met else "", "deliveries": 0, "status": 0, "gone": False}
            self.seen.append(line)
            self.under_way += 1
            return met, line

    def end(self) -> None:
        """It is over."""
        with self.changed:
            self.under_way -= 1
            self.changed.notify_all()

    def hold(self) -> str:
        """Waits until it is said what becomes of what is held."""
        with self.changed:
            self.release = ""
            self.held += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.release, timeout=60)
            self.held -= 1
            self.changed.notify_all()
            return self.release or "drop"

    def let_go(self, how: str) -> None:
        """Says it."""
        with self.changed:
            self.release = how
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.held == 0, timeout=60)

    def when_held(self) -> bool:
        """Waits until something is held; False where nothing was within half a minute."""
        with self.changed:
            return self.changed.wait_for(lambda: self.held > 0, timeout=30)

    def quiet(self) -> list[dict[str, Any]]:
        """The list, once nothing is under way but what is held."""
        with self.changed:
            self.changed.wait_for(lambda: self.under_way == self.held, timeout=60)
            return [dict(line) for line in self.seen]


PLAN = Plan()
UPSTREAM = ("127.0.0.1", 0)


class Between(BaseHTTPRequestHandler):
    """One connection of the app."""

    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rule, line = PLAN.begin(self.command, self.path)
        try:
            with suppress(OSError):
                FAULTS[rule.fault](self, rule, body, line) if rule else self.reply(self.deliver(body, line), line)
        finally:
            PLAN.end()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

    def deliver(self, body: bytes, line: dict[str, Any]) -> Answer:
        """Hands the request to the EHR, once."""
        line["gone"] = self.gone()
        line["deliveries"] += 1
        there = http.client.HTTPConnection(*UPSTREAM, timeout=60)
        try:
            kept = {k: v for k, v in self.headers.items() if k.lower() not in ("connection", "accept-encoding", "content-length")}
            there.request(self.command, self.path, body or None, {**kept, "Connection": "close"})
            answer = there.getresponse()
            return Answer(answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in HOP], answer.read())
        finally:
            there.close()

    def reply(self, answer: Answer, line: dict[str, Any], sent: int | None = None) -> None:
        """Answers the app; only the first `sent` bytes of the body where that is given."""
        line["status"] = answer.status
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[:sent])

    def gone(self) -> bool:
        """Whether the app has closed the connection, or died."""
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Ends the connection as a server that goes away does."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Ends the connection with a RST: what was not read yet is lost with it."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, *_: Any) -> None:
        """Nothing: addresses name patients."""


Fault = Callable[[Between, Rule, bytes, dict[str, Any]], None]


def drop_before_send(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """The request never reaches the EHR, and nothing is answered."""
    at.close()


def drop_after_commit(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """The EHR did it, and nothing is answered."""
    at.deliver(body, line)
    at.close()


def delay(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """The request reaches the EHR some seconds later, whether or not anybody still waits for the answer."""
    time.sleep(rule.seconds)
    at.reply(at.deliver(body, line), line)


def truncate(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """Half of the answer's body arrives, and then the connection ends in good order."""
    answer = at.deliver(body, line)
    at.reply(answer, line, len(answer.body) // 2)
    at.close()


def reset_in_body(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """Half of the answer's body arrives, and then the connection is reset."""
    answer = at.deliver(body, line)
    at.reply(answer, line, len(answer.body) // 2)
    at.reset()


def status(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """An error with an OperationOutcome; `delivered` says whether the EHR did it all the same, as behind a gateway that gave up."""
    if rule.delivered:
        at.deliver(body, line)
    issue = {"severity": "error", "code": "transient", "details": {"text": "A fault on purpose."}}
    said = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    headers = [("Content-Type", "application/fhir+json"), *([("Retry-After", rule.retry_after)] if rule.retry_after else [])]
    at.reply(Answer(rule.status, headers, said), line)


def html(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """A page for people, with the status of a success."""
    if rule.delivered:
        at.deliver(body, line)
    at.reply(Answer(200, [("Content-Type", "text/html")], HTML), line)


def empty(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """A success that says nothing."""
    if rule.delivered:
        at.deliver(body, line)
    at.reply(Answer(200, [], b""), line)


def duplicate(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """The EHR gets the request twice; the app gets the first answer."""
    answer = at.deliver(body, line)
    at.deliver(body, line)
    at.reply(answer, line)


def hold(at: Between, rule: Rule, body: bytes, line: dict[str, Any]) -> None:
    """The request waits in the proxy until it is released: delivered then, or dropped."""
    if PLAN.hold() == "forward":
        at.reply(at.deliver(body, line), line)
    else:
        at.close()


FAULTS: dict[str, Fault] = {
    one.__name__.replace("_", "-"): one
    for one in (drop_before_send, drop_after_commit, delay, truncate, reset_in_body, status, html, empty, duplicate, hold)
}


class Controls(BaseHTTPRequestHandler):
    """Where the schedule comes from."""

    def do_PUT(self) -> None:
        try:
            PLAN.replace([Rule.read(rule) for rule in self._body()])
        except (TypeError, ValueError) as error:
            return self._answer({"error": str(error)}, 400)
        return self._answer({})

    def do_GET(self) -> None:
        if self.path == "/holding":
            return self._answer({"held": PLAN.held > 0})
        return self._answer({"held": PLAN.when_held()} if self.path == "/held" else PLAN.quiet())

    def do_POST(self) -> None:
        PLAN.let_go(self._body()["how"])
        self._answer({})

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, made: Any, code: int = 200) -> None:
        body = json.dumps(made).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    """A thread for each connection; an app that dies or hangs up is no news here."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Nothing."""


def main() -> None:
    """Serves until standard input ends."""
    global UPSTREAM
    host, _, port = sys.argv[1].partition(":")
    UPSTREAM = (host, int(port))
    servers = [Server(("127.0.0.1", 0), kind) for kind in (Between, Controls)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(*(server.server_port for server in servers), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
