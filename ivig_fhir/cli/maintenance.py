"""`ivig-fhir audit`: whether the audit chain is whole."""

from __future__ import annotations

import argparse
import re
import sys

from ivig_fhir.errors import SettingsError
from ivig_fhir.settings import Settings

FAULTY, UNREAD = 1, 2
_NOTED = re.compile(r"([1-9]\d{0,8}):([0-9a-f]{64})")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    audit = commands.add_parser("audit", help="check the audit chain")
    said = "every row follows the one before it and carries the app's mark"
    verify = audit.add_subparsers(dest="part", required=True, metavar="part").add_parser("verify", help=said)
    verify.add_argument("--head", metavar="ROW:HASH", help="a head that an earlier check printed: the chain must still hold that row")
    audit.set_defaults(run=run_audit)


def run_audit(arguments: argparse.Namespace) -> int:
    """0 when the chain is whole; 1 for a fault, 2 where the key is missing that would tell; each on standard error."""
    from ivig_fhir.app import create_database  # the store is not loaded for the other commands
    from ivig_fhir.store import audit

    noted, settings = _noted(arguments.head), Settings.from_env()
    if not settings.secret_keys:
        raise SettingsError("IVIG_SECRET_KEYS is not set: the marks of the audit cannot be verified.")
    with create_database(settings).read() as tx:
        found = audit.check(tx, noted)
    for problem in (*found.faults, *((found.unread,) if found.unread else ())):
        print(f"ivig-fhir: {problem}", file=sys.stderr)
    unread = ", not verified to the end" if found.unread else ""
    print(f"{found.rows} rows, {len(found.faults)} faults{unread}; marked from row {found.marked_from or 'none'}")
    print(f"head {found.last}:{found.head}")
    return FAULTY if found.faults else UNREAD if found.unread else 0


def _noted(text: str | None) -> tuple[int, str] | None:
    """The number and the hash of a row that was written down. SettingsError for anything else."""
    match = _NOTED.fullmatch(text.strip().lower()) if text else None
    if text and match is None:
        raise SettingsError("--head is ROW:HASH, as the check printed it.")
    return (int(match[1]), match[2]) if match else None
