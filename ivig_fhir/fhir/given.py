"""Days on which a record, as raw JSON, says that a medicine was given."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from ivig_fhir.fhir.codes import NDC, code, codings, texts
from ivig_fhir.fhir.dates import parse_date
from ivig_fhir.fhir.reading import part, parts, word
from ivig_fhir.fhir.references import pointed_to

Resource = Mapping[str, Any]
_TYPES = ("MedicationAdministration", "Immunization")
_GIVEN = frozenset({"completed", "in-progress", "stopped"})


def given_on(record: Mapping[str, Resource], names: Collection[str], ndc: Collection[str]) -> Iterator[date]:
    """The days of what was given under one of these lower-case names, or an NDC that begins with one of these; dated entries only.

    `record` maps `Type/id` to the resource.
    """
    begins = tuple(c.code for c in (code(NDC, value) for value in ndc) if c is not None)
    for resource in record.values():
        if (
            word(resource, "resourceType") in _TYPES
            and word(resource, "status") in _GIVEN
            and _is_of(_concept(resource, record), names, begins)
        ):
            yield from _day(resource)


def _concept(resource: Resource, record: Mapping[str, Resource]) -> Any:
    """The coded medicine, in place or in the Medication that is pointed to."""
    named = part(resource, "medicationReference")
    inside = {f"#{word(r, 'id')}": r for r in parts(resource, "contained")}
    medication: Resource = inside.get(word(named, "reference")) or record.get(pointed_to(named)) or {}
    return resource.get("medicationCodeableConcept") or resource.get("vaccineCode") or medication.get("code")


def _is_of(concept: Any, names: Collection[str], begins: tuple[str, ...]) -> bool:
    words = " ".join(texts(concept)).lower()
    return any(name in words for name in names) or any(c.system == NDC and c.code.startswith(begins) for c in codings(concept))


def _day(resource: Resource) -> tuple[date, ...]:
    """The day on which it was given; of a period the day on which it began."""
    began = word(part(resource, "effectivePeriod"), "start")
    found = parse_date((word(resource, "effectiveDateTime") or began or word(resource, "occurrenceDateTime"))[:10])
    return () if found is None else (found,)
