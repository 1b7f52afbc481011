"""SMART scopes: reading version 1 and 2, granting, and the answer to "may this token do that?"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from ivig_fhir.sandbox.compartment import SHARED_TYPES
from ivig_fhir.sandbox.resource_types import RESOURCE_TYPES

LETTERS = "cruds"
CONTEXT_SCOPES = ("openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter", "online_access")
_FORM = re.compile(r"(patient|user|system)/(\*|[A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(?:\?(.+))?")
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True)
class Permission:
    """One resource scope: level (patient, user, system), type or `*`, letters of cruds, parameters that narrow it, its version."""

    level: str
    type: str
    letters: str
    params: tuple[tuple[str, str], ...] = ()
    version: int = 2

    def covers(self, type_: str, letter: str) -> bool:
        """Whether it speaks of this type and interaction."""
        return letter in self.letters and (
            self.type == type_ or (self.type == "*" and not (self.level == "patient" and type_ in SHARED_TYPES))
        )

    def text(self) -> str:
        """As a scope string, in the version it was asked in where that can say it."""
        ending = next((word for word, letters in _VERSION_1.items() if letters == self.letters), None) if self.version == 1 else None
        query = "?" + "&".join(f"{name}={value}" for name, value in self.params) if self.params else ""
        return f"{self.level}/{self.type}.{ending or self.letters}{query}"

    def only(self, letters: str) -> Permission | None:
        """The same with no more than these letters; None when none is left."""
        left = "".join(letter for letter in self.letters if letter in letters)
        return replace(self, letters=left) if left else None


@lru_cache(1024)  # asked again for every request of a session
def parse(scope: str) -> Permission | None:
    """The permission a scope string means; None when it is no resource scope of a known type. See: SMART App Launch 2.2, scopes."""
    match = _FORM.fullmatch(scope)
    if not match or not match[3] or (match[2] != "*" and match[2] not in RESOURCE_TYPES):
        return None
    version = 1 if match[3] in _VERSION_1 else 2
    if version == 1 and match[4]:
        return None
    params = tuple((name, value) for name, _, value in (pair.partition("=") for pair in (match[4] or "").split("&")) if name)
    return Permission(match[1], match[2], _VERSION_1.get(match[3], match[3]), params, version)


def grant(asked: str, patient: bool, letters: str) -> tuple[list[str], list[Permission]]:
    """What is granted of a scope string: context scopes, and permissions cut down to the user's letters.

    Without a patient in context no patient/ scope is granted, and none for a type that names no patient.
    """
    words = list(dict.fromkeys(asked.split()))
    context = [word for word in words if word in CONTEXT_SCOPES]
    permissions = []
    for permission in (parse(word) for word in words):
        if permission is None or permission.level == "system":
            continue
        if permission.level == "patient" and (not patient or permission.type in SHARED_TYPES):
            continue
        cut = permission.only(letters)
        if cut:
            permissions.append(cut)
    return context, permissions


def grant_to_app(asked: str, letters: str) -> list[Permission]:
    """What an app is granted for itself: system/ scopes, cut down to the letters it is registered for."""
    wanted = (permission for permission in map(parse, dict.fromkeys(asked.split())) if permission and permission.level == "system")
    return [cut for cut in (permission.only(letters) for permission in wanted) if cut]


def without(permissions: Iterable[Permission], types: Iterable[str], letters: str = LETTERS) -> list[Permission]:
    """The permissions less some letters on some types; a wildcard that would cover them is written out type by type."""
    lost = set(types)
    result: list[Permission] = []
    for permission in permissions:
        if permission.type == "*":
            spread = [
                replace(permission, type=type_) for type_ in sorted(RESOURCE_TYPES) if permission.covers(type_, permission.letters[0])
            ]
        else:
            spread = [permission]
        for one in spread:
            left = one.only("".join(set(LETTERS) - set(letters))) if one.type in lost else one
            if left:
                result.append(left)
    return result


def written(context: Iterable[str], permissions: Iterable[Permission]) -> str:
    """The scope string of a token response."""
    return " ".join([*context, *(permission.text() for permission in permissions)])
