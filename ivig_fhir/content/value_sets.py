"""Code sets from CSV: head lines with source, version and licence, then one code or word a row."""

from __future__ import annotations

import csv
from typing import Any

from ivig_fhir.content.governance import KEYS
from ivig_fhir.content.reading import fault
from ivig_fhir.fhir.codes import SHORT, Code, ValueSet
from ivig_fhir.fhir.codes import code as comparable

_HEADS = ("title", "source", "licence")
_COLUMNS = ["system", "code", "display", "match", "confidence"]
_MATCHES = {"exact", "prefix", "word"}
Row = tuple[str, str, str, str, str]


def parse_rows(text: str, file: str) -> tuple[dict[str, str], list[Row]]:
    """The head lines and the rows of one file. ContentError names the line that is wrong. `version` is that of the codes."""
    heads: dict[str, str] = {}
    lines = text.splitlines()
    while lines and lines[0].startswith("#"):
        name, _, value = lines.pop(0).lstrip("# ").partition(":")
        heads[name.strip()] = value.strip()
    for name in _HEADS:
        if not heads.get(name):
            raise fault(file, name, "is missing from the head lines")
    if unknown := set(heads) - set(_HEADS) - set(KEYS):
        raise fault(file, min(unknown), "is not a head line that is known here")
    rows = list(csv.reader(lines))
    if not rows or rows[0] != _COLUMNS:
        raise fault(file, "header", f"is not {','.join(_COLUMNS)}")
    found: list[Row] = []
    for row in rows[1:]:
        _refuse_bad(row, file, found)
        found.append((row[0], row[1], row[2], row[3], row[4]))
    return heads, found


def table_of(text: str, file: str) -> dict[str, Any]:
    """A file's head lines, and its rows as tables: as a TOML file would say the same."""
    heads, rows = parse_rows(text, file)
    return {**heads, "code": [dict(zip(_COLUMNS, row, strict=True)) for row in rows]}


def _refuse_bad(row: list[str], file: str, before: list[Row]) -> None:
    if len(row) != len(_COLUMNS):
        raise fault(file, ",".join(row) or "an empty line", "has not five columns")
    system, value, _, match, confidence = row
    if system not in SHORT and system not in ("term", "exclude"):
        raise fault(file, value, f"has an unknown system {system!r}")
    if match not in _MATCHES or (match == "word") != (system in ("term", "exclude")):
        raise fault(file, value, f"has a match {match!r} that its system does not allow")
    if not value.strip() or value != value.strip():
        raise fault(file, "code", "is empty or has spaces around it")
    if confidence not in ("V", "K"):
        raise fault(file, value, "has a confidence that is neither V nor K, and what is unsure is not loaded as fact")
    if any(r[0] == system and r[1] == value for r in before):
        raise fault(file, value, "is there twice")


def value_set(id_: str, rows: list[Row]) -> ValueSet:
    """The set of those rows."""
    exact: set[Code] = set()
    prefixes: list[Code] = []
    for system, value, _, match, _ in rows:
        made = comparable(SHORT[system], value) if system in SHORT else None
        if made is not None and match == "prefix":
            prefixes.append(made)
        elif made is not None:
            exact.add(made)
    terms = tuple(r[1] for r in rows if r[0] == "term")
    excluded = tuple(r[1] for r in rows if r[0] == "exclude")
    return ValueSet(id_, frozenset(exact), tuple(prefixes), terms, excluded)
