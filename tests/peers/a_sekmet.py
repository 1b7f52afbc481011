"""sekmet-fhir, a small FHIR server of PyPI, in a virtual environment of its own that no lock file of ours knows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers.a_peer import Peer, cache, free_port, installed, running

NAME = "sekmet-fhir 0.1.1"
PINS = Path(__file__).resolve().parent / "sekmet" / "requirements.lock"
_SETTINGS = """base_url: http://127.0.0.1:{port}/fhir
host: 127.0.0.1
port: {port}
data_dir: {folder}/data
simulator: {{enabled: false}}
validation: {{inbound: strict}}
"""


def missing() -> str:
    """Why it cannot be started here; "" when it can: it is installed now, where it was not."""
    folder = cache("sekmet")
    venv = ("-m", "venv", "--clear", str(folder / "venv"))
    pip = (str(folder / "venv" / "bin" / "pip"), "install", "-q", "--no-deps", "--require-hashes", "-r", str(PINS))
    try:
        return installed(folder, PINS.read_text(encoding="utf-8"), (sys.executable, *venv), pip)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"sekmet-fhir could not be installed: {type(error).__name__}"


@contextmanager
def sekmet(folder: Path) -> Iterator[Peer]:
    """A fresh one: its simulator off, which would change orders by itself, and what comes in validated strictly."""
    port = free_port()
    settings = folder / "settings.yaml"
    settings.write_text(_SETTINGS.format(port=port, folder=folder), encoding="utf-8")
    program = cache("sekmet") / "venv" / "bin" / "sekmet"
    with running([program, "serve", "-c", settings], "Uvicorn running on", folder / "log"):
        yield Peer(NAME, f"http://127.0.0.1:{port}/fhir", "generic")
