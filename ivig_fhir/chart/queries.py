"""The one table of what is read: a row per search; scopes, prefetch, sandbox search and "not assessed" derive from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One search: key, resource type, parameters beside the patient, v2 scope letters, whether a patient compartment holds the type.

    `control` names a parameter-free variant that must find something before an empty answer of a filtered search is believed.
    """

    key: str
    type: str
    params: tuple[tuple[str, str], ...] = ()
    include: tuple[str, ...] = ()
    letters: str = "rs"

    @property
    def scope(self) -> str:
        """The SMART v2 scope that this search needs."""
        return f"patient/{self.type}.{self.letters}"


# Weights and heights are asked by code as well: on real servers the first thousand vital signs can hold none of them.
WEIGHT_CODES = "29463-7,3141-9,3142-7,8335-2,8341-0,8350-1,8351-9,75292-3,8347-7,8344-4"
HEIGHT_CODES = "8302-2,3137-7,3138-5,8306-3,8308-9"

QUERIES: tuple[Query, ...] = (
    Query("conditions", "Condition"),
    Query("allergies", "AllergyIntolerance"),
    Query("weights", "Observation", (("code", WEIGHT_CODES),)),
    Query("heights", "Observation", (("code", HEIGHT_CODES),)),
    Query("laboratory", "Observation", (("category", "laboratory"),)),
    Query("vital-signs", "Observation", (("category", "vital-signs"),)),
    Query("social-history", "Observation", (("category", "social-history"),)),
    Query("medication-requests", "MedicationRequest", (), ("MedicationRequest:medication",)),
    Query("medication-statements", "MedicationStatement", (), ("MedicationStatement:medication",)),
    Query("medication-administrations", "MedicationAdministration", (), ("MedicationAdministration:medication",)),
    Query("medication-dispenses", "MedicationDispense", (), ("MedicationDispense:medication",)),
    Query("immunizations", "Immunization"),
    Query("procedures", "Procedure"),
    Query("service-requests", "ServiceRequest"),
    Query("devices", "Device"),
    Query("consents", "Consent"),
    Query("coverages", "Coverage"),
    Query("claim-responses", "ClaimResponse"),
    Query("encounters", "Encounter"),
)

TYPES: tuple[str, ...] = tuple(dict.fromkeys(q.type for q in QUERIES))
