"""The people, the approved order, and what an EHR would hold of it; beside `an_order`, for the tests of what follows a signature."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from an_order import BASE, NOW, content, proposal

from ivig_fhir.content.site import Site
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.approval import Approval, Clinician, approve
from ivig_fhir.order.bundle import Abilities, transaction
from ivig_fhir.order.transaction import Transaction
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.selections import ChosenOverride

PRESCRIBER = Clinician("Practitioner/prescriber", "Dr Nora Testfield", frozenset({"prescriber"}))
PHARMACIST = Clinician("Practitioner/pharmacist", "R. Proofwell, PharmD", frozenset({"pharmacist"}))
NURSE = Clinician("Practitioner/nurse", "A. Nurse", frozenset({"nurse"}))
LATER = datetime(2026, 3, 2, 8, 54, tzinfo=UTC)
OVERRIDE = ChosenOverride("renal.reduced-function", "9", "Creatinine each morning.")


def signed(made: Proposal, overrides: tuple[ChosenOverride, ...] = ()) -> Approval:
    """The approval of a proposal that can be approved."""
    result = approve(made, made.digest, overrides, PRESCRIBER, NOW, content(), "development", Site())
    assert isinstance(result, Approval)
    return result


def written(abilities: Abilities | None = None, **shape: Any) -> Transaction:
    """The transaction of an approved order."""
    made = proposal(**shape)
    return transaction(made, signed(made), content(), proposal_context(made, BASE, "0.1.0"), abilities or Abilities())


def observation(id_: str, loinc: str, value: str, unit: str, **more: Any) -> dict[str, Any]:
    """A final Observation of the patient."""
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "subject": {"reference": "Patient/cidp-adult"},
        "effectiveDateTime": "2026-02-27",
        "valueQuantity": {"value": Decimal(value), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        **more,
    }


def record() -> list[dict[str, Any]]:
    """The raw record that the order stands on."""
    person = {"resourceType": "Patient", "id": "cidp-adult", "gender": "male", "birthDate": "1980-06-14"}
    return [person, observation("weight-1", "29463-7", "82.0", "kg"), observation("height-1", "8302-2", "180", "cm")]


def as_stored(made: Transaction) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What a faithful server holds after the transaction: ids, versions, resolved references; by role, and reference by full URL."""
    known = {e.full_url: f"{e.type}/{number}" for number, e in enumerate(made.entries, start=100)}
    held = {}
    for entry in made.entries:
        resource = decode(encode(_resolved(entry.resource, known)))
        resource["id"] = known[entry.full_url].split("/")[1]
        resource["meta"] = {"versionId": "1", "lastUpdated": "2026-03-02T08:44:00Z"}
        held[entry.role] = resource
    return held, known


def _resolved(element: Any, known: Mapping[str, str]) -> Any:
    if isinstance(element, dict):
        return {k: known.get(v, v) if k == "reference" else _resolved(v, known) for k, v in element.items()}
    return [_resolved(v, known) for v in element] if isinstance(element, list) else deepcopy(element)
