"""`ivig-fhir sandbox`: the sandbox EHR alone, in this process."""

from __future__ import annotations

import argparse
import subprocess
import sys


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("sandbox", help="run the sandbox EHR", description=__doc__)
    parser.add_argument("--port", type=int, default=5001)
    parser.add_argument("--app", default="http://127.0.0.1:5000", help="where the app is")
    parser.add_argument("--db", default="var/sandbox.sqlite")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs it until interrupted."""
    command = [sys.executable, "-m", "ivig_fhir.sandbox", "--port", str(arguments.port), "--db", arguments.db, "--app", arguments.app]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own program, arguments as a list
