"""What one token may do, asked on every request: interaction, type, patient, and the resource itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote

from ivig_fhir.sandbox.faults import NONE, Fault
from ivig_fhir.sandbox.matching import matches
from ivig_fhir.sandbox.outcome import FhirError
from ivig_fhir.sandbox.parameters import parameters
from ivig_fhir.sandbox.query import Query
from ivig_fhir.sandbox.references import local
from ivig_fhir.sandbox.scopes import Permission
from ivig_fhir.sandbox.store import Store, Stored

_NAMES = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}


@dataclass(frozen=True, slots=True)
class Access:
    """A token's rights: permissions, the patient in context, the user's `Practitioner/<id>`, whether they may read it."""

    permissions: tuple[Permission, ...]
    patient: str | None
    user: str
    own_profile: bool = False
    fault: Fault = field(default=NONE)
    token: str = ""

    def covering(self, type_: str, letter: str) -> list[Permission]:
        """The permissions that speak of a type and an interaction."""
        return [one for one in self.permissions if one.covers(type_, letter) and not (one.level == "patient" and self.patient is None)]

    def demand(self, type_: str, letter: str) -> None:
        """FhirError 403 unless some permission covers the interaction on the type at all."""
        if not self.covering(type_, letter):
            raise FhirError(403, "forbidden", f"The granted scopes do not allow to {_NAMES[letter]} {type_}.")

    def sees(self, store: Store, held: Stored, letter: str) -> bool:
        """Whether a permission covers this very resource."""
        return held.body is not None and any(_reaches(one, self.patient, store, held) for one in self.covering(held.type, letter))

    def reads(self, store: Store, held: Stored) -> bool:
        """Whether the resource may be shown: read allowed, or it is the user's own Practitioner."""
        return self.sees(store, held, "r") or (self.own_profile and held.reference == self.user)

    def demand_resource(self, store: Store, held: Stored, letter: str) -> None:
        """FhirError 403 unless the resource is within reach: the granted patient's record, the granted categories."""
        self.demand(held.type, letter)
        if not self.sees(store, held, letter):
            raise FhirError(403, "forbidden", f"This {held.type} is outside what the granted scopes allow to {_NAMES[letter]}.")

    def demand_patient(self, query: Query, base: str) -> None:
        """FhirError 403 when a search names another patient than the one in context and no user/ or system/ scope allows it."""
        if any(one.level != "patient" for one in self.covering(query.type, "s")):
            return
        for one in query.filters:
            if one.parameter.name == "patient" or (query.type == "Patient" and one.parameter.name == "_id"):
                for value in one.values:
                    if (local(value, base) or f"Patient/{value}") != f"Patient/{self.patient}":
                        raise FhirError(403, "forbidden", "The granted scopes allow the patient in context only.")


def _reaches(permission: Permission, patient: str | None, store: Store, held: Stored) -> bool:
    body = held.body or {}
    if permission.level == "patient" and not store.belongs_to(body, patient):
        return False
    known = parameters(held.type)
    for name, value in permission.params:
        parameter = known.get(name)
        try:
            if parameter is None or not matches(body, parameter, "", tuple(unquote(value).split(",")), store.base):
                return False
        except ValueError:  # a scope narrowed by what is not a date narrows to nothing
            return False
    return True
