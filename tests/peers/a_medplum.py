"""Medplum's FHIR router with its memory repository, from npm, behind the small wrapper in `medplum/`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers.a_peer import Peer, cache, free_port, installed, running

NAME = "@medplum/fhir-router 4.5.2"
FOLDER = Path(__file__).resolve().parent / "medplum"


def missing() -> str:
    """Why it cannot be started here; "" when it can: it is installed now, where it was not."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "needs node and npm for Medplum's router"
    folder = cache("medplum")
    for file in ("package.json", "package-lock.json", "server.js"):
        shutil.copy(FOLDER / file, folder / file)
    try:
        return installed(
            folder, (FOLDER / "package-lock.json").read_text(encoding="utf-8"), ("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"Medplum's router could not be installed: {type(error).__name__}"


@contextmanager
def medplum(log: Path) -> Iterator[Peer]:
    """A fresh one, empty."""
    with running(["node", cache("medplum") / "server.js", str(free_port())], "ready http", log) as said:
        yield Peer(NAME, said.split()[1], "medplum")
