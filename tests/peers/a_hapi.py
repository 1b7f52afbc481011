"""HAPI FHIR's JPA server, the software of the public test server, from artifacts of Maven Central."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peers.a_peer import Peer, free_port, running

NAME = "HAPI FHIR JPA 8.8.0"
_JARS = Path.home() / ".m2" / "repository" / "ca" / "uhn" / "hapi" / "fhir" / "hapi-fhir-jpaserver-base" / "8.8.0"


def missing(shared: Path) -> str:
    """Why it cannot be started here; "" when it can."""
    if not (shared / "peers" / "hapi" / "run").is_file():
        return "needs the harness of a HAPI server in the shared folder"
    if shutil.which("java") is None or shutil.which("mvn") is None:
        return "needs Java and Maven for a HAPI server"
    return ""


def slow(shared: Path) -> str:
    """Why a start would take longer than a quick test may wait; "" when it would not: its jars are here."""
    built = Path(os.environ.get("PEER_BUILD") or Path.home() / ".cache" / "peer-hapi") / "built"
    return missing(shared) or ("" if built.is_file() or _JARS.is_dir() else "the jars of HAPI are not here yet: `make proof` fetches them")


@contextmanager
def hapi(shared: Path, log: Path) -> Iterator[Peer]:
    """A fresh one with 512 MB, its database in memory."""
    run = shared / "peers" / "hapi" / "run"
    with running([run, str(free_port())], "ready http", log, HEAP="512m") as said:
        yield Peer(NAME, said.split()[1], "hapi")
