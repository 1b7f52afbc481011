"""Where the processes of the fault tests come from: the app, the sandbox EHR and `ivig-fhir deliver`, each a fork of one warm interpreter.

Usage: python a_nursery.py      (from tests/; what to start comes as JSON, a line each, on standard input; it ends with it)

A fork is a process like any other: its own connections, its own memory, its own death by SIGKILL. It only saves the seconds of loading. What
differs from the app in service is done here and nowhere in the app: a clock that a file can move on; pauses and the wait for the answer to a
write shortened; and a process that kills itself with SIGKILL when it reaches a named point: before or after its n-th commit, write, read, or look
(a read that follows a commit of the same act).
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

_SLEEP = time.sleep
time.sleep = lambda seconds: _SLEEP(seconds / 20)  # before anything keeps it as its default

import requests  # noqa: E402
import requests.adapters  # noqa: E402
from fhir.resources.R4B import get_fhir_model_class  # noqa: E402
from pydantic import ValidationError  # noqa: E402
from sqlalchemy import Engine, event  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

import ivig_fhir.app  # noqa: E402
from ivig_fhir.cli import main as terminal  # noqa: E402
from ivig_fhir.ehr.reconcile import Written, not_sent, settled  # noqa: E402
from ivig_fhir.errors import EhrUnavailable, OutcomeUnknown  # noqa: E402
from ivig_fhir.order.receipt import STORED, Part  # noqa: E402
from ivig_fhir.sandbox.server import create_sandbox  # noqa: E402
from ivig_fhir.sandbox.settings import SandboxSettings  # noqa: E402
from ivig_fhir.settings import PROJECT, Settings  # noqa: E402
from ivig_fhir.store import orders, proposals  # noqa: E402
from ivig_fhir.workflow import settle, write_back  # noqa: E402

PATIENCE = 1.5  # seconds for the answer to a write, in place of fifteen


class Clock:
    """The time of this machine, moved on by the seconds in a file."""

    def __init__(self, file: str) -> None:
        self.file = os.open(file, os.O_RDONLY)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(os.pread(self.file, 32, 0) or 0))


class Points:
    """The points that the process has reached since it was armed, and the one at which it dies."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reached: Counter[str] = Counter()
        self.deadly = ""

    def arm(self, deadly: str) -> None:
        """Counts from here on; `deadly` is such as `before write 2`, or "" for none."""
        with self.lock:
            self.reached, self.deadly = Counter(), deadly

    def reach(self, point: str) -> None:
        """Notes one point, or ends the process there."""
        with self.lock:
            self.reached[point] += 1
            if self.deadly == f"{point} {self.reached[point]}":
                os.kill(os.getpid(), signal.SIGKILL)


POINTS = Points()


