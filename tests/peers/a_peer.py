"""A server that nobody here wrote, as a process of its own on loopback: started, waited for by what it says, ended by its id."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LONGEST_START = 300.0


@dataclass(frozen=True)
class Peer:
    """A running server: what it is, its FHIR base, and which of our profiles is for it."""

    name: str
    base: str
    profile: str


def free_port() -> int:
    """A port of loopback that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def cache(name: str) -> Path:
    """The folder of what a proof installs for itself, beside the checkout's state and never part of it."""
    made = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ivig-fhir-peers" / name
    made.mkdir(parents=True, exist_ok=True)
    return made


@contextmanager
def running(command: Sequence[str | Path], ready: str, log: Path, **more: str) -> Iterator[str]:
    """The process, once a line of what it says holds `ready`, which is given; its words are in `log`. It ends with the block."""
    process = subprocess.Popen(
        [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **more}, cwd=log.parent
    )
    heard, line = threading.Event(), [""]

    def listen() -> None:
        assert process.stdout is not None
        with log.open("w", encoding="utf-8") as kept:
            for said in process.stdout:
                kept.write(said)
                kept.flush()
                if ready in said and not heard.is_set():
                    line[0] = said.strip()
                    heard.set()
        heard.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        assert heard.wait(LONGEST_START) and line[0], f"{command[0]} did not start: {log.read_text(encoding='utf-8')[-2000:]}"
        yield line[0]
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=10)
        listener.join(timeout=10)


def installed(folder: Path, mark: str, *commands: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """Runs the commands that fill a cache folder, unless `mark` says that it was filled so before; why it cannot be ("" when it is)."""
    done = folder / "installed"
    if done.is_file() and done.read_text(encoding="utf-8") == mark:
        return ""
    for command in commands:
        tried = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, env={**os.environ, **(env or {})})
        if tried.returncode:
            return f"{command[0]} {command[1]} failed: {(tried.stderr or tried.stdout).strip()[-300:]}"
    done.write_text(mark, encoding="utf-8")
    return ""
