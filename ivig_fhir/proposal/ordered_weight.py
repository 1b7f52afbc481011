"""The actual weight on which an order of this run, as the EHR holds it, was computed earlier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ivig_fhir.chart.answers import Resource
from ivig_fhir.fhir.extensions import DOSE_BASIS, read
from ivig_fhir.fhir.identifiers import run_of
from ivig_fhir.fhir.reading import number, part, parts, reference_key, word
from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.findings import Evidence


@dataclass(frozen=True, slots=True)
class OrderedWeight:
    """An actual weight in kg and the stored order that stands on it."""

    kg: Decimal
    evidence: Evidence


def ordered_weights(case: Case) -> tuple[OrderedWeight, ...]:
    """Actual weights behind the stored orders of this run; an adjusted or ideal dosing weight is never taken for one.

    The dosing weight where the actual one was dosed on; else the value of the Observation that the order names, if the record still has it.
    """
    run = case.selections.run
    if run is None:
        return ()
    found = []
    for request in case.chart.resources("MedicationRequest"):
        if run_of(dict(request)) == run:
            found += [w for basis in _bases(request) if (w := _weight(case, request, basis)) is not None]
    return tuple(found)


def _bases(request: Resource) -> Iterator[Mapping[str, Any]]:
    for dosage in parts(request, "dosageInstruction"):
        for amount in parts(dosage, "doseAndRate"):
            yield from read(dict(amount), DOSE_BASIS)


def _weight(case: Case, request: Resource, basis: Mapping[str, Any]) -> OrderedWeight | None:
    kg = _dosing_weight(basis) if basis.get("weightUsed") == "actual" else _source_weight(case, basis)
    if kg is None:
        return None
    time = word(request, "authoredOn") or None
    return OrderedWeight(kg, Evidence(f"MedicationRequest/{word(request, 'id')}", f"{kg} kg", time))


def _dosing_weight(basis: Mapping[str, Any]) -> Decimal | None:
    held = part(basis, "dosingWeight")
    value = number(held.get("value")) if word(held, "code") == "kg" else None
    return value if value is not None and value > 0 else None


def _source_weight(case: Case, basis: Mapping[str, Any]) -> Decimal | None:
    source = reference_key(word(part(basis, "weightSource"), "reference"))
    return next((m.value for m in case.chart.panel("body-weight") if m.source.reference == source), None)
