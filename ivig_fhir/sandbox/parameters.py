"""The search parameters of each resource type: their kind and the elements they look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter: token, reference, date, string or uri; where it looks; for a reference, the one type it means."""

    name: str
    kind: str
    paths: tuple[str, ...]
    target: str | None = None


def _row(kind: str, names: str, **elsewhere: str) -> list[Parameter]:
    """Parameters of one kind: named after their element, or with the elements given (spaces between several, `_` for `-` in a name)."""
    plain = [Parameter(name, kind, (_element(name),)) for name in names.split()]
    return plain + [Parameter(name[0] + name[1:].replace("_", "-"), kind, tuple(paths.split())) for name, paths in elsewhere.items()]


def _element(name: str) -> str:
    first, *rest = name.split("-")
    return first + "".join(part.capitalize() for part in rest)


def _patient(element: str) -> list[Parameter]:
    return [Parameter("patient", "reference", (element,), "Patient")]


_SUBJECT = [*_patient("subject"), Parameter("subject", "reference", ("subject",))]
_PERSON = [
    *_row("string", "", name="name", family="name.family", given="name.given", address="address"),
    *_row("token", "active gender telecom"),
]
_MEDICATION = [
    *_row("token", "status", code="medicationCodeableConcept"),
    *_row("reference", "", medication="medicationReference"),
]
_REQUEST = [*_row("token", "status intent priority"), *_row("reference", "encounter requester")]

# Names, kinds and elements are those of HL7's SearchParameters for R4; what is not here is an unknown parameter.
COMMON = [
    *_row("token", "identifier", _id="id"),
    *_row("date", "", _lastUpdated="meta.lastUpdated"),
    *_row("token", "", _tag="meta.tag"),
    *_row("uri", "", _profile="meta.profile"),
]

