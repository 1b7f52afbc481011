"""`ivig-fhir doctor`: what a FHIR server or an issuer supports, how the app would work with it, and what to do about each problem."""

from __future__ import annotations

import argparse
import json
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ivig_fhir.cli.inputs import bearer_token
from ivig_fhir.errors import SettingsError
from ivig_fhir.settings import Settings

if TYPE_CHECKING:
    from ivig_fhir.workflow.doctor import Report

EXIT = {"ok": 0, "note": 0, "problem": 1, "unseen": 3}
HELP = """Looks at an issuer of the table, or at any FHIR base, without signing in and without writing: discovery, endpoints, PKCE, ways to
prove the app, also by itself where its entry has a backend client, keys, the redirect address to register, the scopes that would be
asked, what the server declares, how it answers control searches, and how an order would be written. Says what to do about each problem.
With a token or an open server it reads one chart as the app does. Exit code: 0 the app would work, 1 a problem stands in the way, 3
something that counts could not be seen, 2 wrong usage."""
_TITLES = {
    "backend": "The app by itself",
    "table": "Issuer table", "discovery": "Discovery", "endpoints": "Endpoints", "pkce": "PKCE", "offered": "Capabilities of the sign-in",
    "client": "Proof of the app", "keys": "Keys", "redirect": "Redirect address", "scopes": "Scopes", "test-user": "Test user",
    "metadata": "FHIR server", "profile": "Server profile", "reading": "Types to read", "writing": "Writing an order",
    "verifying": "Verifying an order",
    "searching": "Control: one chart", "patient-parameter": "Control: patient", "unknown-parameter": "Control: unknown parameter",
    "identifier": "Control: identifier", "paging": "Control: pages",
}  # fmt: skip
_OUTCOMES = {
    "ok": "Everything is as the app needs it.",
    "note": "The app would work here; read the notes.",
    "problem": "A problem stands in the way.",
    "unseen": "Something that counts could not be seen from here.",
}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("doctor", help="what a FHIR server or an issuer supports", description=HELP)
    parser.add_argument(
        "iss", metavar="ISS", nargs="?", help="an iss of the issuer table, or a FHIR base; without it every entry of the table"
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="a bearer token, or a token response, to read one chart with; - is standard input"
    )
    parser.add_argument(
        "--patient", metavar="ID", help="whose chart to read for control; without it the first patient that the server shows"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 the app would work, 1 a problem, 3 something could not be seen; of several entries the gravest."""
    from ivig_fhir.app import client_credentials, create_database, issuer_table  # HTTP and the store are not loaded for other commands
    from ivig_fhir.ehr.client import pooled_session
    from ivig_fhir.smart.issuers import safe_address
    from ivig_fhir.workflow.doctor import diagnose

    settings, token = Settings.from_env(), bearer_token(arguments.token_file)
    entries = issuer_table(settings).entries
    asked = [arguments.iss] if arguments.iss else [entry.iss for entry in entries]
    if any(not iss.startswith(("http://", "https://")) for iss in asked) or not asked:
        raise SettingsError(said="ISS must be the address of a FHIR server, as in https://ehr.example.org/fhir.")
    if token and not all(safe_address(iss) for iss in asked):
        raise SettingsError(said="A token is sent over https only, and over http on this machine.")
    http, now = pooled_session(), datetime.now(UTC)
    credentials = client_credentials(settings, lambda: create_database(settings))
    reports = []
    for iss in asked:
        made = diagnose(http, iss, entries, settings.redirect_uri, credentials, now, token, arguments.patient)
        reports.append(made)
        if arguments.format == "text":
            print(as_text(made))
    if arguments.format == "json":
        found = [made.to_json() for made in reports]
        print(json.dumps(found[0] if len(found) == 1 else found, ensure_ascii=False, indent=1))
    return next((code for code in (1, 3) if code in {EXIT[made.outcome] for made in reports}), 0)


def as_text(made: Report) -> str:
    """The report for a terminal: each remark with what to do, the scopes, the entry for the table, the outcome."""
    lines = [f"{made.issuer.iss}"]
    for remark in made.remarks:
        lines += _wrapped(f"{remark.state:8}{_TITLES[remark.id]}: ", remark.said)
        if remark.remedy and remark.state != "ok":
            lines += _wrapped("        To do: ", remark.remedy)
    if made.server.capabilities.known:
        declared = (f"{type_} {', '.join(found) or 'nothing'}" for type_, found in made.interactions.items())
        lines += _wrapped("        Declared: ", "; ".join(declared) + ".")
    if made.sign_in:
        lines += _wrapped("        Scopes for an order: ", " ".join(made.sign_in.order))
        lines += _wrapped("        Scopes for the worklist: ", " ".join(made.sign_in.pharmacy))
    if made.backend:
        lines += _wrapped("        Scopes of the app by itself: ", " ".join(made.backend.scopes))
    if made.entry:
        lines += ["", textwrap.indent(made.entry, "        "), ""]
    return "\n".join([*lines, _OUTCOMES[made.outcome]])


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, 132, initial_indent=head, subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False)
