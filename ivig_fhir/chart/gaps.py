"""Gaps: which resource types an OperationOutcome says were not read, wholly or in part, and why."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from ivig_fhir.chart.answers import Reason, Resource
from ivig_fhir.chart.queries import TYPES
from ivig_fhir.fhir.outcome import Issue, issues
from ivig_fhir.fhir.reading import short

# Read beside the searched types: what a reference points to, and what only a file or an EHR with device use can say.
READ_TYPES: tuple[str, ...] = tuple(dict.fromkeys((*TYPES, "MedicationDispense", "Device", "DeviceUseStatement", "Medication")))

_NOT_READ = {
    "suppressed": Reason.NOT_PERMITTED,
    "forbidden": Reason.NOT_PERMITTED,
    "security": Reason.NOT_PERMITTED,
    "exception": Reason.ERROR,
    "timeout": Reason.ERROR,
    "throttled": Reason.ERROR,
    "not-supported": Reason.NOT_SUPPORTED,
}
# A resource that does not exist was looked for; its absence is an answer.
_ANSWERED = frozenset({"not-found", "deleted"})
_OUTSIDE_RECORD = re.compile(r"outside record.*\bnot\b.*\bincluded", re.IGNORECASE | re.DOTALL)
_PART_NAME = re.compile(r"outside record[^.]*", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Unread:
    """A type that was not read: why, what to say about it, and whether only a part of it is missing."""

    type: str
    reason: Reason
    said: str
    in_part: bool


@dataclass(frozen=True, slots=True)
class Gaps:
    """What one OperationOutcome leaves open: types, and sentences about failures that name no type."""

    unread: tuple[Unread, ...]
    unnamed: tuple[str, ...]


def gaps_in(outcome: Resource, asked: str = "", known: Collection[str] = READ_TYPES) -> Gaps:
    """Read an OperationOutcome that stands among the results, or in their place.

    An issue counts when its code says that something was withheld or failed, or when its severity is error or fatal; remarks such as
    "no results" do not. The type is the one that the issue names, else the type that was `asked` for.
    """
    unread: list[Unread] = []
    unnamed: list[str] = []
    for issue in issues(outcome):
        reason = _reason(issue)
        if reason is None:
            continue
        named = [t for t in _named(issue) if t in known] or ([asked] if asked in known else [])
        unread += [_unread(t, reason, issue) for t in named]
        if not named and asked not in _named(issue):  # a search for a type that nothing here depends on leaves no gap
            unnamed.append(short(f"Something could not be read: {issue.words or issue.said or issue.code}", 300))
    return Gaps(tuple(unread), tuple(unnamed))


def remarks_in(outcome: Resource) -> tuple[str, ...]:
    """What an OperationOutcome warns of that leaves no gap: a parameter that was ignored, a value that was changed."""
    warned = (i for i in issues(outcome) if i.severity == "warning" and i.code not in (*_NOT_READ, *_ANSWERED, "incomplete"))
    return tuple(dict.fromkeys(i.words or i.said for i in warned if i.words or i.said))


def _named(issue: Issue) -> tuple[str, ...]:
    """The words that may be types; what follows "Outside Record" names a part of a type ("Encounter Diagnosis")."""
    return tuple(dict.fromkeys(_NAME.findall(_PART_NAME.sub("", issue.words))))


def _reason(issue: Issue) -> Reason | None:
    if issue.code in _NOT_READ:
        return _NOT_READ[issue.code]
    return Reason.ERROR if issue.failed and issue.code not in _ANSWERED else None


def _unread(type_: str, reason: Reason, issue: Issue) -> Unread:
    in_part = bool(_OUTSIDE_RECORD.search(issue.words))
    how = "was read only in part" if in_part else "could not be read"
    return Unread(type_, reason, short(f"{type_} {how}: {issue.words or issue.said or issue.code}", 300), in_part)
