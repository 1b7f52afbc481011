"""The launch context: which patient, for whom, with what granted; and the role that follows from it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from ivig_fhir.errors import NoPatient, NoReadAccess, TokenFailed
from ivig_fhir.smart.identity import Identity, test_identity
from ivig_fhir.smart.issuers import ROLES, Issuer, Role
from ivig_fhir.smart.launch import PendingLaunch, Target
from ivig_fhir.smart.scopes import allowed
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.smart.token import TokenResponse

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_RUN = re.compile(r"(urn:uuid:)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTEXT_TYPES = ("MedicationRequest", "ServiceRequest", "Coverage", "Questionnaire", "Task", "Encounter", "Patient")


@dataclass(frozen=True, slots=True)
class ContextItem:
    """One entry of fhirContext that the app understands: a reference or a canonical, with its type and role."""

    reference: str
    type: str
    role: str = "launch"


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """What one launch gave us. `patient` and `encounter` are ids; `identity` is None where the EHR did not say who is signed in."""

    iss: str
    target: Target
    scope: str
    patient: str | None = None
    encounter: str | None = None
    identity: Identity | None = None
    need_patient_banner: bool = True
    standalone: bool = False
    scope_stated: bool = True
    intent: str = ""
    tenant: str = ""
    app_context: str = ""
    style_url: str = ""
    fhir_context: tuple[ContextItem, ...] = ()

    @property
    def tenancy(self) -> Tenancy:
        """Where the ids of this launch mean what they say; what an order is found by."""
        return Tenancy.of(self.iss, self.tenant)

    @property
    def user(self) -> str:
        """The reference of whoever is signed in; empty where that is not proven."""
        return self.identity.reference if self.identity is not None and self.identity.proven else ""

    @property
    def development(self) -> bool:
        """Whether nobody signed in: an open development server."""
        return self.identity is not None and self.identity.development

    @property
    def run(self) -> str:
        """The order run that a link of ours named in `appContext`; empty for anything else. It opens nothing that is not this user's."""
        try:
            said = json.loads(self.app_context) if self.app_context.startswith("{") else self.app_context
        except (ValueError, RecursionError):
            return ""
        named = said.get("run") if isinstance(said, dict) else said
        return named.removeprefix("urn:uuid:") if isinstance(named, str) and _RUN.fullmatch(named) else ""

    def to_json(self) -> str:
        """As JSON text, for the store to seal."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> LaunchContext:
        """The launch context that `to_json` wrote."""
        raw = json.loads(text)
        who = raw["identity"]
        raw["identity"] = Identity(**{**who, "others": tuple(who.get("others", ()))}) if who else None
        raw["fhir_context"] = tuple(ContextItem(**item) for item in raw["fhir_context"])
        return cls(**raw)


def launch_context(pending: PendingLaunch, token: TokenResponse, identity: Identity | None) -> LaunchContext:
    """The context of a finished launch.

    Errors: NoPatient for an order without a patient in context, NoReadAccess where the granted scopes do not let us read the
    patient (or, for the worklist, its tasks or orders), TokenFailed for a patient or a tenant that is none.
    See: SMART App Launch 2.2, launch context.
    """
    raw = token.context
    patient = _id(raw.get("patient"), "patient")
    if pending.target == "order" and patient is None:
        raise NoPatient()
    needed = "Patient" if pending.target == "order" else "MedicationRequest"
    context: Literal["patient", "user"] = "patient" if pending.target == "order" else "user"
    if not allowed(token.scope, needed, "read", context):
        raise NoReadAccess()
    return LaunchContext(
        iss=pending.iss,
        target=pending.target,
        scope=token.scope,
        patient=patient,
        encounter=_id(raw.get("encounter"), "encounter"),
        identity=identity,
        need_patient_banner=raw.get("need_patient_banner") is not False,
        standalone=pending.standalone,
        scope_stated=token.scope_stated,
        intent=_text(raw.get("intent")),
        tenant=_tenant(raw.get("tenant")),
        app_context=_text(raw.get("appContext")),
        style_url=_text(raw.get("smart_style_url")),
        fhir_context=tuple(_items(raw.get("fhirContext"))),
    )


def development_context(issuer: Issuer, role: Literal["prescriber", "pharmacist"], patient: str | None) -> LaunchContext:
    """The context of an open development server: no sign-in, a named test user, everything allowed.

    Errors: NoPatient for a prescriber without a patient. The issuer must be marked as development.
    """
    user = issuer.prescriber if role == "prescriber" else issuer.pharmacist
    if user is None:
        raise ValueError(f"{issuer.iss} is not a development server")
    target: Target = "order" if role == "prescriber" else "pharmacy"
    if target == "order" and (patient is None or not _ID.fullmatch(patient)):
        raise NoPatient()
    return LaunchContext(issuer.iss, target, "user/*.cruds", patient if target == "order" else None, identity=test_identity(user))


def role_of(identity: Identity | None, practitioner_roles: Iterable[Mapping[str, Any]], issuer: Issuer, on: date | None = None) -> Role:
    """What this person may do here.

    `unproven` (look, not act) where the identity is not proven; `stranger` for anyone who is not a practitioner. A practitioner has
    the role to which the issuer's table maps a code of one of their active PractitionerRoles (the most far-reaching of several).
    The entry's default role holds only where the record says nothing about their role: a code that nobody mapped makes a stranger.
    `practitioner_roles` are the resources as the FHIR server sent them; `on` is today, for their periods.
    """
    if identity is None or not identity.proven:
        return "unproven"
    if identity.development:
        return "prescriber" if issuer.prescriber and identity.reference == issuer.prescriber.reference else "pharmacist"
    if identity.type not in ("Practitioner", "PractitionerRole"):
        return "stranger"
    own = [resource for resource in practitioner_roles if _belongs(resource, identity, on)]
    codes = [code for resource in own for code in _codes(resource)]
    mapped = {issuer.roles[form] for system, code in codes for form in (f"{system}|{code}", code) if form in issuer.roles}
    if mapped:
        return min(mapped, key=ROLES.index)
    return "stranger" if any(resource.get("code") for resource in own) else issuer.default_role


def _belongs(resource: Mapping[str, Any], identity: Identity, on: date | None) -> bool:
    """Whether this is an active PractitionerRole of this person, asked again here because servers ignore search parameters."""
    if not identity.local or resource.get("resourceType") != "PractitionerRole" or resource.get("active") is False:
        return False
    if on is not None and not _during(resource.get("period"), on.isoformat()):
        return False
    if identity.type == "PractitionerRole":
        return resource.get("id") == identity.id
    practitioner = resource.get("practitioner")
    return isinstance(practitioner, Mapping) and practitioner.get("reference") == identity.reference


def _during(period: object, today: str) -> bool:
    """Whether today lies in a FHIR Period; a month or a year as its end lasts to its last day."""
    if not isinstance(period, Mapping):
        return True
    start, end = _text(period.get("start"))[:10], _text(period.get("end"))[:10]
    return start <= today and (not end or end >= today[: len(end)])


def _codes(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    concepts = resource.get("code")
    found = []
    for concept in concepts if isinstance(concepts, list) else []:
        codings = concept.get("coding") if isinstance(concept, Mapping) else None
        for coding in codings if isinstance(codings, list) else []:
            if isinstance(coding, Mapping) and isinstance(coding.get("code"), str):
                found.append((_text(coding.get("system")), coding["code"]))
    return found


def _items(raw: object) -> Iterable[ContextItem]:
    """fhirContext in both forms: references as text (2.0), objects with reference or canonical, type and role (2.1 and later)."""
    for item in raw if isinstance(raw, list) else []:
        entry = {"reference": item} if isinstance(item, str) else item if isinstance(item, dict) else {}
        reference = _text(entry.get("reference")) or _text(entry.get("canonical"))
        kind = _text(entry.get("type")) or (reference.split("/")[-2] if "/" in reference else "")
        if reference and kind in _CONTEXT_TYPES and len(reference) < 1000:
            yield ContextItem(reference, kind, _text(entry.get("role")) or "launch")


def _id(value: object, name: str) -> str | None:
    """A FHIR id, None where there is none; TokenFailed where it is something else."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise TokenFailed(f"{name} in the token response is not an id")
    return value


def _tenant(value: object) -> str:
    """The tenant's text, "" where none is named; TokenFailed for anything else: part of a key is never taken for missing."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TokenFailed("tenant in the token response is not a text")
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
