"""`ivig-fhir content`: check, print, compare, sign and release the clinical content; dosing-weight policies side by side."""

from __future__ import annotations

import argparse

from ivig_fhir.cli import content_check, content_diff, content_policies, content_raise, content_release, content_render

PARTS = (content_check, content_render, content_diff, content_policies, content_raise, content_release)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its parts."""
    parser = commands.add_parser("content", help="check, print, compare and release the clinical content", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True, metavar="part")
    for module in PARTS:
        module.register(parts)
