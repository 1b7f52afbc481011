"""Beside the first step: an open development server, where nobody signs in; its patients to pick from, and its test users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ivig_fhir.chart.answers import Resource
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.search import search
from ivig_fhir.errors import ResourceGone
from ivig_fhir.fhir.narrative import narrative
from ivig_fhir.fhir.reading import parts, short, word
from ivig_fhir.smart.issuers import Issuer
from ivig_fhir.store import sessions
from ivig_fhir.workflow.runtime import Runtime

_SHOWN = "20"


@dataclass(frozen=True, slots=True)
class PatientLine:
    """One patient of the picker; a text is empty where the record has none."""

    id: str
    name: str
    birth_date: str
    sex: str


@dataclass(frozen=True, slots=True)
class Picked:
    """The patients that were found, and why the list may not be whole ("" when it is)."""

    patients: tuple[PatientLine, ...]
    problem: str


def nobody_signed_in(issuer: Issuer) -> str:
    """What every page says on such a server."""
    return f"Nobody signed in: {issuer.name} is an open development server."


def patients_of(runtime: Runtime, issuer: Issuer, name: str) -> Picked:
    """The first patients of an open server, or those whose name begins so. Raises nothing of the server's."""
    client = FhirClient(issuer.iss, runtime.http)
    asked = [("name", name.strip())] if name.strip() else []
    found = search(client, "Patient", [*asked, ("_count", _SHOWN)], pages=1, fresh=True)
    lines = sorted((_line(p) for p in found.matches.values() if word(p, "id")), key=lambda p: (not p.name, p.name.casefold(), p.id))
    problem = "There are more patients than are shown: search by name." if found.pages else found.said
    return Picked(tuple(lines), problem if found.problem else "")


def introduce(runtime: Runtime, session: sessions.Session) -> None:
    """Makes the test user of this session known to an open server, which refuses to store what refers to nobody.

    Only for a development session, and only where the server has nobody of that id. FhirError when it cannot be stored.
    """
    identity = session.context.identity
    if identity is None or not identity.development:
        return
    client = runtime.client(session)
    try:
        client.read(identity.reference)
    except ResourceGone:
        client.put(identity.reference, _person(identity.reference, identity.display))


def _person(reference: str, display: str) -> dict[str, Any]:
    type_, id_ = reference.split("/")
    name = {"name": [{"text": display}]} if type_ == "Practitioner" else {}
    text = narrative((display if name else id_,))
    return {"resourceType": type_, "id": id_, "text": text, "active": True, **name}


def _line(patient: Resource) -> PatientLine:
    names = parts(patient, "name")
    name = next((n for n in names if word(n, "use") == "official"), names[0] if names else {})
    given = [g for g in name.get("given") or [] if isinstance(g, str)] if isinstance(name.get("given"), list) else []
    family = word(name, "family").upper()
    called = ", ".join(w for w in (family, " ".join(given)) if w) or word(name, "text")
    return PatientLine(word(patient, "id"), short(called), word(patient, "birthDate"), word(patient, "gender"))
