"""A small order of five parts as one transaction, and a decision on it; for tests of the wire, where doses do not matter."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

from ivig_fhir.fhir import identifiers
from ivig_fhir.order.transaction import Entry, Transaction

PATIENT = {"reference": "Patient/cidp-adult"}
ROLES = ("medication-request", "finding", "request-group", "provenance-approval", "task")


def an_act(run: str | None = None) -> Transaction:
    """The parts of a run, in the order of the sequential way; conditional creates, except the Provenance."""
    run = run or f"urn:uuid:{uuid4()}"
    urns = {role: run if role == "medication-request" else identifiers.derived(run, role) for role in ROLES}
    group = {"groupIdentifier": identifiers.identifier(run)}
    resources: dict[str, dict[str, Any]] = {
        "medication-request": {
            "resourceType": "MedicationRequest",
            "status": "draft",
            "intent": "order",
            "subject": PATIENT,
            "medicationCodeableConcept": {"text": "immune globulin"},
            "dosageInstruction": [{"text": "40 g", "doseAndRate": [{"doseQuantity": {"value": Decimal("40.0"), "unit": "g"}}]}],
            "detectedIssue": [{"reference": urns["finding"]}],
            **group,
        },
        "finding": {
            "resourceType": "DetectedIssue",
            "status": "final",
            "patient": PATIENT,
            "implicated": [{"reference": urns["medication-request"]}],
        },
        "request-group": {
            "resourceType": "RequestGroup",
            "status": "draft",
            "intent": "order",
            "subject": PATIENT,
            "action": [{"resource": {"reference": urns["medication-request"]}}],
            **group,
        },
        "provenance-approval": {
            "resourceType": "Provenance",
            "target": [{"reference": urns["medication-request"]}],
            "recorded": "2026-03-02T08:54:00Z",
            "agent": [{"who": {"reference": "Practitioner/prescriber"}}],
        },
        "task": {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "for": PATIENT,
            "basedOn": [{"reference": urns["request-group"]}],
            "focus": {"reference": urns["medication-request"]},
            **group,
        },
    }
    return Transaction(run, tuple(_create(role, urns[role], resource) for role, resource in resources.items()))


def _create(role: str, urn: str, resource: dict[str, Any]) -> Entry:
    if resource["resourceType"] == "Provenance":
        return Entry(role, urn, "POST", "Provenance", resource)
    held = {**resource, "identifier": [identifiers.identifier(urn)]}
    return Entry(role, urn, "POST", str(resource["resourceType"]), held, identifiers.search_condition(urn))


def unconditional(act: Transaction) -> Transaction:
    """The same for a server that cannot search by identifier."""
    return Transaction(act.run, tuple(replace(e, if_none_exist=None) for e in act.entries))


def a_decision(run: str, order: dict[str, Any], task: dict[str, Any], moment: str = "2026-03-02T09:30:00Z") -> Transaction:
    """A verification: order active, Provenance, task completed; each update over the version that was read."""
    provenance = identifiers.derived(run, f"decision-{moment}")
    done = {
        **task,
        "status": "completed",
        "lastModified": moment,
        "output": [{"type": {"text": "verified"}, "valueReference": {"reference": provenance}}],
    }
    recorded = {
        "resourceType": "Provenance",
        "target": [{"reference": f"MedicationRequest/{order['id']}"}],
        "recorded": moment,
        "agent": [{"who": {"reference": "Practitioner/pharmacist"}}],
    }
    entries = (
        _update("medication-request", {**order, "status": "active"}),
        Entry("provenance-decision", provenance, "POST", "Provenance", recorded),
        _update("task", done),
    )
    return Transaction(run, entries)


def _update(role: str, resource: dict[str, Any]) -> Entry:
    where = f"{resource['resourceType']}/{resource['id']}"
    return Entry(role, identifiers.derived(where, role), "PUT", where, resource, if_match=f'W/"{resource["meta"]["versionId"]}"')
