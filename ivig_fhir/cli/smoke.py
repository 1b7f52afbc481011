"""`ivig-fhir smoke`: the whole journey once on a FHIR server that may be written to, with a synthetic patient; says what held."""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ivig_fhir.cli.inputs import bearer_token
from ivig_fhir.errors import SettingsError
from ivig_fhir.fhir.building import decode
from ivig_fhir.settings import Settings

if TYPE_CHECKING:
    from ivig_fhir.workflow.smoke import Step

SCHEMA = "ivig-fhir/smoke/1"
_SAID = {True: "held", False: "FAILED", None: "-"}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("smoke", help="try the whole journey on a FHIR server that may be written to", description=HELP)
    parser.add_argument(
        "base", metavar="BASE", help="the server's FHIR base, such as http://127.0.0.1:8080/fhir; https except on this machine"
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="a bearer token that may read and write, or a token response; - is standard input"
    )
    parser.add_argument("--patient", metavar="ID", default="cidp-adult", help="which patient of the sandbox's cast (cidp-adult)")
    parser.add_argument("--keep", action="store_true", help="leave there what was made, to look at it")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(run=run)


HELP = """Loads one synthetic patient onto a FHIR R4 server that may be written to, such as a public sandbox; reads the chart, proposes,
approves and stores an order, reads it back, lets a second person verify it, and deletes what it made where the server allows it. Says
step by step what held. Never for a server with real patients. Exit code: 0 everything held, 1 something did not, 2 wrong usage."""


def run(arguments: argparse.Namespace) -> int:
    """0 when everything held, 1 when something did not."""
    from ivig_fhir.app import create_runtime  # the store and HTTP are not loaded for the other commands
    from ivig_fhir.smart.issuers import safe_address
    from ivig_fhir.workflow.smoke import smoke

    settings = Settings.from_env()
    if settings.production:
        raise SettingsError(said="smoke writes test data and is not for a production installation.")
    base = arguments.base.rstrip("/")
    if not safe_address(base):
        raise SettingsError(said="BASE must be an https address, or http on this machine, without user, query or fragment.")
    token, chart = bearer_token(arguments.token_file), cast_member(arguments.patient)
    with tempfile.TemporaryDirectory(prefix="ivig-smoke-") as folder:
        key = (("smoke", base64.b64encode(secrets.token_bytes(32)).decode()),)
        own = replace(settings, database_url=f"sqlite:///{Path(folder) / 'smoke.sqlite'}", secret_keys=key, log_level="ERROR")
        runtime = create_runtime(own)
        steps = show(smoke(runtime, base, token, chart, arguments.keep), base, arguments.format)
        runtime.database.engine.dispose()
    return 0 if all(step.held for step in steps) else 1


def show(steps: Iterable[Step], base: str, form: str) -> list[Step]:
    """Prints each step as it ends, or all as one JSON object."""
    seen: list[Step] = []
    for step in steps:
        seen.append(step)
        if form == "text":
            print(f"{_SAID[step.held]:7} {step.claim}: {step.said}", flush=True)
    held = sum(step.held is True for step in seen)
    if form == "json":
        whole = {"schema": SCHEMA, "base": base, "held": all(step.held for step in seen), "steps": [asdict(step) for step in seen]}
        print(json.dumps(whole, ensure_ascii=False, indent=1))
    else:
        print(f"{held} of {len(seen)} held on {base}.")
    return seen


def cast_member(id_: str) -> list[dict[str, Any]]:
    """The chart of one of the sandbox's patients, as of today. SettingsError for one that is not in the cast."""
    command = [sys.executable, "-m", "ivig_fhir.sandbox", "--chart", id_]
    answer = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own program, arguments as a list
    if answer.returncode != 0:
        raise SettingsError(said=answer.stderr.decode("utf-8", "replace").strip() or f"There is no patient {id_} in the cast.")
    return [entry["resource"] for entry in decode(answer.stdout)["entry"]]
