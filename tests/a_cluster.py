"""A PostgreSQL server of the tests' own: made by initdb in a folder of its own, reached through a socket in it, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OWNER = "postgres"  # initdb refuses to run as root; Debian's package brings this user


def binaries() -> Path | None:
    """Where initdb and pg_ctl are: Debian keeps them off the path."""
    found = [p.parent for p in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))]
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).resolve().parent if on_path else None


def missing() -> str:
    """Why no server can be started here; empty when one can."""
    if binaries() is None:
        return "no PostgreSQL on this machine (Debian: apt-get install postgresql)"
    if importlib.util.find_spec("psycopg") is None:
        return "the PostgreSQL driver is not installed (pip install 'ivig-fhir[postgres]')"
    if os.geteuid() == 0:
        with suppress(KeyError):
            pwd.getpwnam(OWNER)
            return ""
        return f"initdb refuses to run as root, and there is no user {OWNER}"
    return ""


@contextmanager
def server() -> Iterator[Path]:
    """The folder with the socket of a running server, whose superuser is `ivig`."""
    at = binaries()
    assert at is not None
    folder = Path(tempfile.mkdtemp(prefix="ivig-pg-"))
    as_owner = ["runuser", "-u", OWNER, "--"] if os.geteuid() == 0 else []
    if as_owner:
        shutil.chown(folder, OWNER)
    data = str(folder / "data")

    def run(*command: str) -> None:
        done = subprocess.run([*as_owner, *command], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    try:
        run(str(at / "initdb"), "-D", data, "-U", "ivig", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
        run(str(at / "pg_ctl"), "-D", data, "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield folder
        finally:
            run(str(at / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
