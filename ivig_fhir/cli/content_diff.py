"""`ivig-fhir content diff`: what changed between two versions of the content, and what that makes of pending orders."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from ivig_fhir.cli.inputs import site_for
from ivig_fhir.cli.versions import texts_of
from ivig_fhir.content.diff import ADDED, CHANGED, REMOVED, Change, compare
from ivig_fhir.content.files import Texts
from ivig_fhir.content.load import parse_content
from ivig_fhir.content.load_site import narrowed
from ivig_fhir.settings import Settings

SCHEMA = "ivig-fhir/content-diff/1"
_LONG = 100
_HEAD_ONLY = ("id", "title", "name", "body", "brand")


def register(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the part and its options."""
    diff = parts.add_parser("diff", help="what changed between two versions", description=__doc__)
    diff.add_argument("old", metavar="A", help="a folder, an archive of a release, or the number of a release")
    diff.add_argument("new", metavar="B", help="the same")
    diff.add_argument("--store", action="store_true", help="also: which pending orders of this app's store B would change, and how")
    diff.add_argument("--site", metavar="FILE", help="the site file, for --store")
    diff.add_argument("--format", choices=("text", "json"), default="text")
    diff.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints every change. With --store, B must load as a whole: a fault in it is a ContentError."""
    folder = Settings.from_env().content
    old, new = texts_of(arguments.old, folder), texts_of(arguments.new, folder)
    found = compare(old, new)
    pending = _pending(new, arguments.site) if arguments.store else None
    if arguments.format == "json":
        data = {"schema": SCHEMA, "changes": [asdict(c) for c in found], "pending": asdict(pending) if pending else None}
        print(json.dumps(data, ensure_ascii=False, indent=1))
        return 0
    print("\n".join([_summary(found), *(line for name, mine in groupby(found, lambda c: c.file) for line in _file(name, list(mine)))]))
    if pending:
        print("\n".join(_orders(pending)))
    return 0


def _pending(new: Texts, site_path: str | None) -> Any:
    from ivig_fhir.app import create_database  # the store is not loaded for the other commands
    from ivig_fhir.workflow.changed_content import pending_under

    settings = Settings.from_env()
    content = parse_content(new)
    site = site_for(content, settings, site_path)
    return pending_under(create_database(settings), narrowed(content, site), site)


def _summary(found: Sequence[Change]) -> str:
    whole = [c for c in found if not c.where]
    new, gone = sum(c.kind == ADDED for c in whole), sum(c.kind == REMOVED for c in whole)
    changed = len({c.file for c in found if c.where})
    return f"{changed} files changed, {new} new, {gone} gone; {len(found) - len(whole)} changes inside files"


def _file(name: str, mine: Sequence[Change]) -> list[str]:
    whole = next((c for c in mine if not c.where), None)
    if whole:
        return ["", f"{name}: {whole.kind}  {whole.new or whole.old}".rstrip()]
    return ["", name, *(f"  {line}" for c in mine for line in _change(c))]


def _change(c: Change) -> list[str]:
    if c.kind != CHANGED:
        return [f"{c.where}: {'+' if c.kind == ADDED else '−'} {_short(c.new or c.old)}"]
    if len(c.old) + len(c.new) > _LONG:
        return [f"{c.where}:", f"    was  {c.old}", f"    is   {c.new}"]
    return [f"{c.where}: {c.old or 'nothing'} → {c.new or 'nothing'}"]


def _short(text: str) -> str:
    """A whole table that came or went is named by its title; JSON has the rest."""
    named = [part for part in text.split("; ") if part.partition(":")[0] in _HEAD_ONLY]
    return "; ".join(named) if named else text if len(text) <= 2 * _LONG else f"{text[: 2 * _LONG]}…"


def _orders(pending: Any) -> list[str]:
    lines = ["", f"Pending orders: {len(pending.orders)}; drafts, worked out anew when they are opened: {pending.drafts}"]
    for order in pending.orders:
        said = order.unknown or ("nothing would change" if not order.changes else f"{len(order.changes)} changes")
        lines += [f"{order.run}, {order.state}, approved on {order.version}: {said}", *(f"  {change}" for change in order.changes)]
    if pending.orders:
        lines.append("Worked out on the chart as it was when each order was approved. What the record says today is not known here.")
    return lines
