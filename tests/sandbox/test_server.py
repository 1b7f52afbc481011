"""The sandbox as a process: over real sockets, over a restart, and for requests in process."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from sandbox.a_sandbox import FHIR, ONE, Ehr, bundle, order

from ivig_fhir.sandbox.__main__ import main
from ivig_fhir.sandbox.server import bind
from ivig_fhir.sandbox.settings import SandboxSettings

SETTINGS = SandboxSettings(cast=None)


@pytest.fixture
def address() -> Iterator[str]:
    """A sandbox on a free port."""
    server = bind(SETTINGS, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    assert requests.post(f"{base}/ehr/patients", json=bundle(*ONE), timeout=10).status_code == 201
    yield base
    server.shutdown()
    thread.join(10)
    server.server_close()


def headers(base: str, **asked: str) -> dict[str, str]:
    """The header of a fresh token."""
    body = requests.get(f"{base}/ehr/token", params={"user": "prescriber", "patient": "one", **asked}, timeout=10).json()
    return {"Authorization": f"Bearer {body['access_token']}"}


def test_connection_really_dies_after_the_commit(address: str) -> None:
    bent = headers(address, fault="timeout-after-commit")
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{address}/fhir/MedicationRequest", json=order(), headers=bent, timeout=10)
    found = requests.get(f"{address}/fhir/MedicationRequest?patient=one", headers=bent, timeout=10).json()
    assert len(found["entry"]) == 1


def test_many_clients_read_and_write_at_once(address: str) -> None:
    token = headers(address)

    def turn(number: int) -> tuple[int, int]:
        made = requests.post(f"{address}/fhir/MedicationRequest", json=order(), headers=token, timeout=30)
        read = requests.get(f"{address}/fhir/Observation?patient=one", headers=token, timeout=30)
        return made.status_code, read.status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(turn, range(24))) == {(201, 200)}
    found = requests.get(f"{address}/fhir/MedicationRequest?patient=one&_summary=count", headers=token, timeout=30).json()
    assert found["total"] == 24


def test_process_says_nothing_of_the_requests_it_serves(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    requests.get(f"{address}/ehr?patient=one", timeout=10)
    assert "patient=one" not in "".join(capfd.readouterr())


def test_data_key_and_tokens_outlive_a_restart(tmp_path: Path) -> None:
    from sandbox.a_sandbox import Clock

    from ivig_fhir.sandbox.server import create_sandbox

    settings = replace(SETTINGS, database=str(tmp_path / "var" / "sandbox.sqlite"))
    clock = Clock()
    before = Ehr(create_sandbox(settings, clock), clock)
    before.load(*ONE)
    client = before.client(patient="one")
    made = client.send("POST", "MedicationRequest", order()).json()
    key = before.parts.key.id
    before.parts.database.close()
    after = Ehr(create_sandbox(settings, clock), clock)
    assert after.parts.key.id == key
    answer = after.http.get(f"{FHIR}/MedicationRequest/{made['id']}", headers=client.headers)
    assert answer.json() == made
    assert len(after.http.get(f"{FHIR}/Practitioner?_id=nurse", headers=client.headers).json()["entry"]) == 1
    after.parts.database.close()


def test_command_starts_and_ends_as_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ivig_fhir.sandbox", "--port", str(port), "--db", str(tmp_path / "s.sqlite"), "--cast", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        base = line.split()[3].removesuffix("/ehr")
        assert requests.get(f"{base}/ehr/patients", timeout=10).json() == []
        process.terminate()
        assert process.wait(10) == 0


def test_command_that_cannot_start_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text("{")
    assert main(["--port", "0", "--db", ":memory:", "--cast", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("The sandbox EHR cannot start: a.json")


def test_adapter_carries_cookies_bodies_and_redirects(ehr: Ehr) -> None:
    answer = ehr.http.get("http://127.0.0.1:5001/")
    assert (answer.url, answer.history[0].status_code) == ("http://127.0.0.1:5001/ehr", 302)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
