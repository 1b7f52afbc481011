"""Answers: one outcome per resource type, whether it came from FHIR searches, a CDS Hooks prefetch or a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Resource = Mapping[str, Any]


class Reason(StrEnum):
    """Why there is no fact, or why a check could not be made. The words are those of `not_assessed`."""

    NOT_FOUND = "not-found"
    NOT_PERMITTED = "not-permitted"
    ERROR = "error"
    NOT_READABLE = "not-readable"
    NOT_SUPPORTED = "not-supported"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read of one resource type. `problem` is None only after a complete read; with resources and a problem it is partial."""

    type: str
    resources: tuple[Resource, ...] = ()
    problem: Reason | None = None
    said: str = ""

    @property
    def complete(self) -> bool:
        """Absence in a complete answer means absence in the record."""
        return self.problem is None

    @property
    def unread(self) -> bool:
        """Nothing of this type could be read."""
        return self.problem is not None and not self.resources


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something in the record that was passed over and must be named: another patient's resource, a malformed entry.

    `foreign` is the type of a resource that names another patient than the one who was asked about, else "".
    """

    reference: str
    said: str
    foreign: str = ""


@dataclass(frozen=True)
class Answers:
    """Everything read about one patient: the Patient resource, an Answer per type, and what was passed over."""

    patient: Resource
    by_type: Mapping[str, Answer]
    oddities: tuple[Oddity, ...] = ()

    def of(self, type_: str) -> Answer:
        """The answer for a type; a type that nobody asked for is not readable, never empty."""
        return self.by_type.get(type_) or Answer(type_, problem=Reason.NOT_READABLE, said=f"{type_} was not asked for.")


def merged(first: Answer, second: Answer) -> Answer:
    """Two answers for one type as one: duplicates by id kept once, the first problem kept."""
    seen: dict[str, Resource] = {}
    for index, resource in enumerate((*first.resources, *second.resources)):
        seen.setdefault(str(resource.get("id") or f"#{index}"), resource)
    problem = first.problem or second.problem
    said = first.said if first.problem else second.said
    return Answer(first.type, tuple(seen.values()), problem, said)


def references(resources: Iterable[Resource]) -> tuple[str, ...]:
    """`Type/id` of each resource."""
    return tuple(f"{r.get('resourceType')}/{r.get('id')}" for r in resources)
