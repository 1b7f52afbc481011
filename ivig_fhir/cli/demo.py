"""`ivig-fhir demo`: the app and the sandbox EHR on loopback, until interrupted; state under var/."""

from __future__ import annotations

import argparse
import base64
import os
import secrets
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from ivig_fhir.errors import SettingsError
from ivig_fhir.settings import PROJECT, demo_settings

if TYPE_CHECKING:
    from ivig_fhir.store.database import Database

SANDBOX = "http://127.0.0.1:5001"
HOST = "127.0.0.1"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("demo", help="run the app and the sandbox EHR", description=__doc__)
    parser.add_argument("--app-port", type=int, default=5000)
    parser.add_argument("--ehr-port", type=int, default=5001)
    parser.add_argument("--var", type=Path, default=Path("var"), help="where the state lies")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Starts both, prints the two addresses, ends both."""
    from werkzeug.serving import make_server  # the web half of the app is not loaded for the other commands

    from ivig_fhir.app import create_app, create_database

    var: Path = arguments.var
    var.mkdir(parents=True, exist_ok=True)
    app_url, ehr_url = f"http://{HOST}:{arguments.app_port}", f"http://{HOST}:{arguments.ehr_port}"
    settings = demo_settings(app_url, var.resolve(), _issuers(var, ehr_url), _secret_key(var))
    _client_key(create_database(settings))
    app = create_app(settings)
    try:
        server = make_server(HOST, arguments.app_port, app, threaded=True)
    except OSError as error:
        raise SettingsError(said=f"Port {arguments.app_port} is taken; `make demo APP_PORT=…` chooses another.") from error
    sandbox = _start_sandbox(arguments.ehr_port, app_url, var)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if sandbox.poll() is not None or (sandbox.stdout and not sandbox.stdout.readline()):
            raise SettingsError(said=f"Port {arguments.ehr_port} is taken; `make demo EHR_PORT=…` chooses another.")
        print(f"App          {app_url}\nSandbox EHR  {ehr_url}/ehr", flush=True)
        print("CDS Hooks services accept calls without a JWT here, from loopback only. Ctrl-C ends both.", flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=10)
        server.server_close()
    return 0


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _start_sandbox(port: int, app_url: str, var: Path) -> subprocess.Popen[str]:
    """The sandbox as a process of its own; it prints a line when it listens."""
    command = [sys.executable, "-m", "ivig_fhir.sandbox", "--port", str(port), "--db", str(var / "sandbox.sqlite"), "--app", app_url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program, arguments as a list


def _issuers(var: Path, ehr_url: str) -> Path:
    """The issuer table with the sandbox at the port that was asked for."""
    text = (PROJECT / "issuers.toml").read_text(encoding="utf-8").replace(SANDBOX, ehr_url).replace(_named(SANDBOX), _named(ehr_url))
    path = var / "issuers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _named(url: str) -> str:
    """The same address by name: whoever opens the EHR as localhost may still see the app in its frame."""
    return url.replace(HOST, "localhost")


def _client_key(database: Database) -> None:
    """A key with which `ivig-fhir deliver` proves itself to the sandbox, made once."""
    from ivig_fhir.smart.client_keys import make_key
    from ivig_fhir.store import client_keys

    now = datetime.now(UTC)
    with database.write() as tx:
        if client_keys.signing(tx, "ES384", now) is None:
            client_keys.add(tx, make_key("ES384"), now, timedelta())


def _secret_key(var: Path) -> str:
    """The demo's key, made once and readable by its owner only."""
    path = var / "secret.key"
    if not path.exists():
        made = f"demo:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(made)
    return path.read_text(encoding="ascii").strip()
