"""The people who can sign in, as Practitioners with their roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_ROLES = "http://terminology.hl7.org/CodeSystem/practitioner-role"


@dataclass(frozen=True, slots=True)
class User:
    """Someone who can sign in: name, what they are, their role code if they have one, and the scope letters the EHR lets them have."""

    id: str
    family: str
    given: str
    title: str
    role: str | None
    letters: str

    @property
    def reference(self) -> str:
        """Their Practitioner."""
        return f"Practitioner/{self.id}"

    @property
    def name(self) -> str:
        """As a person reads it."""
        return f"{self.given} {self.family}, {self.title.lower()}"

    def resources(self) -> list[dict[str, Any]]:
        """Their Practitioner and PractitionerRole."""
        text = f"{self.given} {self.family}"
        coding = {"coding": [{"system": _ROLES, "code": self.role, "display": self.title}]} if self.role else {}
        practitioner = {
            "resourceType": "Practitioner",
            "id": self.id,
            "active": True,
            "identifier": [{"system": "urn:oid:2.999.840.1", "value": f"SYN-{self.id}"}],
            "name": [{"use": "official", "text": text, "family": self.family, "given": [self.given]}],
        }
        role = {
            "resourceType": "PractitionerRole",
            "id": f"{self.id}-role",
            "active": True,
            "practitioner": {"reference": self.reference, "display": text},
            "code": [{**coding, "text": self.title}],
        }
        return [practitioner, role]


USERS: tuple[User, ...] = (
    User("prescriber", "Sample-Osei", "Adwoa", "Doctor", "doctor", "cruds"),
    User("pharmacist", "Sample-Lindqvist", "Mats", "Pharmacist", "pharmacist", "cruds"),
    User("second-pharmacist", "Sample-Adeyemi", "Funke", "Pharmacist", "pharmacist", "cruds"),
    User("nurse", "Sample-Castillo", "Inés", "Nurse", "nurse", "rs"),
    User("stranger", "Sample-Doe", "Robin", "Volunteer", None, "rs"),
)


def user(id_: str | None) -> User | None:
    """The person of an id."""
    return next((one for one in USERS if one.id == id_), None)