_TABLE: dict[str, list[Parameter]] = {
    "Patient": [*_PERSON, *_row("date", "", birthdate="birthDate"), *_row("reference", "", general_practitioner="generalPractitioner")],
    "Practitioner": _PERSON,
    "PractitionerRole": [
        *_row("token", "active specialty", role="code"),
        *_row("reference", "practitioner organization location"),
        *_row("date", "", date="period"),
    ],
    "Organization": [*_row("string", "name"), *_row("token", "active type")],
    "Location": [*_row("string", "name"), *_row("token", "status type")],
    "Medication": [*_row("token", "code status form"), *_row("token", "", ingredient_code="ingredient.itemCodeableConcept")],
    "Observation": [
        *_SUBJECT,
        *_row("token", "code category status", combo_code="code component.code", component_code="component.code"),
        *_row("date", "", date="effectiveDateTime effectivePeriod effectiveInstant effectiveTiming"),
        *_row("reference", "encounter performer focus based-on derived-from has-member"),
    ],
    "Condition": [
        *_SUBJECT,
        *_row("token", "code category clinical-status verification-status severity body-site"),
        *_row("date", "recorded-date", onset_date="onsetDateTime onsetPeriod", abatement_date="abatementDateTime abatementPeriod"),
        *_row("reference", "encounter asserter"),
    ],
    "AllergyIntolerance": [
        *_patient("patient"),
        *_row("token", "category clinical-status verification-status criticality type", code="code reaction.substance"),
        *_row("date", "", date="recordedDate", last_date="lastOccurrence", onset="reaction.onset"),
        *_row("reference", "recorder asserter"),
    ],
    "MedicationRequest": [
        *_SUBJECT,
        *_MEDICATION,
        *_REQUEST,
        *_row("token", "category"),
        *_row("date", "", authoredon="authoredOn", date="dosageInstruction.timing.event"),
    ],
    "MedicationStatement": [
        *_SUBJECT,
        *_MEDICATION,
        *_row("token", "category"),
        *_row("date", "", effective="effectiveDateTime effectivePeriod"),
        *_row("reference", "context part-of", source="informationSource"),
    ],
    "MedicationAdministration": [
        *_SUBJECT,
        *_MEDICATION,
        *_row("date", "", effective_time="effectiveDateTime effectivePeriod"),
        *_row("reference", "context request device", performer="performer.actor"),
    ],
    "MedicationDispense": [
        *_SUBJECT,
        *_MEDICATION,
        *_row("token", "type"),
        *_row("date", "", whenhandedover="whenHandedOver", whenprepared="whenPrepared"),
        *_row("reference", "context", prescription="authorizingPrescription", performer="performer.actor"),
    ],
    "Immunization": [
        *_patient("patient"),
        *_row("token", "status vaccine-code"),
        *_row("date", "", date="occurrenceDateTime"),
        *_row("reference", "location", performer="performer.actor"),
    ],
    "Procedure": [
        *_SUBJECT,
        *_row("token", "code category status"),
        *_row("date", "", date="performedDateTime performedPeriod"),
        *_row("reference", "encounter based-on part-of", performer="performer.actor"),
        *_row("uri", "instantiates-canonical"),
    ],
    "ServiceRequest": [
        *_SUBJECT,
        *_REQUEST,
        *_row("token", "code category requisition body-site"),
        *_row("date", "", authored="authoredOn", occurrence="occurrenceDateTime occurrencePeriod occurrenceTiming"),
        *_row("reference", "performer based-on replaces"),
        *_row("uri", "instantiates-canonical"),
    ],
    "Device": [*_patient("patient"), *_row("token", "status type"), *_row("string", "manufacturer", device_name="deviceName.name")],
    "Consent": [
        *_patient("patient"),
        *_row("token", "status category scope"),
        *_row("date", "", date="dateTime", period="provision.period"),
    ],
    "Coverage": [
        *_patient("beneficiary"),
        *_row("token", "status type"),
        *_row("reference", "beneficiary payor subscriber policy-holder"),
    ],
    "ClaimResponse": [
        *_patient("patient"),
        *_row("token", "status use outcome"),
        *_row("date", "created"),
        *_row("reference", "request insurer"),
    ],
    "Claim": [*_patient("patient"), *_row("token", "status use"), *_row("date", "created")],
    "Encounter": [
        *_SUBJECT,
        *_row("token", "class status type"),
        *_row("date", "", date="period"),
        *_row("reference", "part-of", participant="participant.individual", location="location.location"),
    ],
    "DiagnosticReport": [
        *_SUBJECT,
        *_row("token", "code category status"),
        *_row("date", "issued", date="effectiveDateTime effectivePeriod"),
        *_row("reference", "encounter performer result based-on"),
    ],
    "DocumentReference": [
        *_SUBJECT,
        *_row("token", "status type category"),
        *_row("date", "date", period="context.period"),
        *_row("reference", "", encounter="context.encounter"),
    ],
    "CarePlan": [
        *_SUBJECT,
        *_row("token", "status intent category"),
        *_row("date", "", date="period"),
        *_row("reference", "encounter"),
        *_row("uri", "instantiates-canonical"),
    ],
    "Task": [
        *_patient("for"),
        *_row("token", "status intent code priority business-status group-identifier", performer="performerType"),
        *_row("date", "", authored_on="authoredOn", modified="lastModified", period="executionPeriod"),
        *_row("reference", "focus owner requester encounter based-on part-of", subject="for"),
    ],
    "RequestGroup": [
        *_SUBJECT,
        *_row("token", "status intent code priority group-identifier"),
        *_row("date", "", authored="authoredOn"),
        *_row("reference", "encounter author", participant="action.participant"),
        *_row("uri", "instantiates-canonical"),
    ],
    "DetectedIssue": [
        *_patient("patient"),
        *_row("token", "code"),
        *_row("date", "", identified="identifiedDateTime identifiedPeriod"),
        *_row("reference", "author implicated"),
    ],
    "GuidanceResponse": [*_SUBJECT, *_row("token", "", request="requestIdentifier")],
    "Provenance": [
        *_patient("target"),
        *_row("date", "recorded", when="occurredDateTime occurredPeriod"),
        *_row("reference", "target", agent="agent.who", entity="entity.what"),
        *_row("token", "", agent_type="agent.type", agent_role="agent.role"),
    ],
    "AuditEvent": [
        *_row("date", "", date="recorded"),
        *_row("token", "action outcome type subtype"),
        *_row("reference", "", agent="agent.who", entity="entity.what"),
    ],
}

# A type without a row of its own is searched by what most types have.
_OTHERS = [
    Parameter("patient", "reference", ("subject", "patient"), "Patient"),
    *_row("reference", "subject"),
    *_row("token", "status code"),
]

TYPES: tuple[str, ...] = tuple(_TABLE)


def parameters(type_: str) -> dict[str, Parameter]:
    """The search parameters of a type, by name."""
    return {parameter.name: parameter for parameter in [*COMMON, *_TABLE.get(type_, _OTHERS)]}
