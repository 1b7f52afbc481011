"""`ivig-fhir audit`: whether the audit chain is whole."""

from __future__ import annotations

import argparse
import sys

from ivig_fhir.settings import Settings


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    audit = commands.add_parser("audit", help="check the audit chain")
    audit.add_subparsers(dest="part", required=True, metavar="part").add_parser("verify", help="every row follows the one before it")
    audit.set_defaults(run=run_audit)


def run_audit(arguments: argparse.Namespace) -> int:
    """0 when the chain is whole; else 1, and each fault on standard error."""
    from ivig_fhir.app import create_database  # the store is not loaded for the other commands
    from ivig_fhir.store import audit

    with create_database(Settings.from_env()).read() as tx:
        count, problems = len(audit.rows(tx)), audit.verify(tx)
    for problem in problems:
        print(f"ivig-fhir: {problem}", file=sys.stderr)
    print(f"{count} rows, {len(problems)} faults")
    return 1 if problems else 0