def watch_the_wire() -> None:
    """Every request of this process is a point before it is sent and after its answer began; a read after a commit is called a look."""
    send = requests.adapters.HTTPAdapter.send

    def watched(self: Any, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        what = "write" if request.method != "GET" else "look" if POINTS.reached["after commit"] else "read"
        if what == "write" and "/fhir" in str(request.url) and how.get("timeout"):
            how["timeout"] = (how["timeout"][0], min(how["timeout"][1], PATIENCE))
        POINTS.reach(f"before {what}")
        answer = send(self, request, **how)
        POINTS.reach(f"after {what}")
        return answer

    requests.adapters.HTTPAdapter.send = watched  # type: ignore[method-assign]


def watch_the_store() -> None:
    """Every commit of a transaction that may have written is a point before and after."""
    writes = threading.local()

    @event.listens_for(Engine, "commit")
    def before(conn: Any) -> None:
        writes.now = not conn.get_execution_options().get("ivig_reads", False)

    @event.listens_for(Engine, "engine_connect")
    def engine(conn: Any) -> None:
        dialect = conn.dialect
        if getattr(dialect, "watched", False):
            return
        dialect.watched, commit = True, dialect.do_commit

        def watched(connection: Any) -> None:
            mine, writes.now = getattr(writes, "now", False), False
            if mine:
                POINTS.reach("before commit")
            commit(connection)
            if mine:
                POINTS.reach("after commit")

        dialect.do_commit = watched


def armed(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """The app behind a door that arms it for one request, and tells afterwards which points were reached."""

    def door(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        deadly = environ.get("HTTP_X_DIE")
        if deadly is None:
            return app(environ, start)
        POINTS.arm(deadly)

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            reached = json.dumps(dict(POINTS.reached))
            POINTS.arm("")
            return start(status, [*headers, ("X-Points", reached)], *more)

        return app(environ, begin)

    return door


def serve(port: int, made: Callable[..., Iterable[bytes]], ready: int) -> None:
    """Serves until it is killed."""
    server = make_server("127.0.0.1", port, made, threaded=True, request_handler=_Quiet)
    os.write(ready, b"r")
    os.close(ready)
    server.serve_forever()


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing."""


def app(asked: dict[str, Any], ready: int) -> int:
    """The app, on a port."""
    watch_the_wire()
    watch_the_store()
    if asked["broken"]:
        BROKEN[asked["broken"]]()
    serve(asked["port"], armed(ivig_fhir.app.create_app(Settings.from_env(asked["env"]), now=Clock(asked["clock"]))), ready)
    return 0


def ehr(asked: dict[str, Any], ready: int) -> int:
    """The sandbox EHR without a cast, on a port; it says of itself that it is at `base`."""
    settings = SandboxSettings(asked["base"], asked["app"], asked["database"], None)
    serve(asked["port"], create_sandbox(settings, Clock(asked["clock"])), ready)
    return 0


def deliver(asked: dict[str, Any], ready: int) -> int:
    """`ivig-fhir deliver`; what it prints goes to a file."""
    watch_the_wire()
    watch_the_store()
    POINTS.arm(asked["die"])
    os.environ.update(asked["env"])
    clock = Clock(asked["clock"])
    ivig_fhir.app.datetime = type("Shifted", (), {"now": staticmethod(lambda zone: clock().astimezone(zone))})  # type: ignore[attr-defined]
    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    code = terminal(["deliver"])
    print(json.dumps(POINTS.reached), flush=True)
    return code


# ── Writers that are wrong on purpose, so that it can be seen that they are found ──


def resends_blindly() -> None:
    """Sends again when no answer came, and asks the EHR for nothing."""

    def send(client: Any, sent: Any, how: Any, going_on: Any) -> Any:
        bare = sent.bundle()
        for entry in bare["entry"]:
            entry["request"].pop("ifNoneExist", None)
        for _ in range(2):
            with suppress(OutcomeUnknown):
                client.post("", bare)
                break
        return settled(client, sent, how.mode, how.atomic)

    write_back.write = send  # type: ignore[assignment]


def takes_silence_for_no() -> None:
    """Says that nothing was sent when no answer came, and does not look."""

    def send(client: Any, sent: Any, how: Any, going_on: Any) -> Any:
        try:
            client.post("", sent.bundle())
        except OutcomeUnknown:
            return not_sent(sent, how.mode)
        return settled(client, sent, how.mode, how.atomic)

    write_back.write = send  # type: ignore[assignment]


def takes_silence_for_yes() -> None:
    """Says that it was sent when no answer came, and does not look."""
    careful = write_back.send

    def send(runtime: Any, access: Any, order: Any) -> str:
        def once(client: Any, sent: Any, how: Any, going_on: Any) -> Any:
            client.post("", sent.bundle())
            return settled(client, sent, how.mode, how.atomic)

        write_back.write = once  # type: ignore[assignment]
        try:
            return careful(runtime, access, order)
        except OutcomeUnknown:
            with runtime.database.write() as tx:
                return str(orders.record_write(tx, order.run, "sent", "", (), "", runtime.now()).state)

    write_back.send = send  # type: ignore[assignment]


def takes_a_lost_decision_for_made() -> None:
    """Records a pharmacist's word, or a hold, that got no answer, and does not look."""

    def send(client: Any, sent: Any, how: Any, going_on: Any) -> Any:
        with suppress(OutcomeUnknown, EhrUnavailable):
            client.post("", sent.bundle())
        parts = tuple(Part(e.role, e.type, STORED, e.url) for e in sent.entries if e.method == "PUT")
        return Written(sent.run, how.mode, "stored", parts)

    settle.write = send  # type: ignore[assignment]


def forgets_an_approval() -> None:
    """Makes it a draft again when the EHR is busy."""
    unsent = orders.record_unsent

    def record(tx: Any, run: str, *rest: Any, **more: Any) -> None:
        unsent(tx, run, *rest, **more)
        proposals.move(tx, run, ("approved",), "proposed", rest[1])

    orders.record_unsent = record  # type: ignore[assignment]


_WRONG = (resends_blindly, takes_silence_for_no, takes_silence_for_yes, takes_a_lost_decision_for_made, forgets_an_approval)
BROKEN = {one.__name__: one for one in _WRONG}

STARTS: dict[str, Callable[[dict[str, Any], int], int]] = {"app": app, "ehr": ehr, "deliver": deliver}


def born(asked: dict[str, Any]) -> dict[str, Any]:
    """A child; the answer comes once it serves, or with how it ended before."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.close(reading)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody outlives the nursery
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)  # standard output is where the answers go
            code = STARTS[asked["start"]](asked, writing)
        except BaseException:  # noqa: BLE001 - the last word of a child, which must not return into its parent's loop
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    os.close(writing)
    serving = os.read(reading, 1) == b"r"
    os.close(reading)
    return {"pid": pid, "serving": serving} if serving else {"pid": pid, "serving": False, "ended": ended(pid)}


def ended(pid: int) -> int:
    """How a child ended: its code, or minus the signal. Waits for it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def reaped(pid: int) -> int | None:
    """The same without waiting; None while it lives."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def warmed() -> None:
    """Builds what the app builds at its first write, so that no child does it again."""
    for type_ in ("MedicationRequest", "ServiceRequest", "DetectedIssue", "RequestGroup", "Provenance", "Task"):
        with suppress(ValidationError):
            get_fhir_model_class(type_).model_validate({})
    ivig_fhir.app.load_content(PROJECT / "order_sets")


def main() -> None:
    """One command a line, one answer a line."""
    warmed()
    children: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            answer = born(asked)
            children |= {answer["pid"]} if answer["serving"] else set()
        elif "kill" in asked:
            os.kill(asked["kill"], signal.SIGKILL)
            answer = {"ended": ended(asked["kill"])}
            children.discard(asked["kill"])
        else:
            answer = {"ended": reaped(asked["look"])}
            children -= {asked["look"]} if answer["ended"] is not None else set()
        print(json.dumps(answer), flush=True)
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
