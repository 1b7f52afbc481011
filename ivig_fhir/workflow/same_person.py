"""Beside every step: by which other references a person is known, so that nobody is taken for two people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ivig_fhir.chart.answers import Resource
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.errors import FhirError
from ivig_fhir.fhir.reading import word
from ivig_fhir.fhir.references import own_reference, plain_reference, pointed_to
from ivig_fhir.order.approval import Clinician
from ivig_fhir.smart.identity import Identity

_PERSON, _ROLE = "Practitioner/", "PractitionerRole/"


def practitioner_of(role: Resource) -> str:
    """The Practitioner who works in a PractitionerRole, without base; "" where it names none that can be compared."""
    named = pointed_to(role.get("practitioner"))
    return named if word(role, "resourceType") == _ROLE[:-1] and named.startswith(_PERSON) else ""


def with_others(identity: Identity, roles: Iterable[Resource]) -> Identity:
    """The person with every other reference that these roles have for the same one; roles of others are passed over.

    Servers ignore search parameters, so each role is asked again whose it is.
    """
    own = plain_reference(identity.reference)
    if own.startswith(_ROLE):
        found = [practitioner_of(r) for r in roles if own_reference(r) == own]
    else:
        found = [own_reference(r) for r in roles if practitioner_of(r) == own]
    return replace(identity, others=tuple(dict.fromkeys((*identity.others, *(f for f in found if f)))))


def identified(client: FhirClient, who: Clinician) -> Clinician:
    """Somebody of whom only a role was kept, with the Practitioner whom that role names in the EHR; else as it was.

    Where the role cannot be read nobody knows who it is: `Clinician.may_be` says yes then.
    """
    if who.known or not who.reference.startswith(_ROLE):
        return who
    try:
        person = practitioner_of(client.read(plain_reference(who.reference)).body)
    except FhirError:
        return who
    return replace(who, aliases=(*who.aliases, person)) if person else who
