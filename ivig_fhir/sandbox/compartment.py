"""Whose record a resource belongs to: the patient compartment, by the elements that name the patient."""

from __future__ import annotations

from typing import Any

from ivig_fhir.sandbox.references import local

# Task, Device and GuidanceResponse are outside HL7's compartment definition, yet EHRs hand them out with patient scopes
# when they name the patient; so does this one.
_ELEMENTS = ("subject", "patient", "for", "beneficiary", "individual")

_SHARED = """
    ActivityDefinition Binary Bundle CapabilityStatement CodeSystem ConceptMap Endpoint HealthcareService Library Location
    Measure Medication MedicationKnowledge OperationOutcome Organization OrganizationAffiliation PlanDefinition Practitioner
    PractitionerRole Questionnaire SearchParameter StructureDefinition Substance ValueSet
"""
# Types that name no patient: a patient/ scope on them is not granted, user/ is needed.
SHARED_TYPES: frozenset[str] = frozenset(_SHARED.split())


def named_patients(resource: dict[str, Any], base: str) -> set[str]:
    """Ids of the patients that the resource itself names; a Patient names itself."""
    if resource.get("resourceType") == "Patient":
        return {str(resource.get("id", ""))}
    found: set[str] = set()
    for element in _ELEMENTS:
        value = resource.get(element)
        for node in value if isinstance(value, list) else [value]:
            text = node.get("reference") if isinstance(node, dict) else None
            target = local(text, base) if isinstance(text, str) else None
            if target and target.startswith("Patient/"):
                found.add(target.removeprefix("Patient/"))
    return found


def provenance_targets(resource: dict[str, Any], base: str) -> list[str]:
    """`Type/id` of what a Provenance is about: its record is theirs."""
    nodes = resource.get("target")
    texts = [node.get("reference") for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
    found = (local(text, base) for text in texts if isinstance(text, str))
    return [target for target in found if target]
