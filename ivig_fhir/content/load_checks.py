"""Checks, from parsed TOML: what each asks, its thresholds, and what it says in which severity."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from string import Formatter
from typing import Any

from ivig_fhir.content.actions import ADD, CAP, CHANGES, LEAVE_OUT, SPLIT, Action
from ivig_fhir.content.model import SEVERITIES, Check
from ivig_fhir.content.reading import Table, by_id, exact

# What a check may depend on: the resource types that are read of a chart.
RESOURCE_TYPES = (
    "Patient", "Condition", "AllergyIntolerance", "Observation", "MedicationRequest", "MedicationStatement", "MedicationAdministration",
    "MedicationDispense", "Immunization", "Procedure", "ServiceRequest", "Device", "Consent", "Coverage", "ClaimResponse", "Encounter",
)  # fmt: skip
_CHECK_ID = re.compile(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*")
_REF = re.compile(r"[A-F]\d\d")
_ISSUE = re.compile(r"[A-Z]*")
Index = tuple[tuple[str, str, str], ...]


def read_index(data: Mapping[str, Any], file: str) -> Index:
    """All checks there are, built or not, in the order a pharmacist reads them: ref, id, title."""
    root = Table(data, file)
    rows = [(_matching(row, "ref", _REF), _matching(row, "id", _CHECK_ID), row.text("title")) for row in root.tables("index")]
    root.end()
    by_id(rows, lambda r: r[0], file)
    return tuple(by_id(rows, lambda r: r[1], file).values())


def read_checks(data: Mapping[str, Any], file: str, citations: Collection[str], index: Index) -> tuple[Check, ...]:
    """The checks of one file, which holds those of one clinical question."""
    root = Table(data, file, citations)
    refs = {id_: ref for ref, id_, _ in index}
    made = tuple(_check(row, refs) for row in root.tables("check"))
    root.end()
    return made


def _check(row: Table, refs: Mapping[str, str]) -> Check:
    id_ = _matching(row, "id", _CHECK_ID)
    ref = row.text("ref")
    if refs.get(id_) != ref:
        raise row.fault("ref", f"is {ref!r}, and index.toml has {refs.get(id_)!r} for {id_}")
    branches = row.table("branches")
    if not branches.names():
        raise row.fault("branches", "is empty")
    severity, messages = {}, {}
    for name in branches.names():
        branch = branches.table(name)
        severity[name] = branch.one_of("severity", SEVERITIES)
        messages[name] = _template(branch)
    thresholds = _thresholds(row)
    return Check(
        id=id_,
        ref=ref,
        title=row.text("title"),
        question=row.text("question"),
        depends_on=_types(row),
        absence=row.flag("absence", default=False),
        thresholds=thresholds,
        severity=severity,
        messages=messages,
        mitigation=row.words("mitigation"),
        detected_issue=_matching(row, "detected_issue", _ISSUE) if row.has("detected_issue") else "",
        source=row.basis(),
        actions=_actions(row),
        fires=_fires(row, thresholds),
    )


def _actions(row: Table) -> tuple[Action, ...]:
    """What the program can do about the finding: companions to add or leave out, a split over days, changes of the closed list."""
    if not row.has("actions"):
        return ()
    table = row.table("actions")
    companions = [Action(kind, id_) for kind, key in ((ADD, "add"), (LEAVE_OUT, "leave_out")) for id_ in table.words(key)]
    split = [Action(SPLIT, days=table.whole("split_days", least=2))] if table.has("split_days") else []
    changes = table.words("change")
    for name in changes:
        if name not in (CAP, *CHANGES):
            raise table.fault("change", f"names {name!r}, which is not one of {', '.join((CAP, *CHANGES))}")
    return (*companions, *split, *(Action(name) for name in changes))


def _matching(row: Table, key: str, pattern: re.Pattern[str]) -> str:
    value = row.text(key, empty=True)
    if not pattern.fullmatch(value):
        raise row.fault(key, f"is {value!r}, which is not spelled as {key} must be")
    return value


def _types(row: Table) -> tuple[str, ...]:
    """Resource types; none for a check of the order itself."""
    row.raw("depends_on")
    found = row.words("depends_on")
    for name in found:
        if name not in RESOURCE_TYPES:
            raise row.fault("depends_on", f"names {name!r}, which is not a type that is read")
    return found


def _template(branch: Table) -> str:
    """A message with {named} values."""
    message = branch.text("message")
    _placeholders(branch, "message", message)
    return message


def _placeholders(row: Table, key: str, sentence: str) -> tuple[str, ...]:
    try:
        names = tuple(name for _, name, _, _ in Formatter().parse(sentence) if name is not None)
    except ValueError as why:
        raise row.fault(key, f"has braces that do not match ({why})") from None
    if not all(name.isidentifier() for name in names):
        raise row.fault(key, "has a placeholder that is not a plain name")
    return names


def _fires(row: Table, thresholds: Mapping[str, Any]) -> str:
    """The sentence that says when the check fires, a template over the numbers of its thresholds."""
    sentence = row.optional("threshold")
    for name in _placeholders(row, "threshold", sentence):
        if not isinstance(thresholds.get(name), str | int | Decimal):
            raise row.fault("threshold", f"names {name!r}, which is no figure and no word of [check.thresholds]")
    return sentence


def _thresholds(row: Table) -> dict[str, Any]:
    if not row.has("thresholds"):
        return {}
    table = row.table("thresholds")
    return {name: _exactly(table, name, table.raw(name)) for name in table.names()}


def _exactly(table: Table, name: str, value: Any) -> Any:
    """Numbers in quotes become exact numbers, whole numbers and words stay; bare decimals were refused when the file was parsed."""
    if isinstance(value, list):
        return tuple(_exactly(table, name, v) for v in value)
    if isinstance(value, dict):
        return {k: _exactly(table, name, v) for k, v in value.items()}
    if isinstance(value, str):
        number = exact(value)
        return value if number is None else number
    if isinstance(value, int):
        return value
    raise table.fault(name, "is neither a number, nor a word, nor true or false")
