"""The demo as anybody starts it, for tests in a browser; and pictures to look at."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "var" / "screenshots"


@dataclass(frozen=True)
class Demo:
    app: str
    ehr: str


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(var: Path) -> Iterator[Demo]:
    """`ivig-fhir demo` as a process of its own; it says when both servers listen."""
    app, ehr = free_port(), free_port()
    command = [sys.executable, "-m", "ivig_fhir.cli", "demo", "--app-port", str(app), "--ehr-port", str(ehr), "--var", str(var)]
    env = {k: v for k, v in os.environ.items() if not k.startswith("IVIG_")}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
    assert process.stdout is not None
    said = [process.stdout.readline(), process.stdout.readline()]
    assert said[0].split() == ["App", f"http://127.0.0.1:{app}"], said
    yield Demo(f"http://127.0.0.1:{app}", f"http://127.0.0.1:{ehr}")
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)


def shot(page: Any, name: str, whole: bool = False) -> None:
    """A picture to look at, kept under var/screenshots."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)
