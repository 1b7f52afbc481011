"""SMART scopes: what to ask for, and what a granted scope string allows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl

_URI = "http://smarthealthit.org/fhir/scopes/"
_OPENID_URI = "http://openid.net/specs/openid-connect-core-1_0#"
_TOKEN = re.compile(r"(patient|user|system)/([A-Z][A-Za-z]{1,60}|\*)\.([a-z]+|\*)(?:\?(\S+))?")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_LETTER = {
    "create": "c", "read": "r", "vread": "r", "history-instance": "r", "update": "u", "patch": "u", "delete": "d", "search": "s",
    "history-type": "s", "c": "c", "r": "r", "u": "u", "d": "d", "s": "s",
}  # fmt: skip
_COVERS = {"patient": ("patient", "user", "system"), "user": ("user", "system"), "system": ("system",)}

Context = Literal["patient", "user", "system"]


@dataclass(frozen=True, slots=True)
class Scope:
    """One resource scope: whose data, which type (or `*`), which of the letters cruds, and parameters that narrow it."""

    context: str
    type: str
    letters: frozenset[str]
    query: str = ""

    def __str__(self) -> str:
        """In SMART v2 form, letters in the order of the specification."""
        letters = "".join(letter for letter in "cruds" if letter in self.letters)
        return f"{self.context}/{self.type}.{letters}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`yes`, `no`, or `partial`: only the resources that one of `queries` selects."""

    answer: Literal["yes", "no", "partial"]
    queries: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether a request is worth sending."""
        return self.answer != "no"

    @property
    def visible(self) -> str:
        """What a partial grant lets through, for people: `category laboratory; category vital-signs`."""
        pairs = (parse_qsl(query, keep_blank_values=True) for query in self.queries)
        return "; ".join(" and ".join(f"{name} {value.rpartition('|')[2]}" for name, value in pair) for pair in pairs)


@lru_cache(1024)  # asked again for every request of a session
def parse(token: str) -> Scope | None:
    """One scope token as a Scope; None for what is no resource scope (openid, launch, unknown or misspelt ones).

    Reads v2 (letters in order), v1 (`.read` = rs, `.write` = cud, `.*` = cruds), the full-URI form and `?` restrictions.
    See: SMART App Launch 2.2, scopes and launch context.
    """
    match = _TOKEN.fullmatch(token.removeprefix(_URI))
    if not match:
        return None
    context, kind, letters, query = match.groups()
    letters = _V1.get(letters, letters)
    if not re.fullmatch("c?r?u?d?s?", letters):
        return None
    return Scope(context, kind, frozenset(letters), query or "")


def resource_scopes(granted: str) -> tuple[Scope, ...]:
    """Every resource scope in a granted scope string; tokens that are none are left out."""
    return tuple(scope for scope in map(parse, granted.split()) if scope is not None)


def has(granted: str, name: str) -> bool:
    """Whether a scope without resource (openid, fhirUser, launch/patient) was granted, bare or as a full URI."""
    return name in {token.removeprefix(_URI).removeprefix(_OPENID_URI) for token in granted.split()}


def allowed(granted: str, resource_type: str, interaction: str, context: Context = "patient", category: str | None = None) -> Verdict:
    """Whether a granted scope string allows an interaction (create, read, vread, update, patch, delete, search) on a type.

    `user/` and `system/` cover `patient/`, never the other way. A restricted grant is partial; it is a yes when `category`
    (`system|code`) is all that is wanted and a grant is restricted to just that category. A pure function of its arguments.
    """
    letter = _LETTER.get(interaction)
    if letter is None:
        raise ValueError(f"unknown interaction {interaction}")
    queries = []
    for scope in resource_scopes(granted):
        if scope.context not in _COVERS[context] or scope.type not in ("*", resource_type) or letter not in scope.letters:
            continue
        if not scope.query or (category is not None and _is_category(scope.query, category)):
            return Verdict("yes")
        queries.append(scope.query)
    return Verdict("partial", tuple(sorted(set(queries)))) if queries else Verdict("no")


def _is_category(query: str, category: str) -> bool:
    """Whether a restriction is nothing but a list of categories with this one among them."""
    parameters = parse_qsl(query, keep_blank_values=True)
    return len(parameters) == 1 and parameters[0][0] == "category" and category in parameters[0][1].split(",")


# What the app writes, and reads back for the receipt.
WRITES: tuple[str, ...] = (
    "patient/MedicationRequest.cru",
    "patient/ServiceRequest.crus",
    "patient/RequestGroup.cru",
    "patient/DetectedIssue.cr",
    "patient/Provenance.cr",
    "patient/Task.crus",
)
# What the app asks for itself, without a person: to look for what was written, and to write what waits.
DELIVERS: tuple[str, ...] = (
    "system/MedicationRequest.crs",
    "system/ServiceRequest.crs",
    "system/RequestGroup.crs",
    "system/DetectedIssue.crs",
    "system/Provenance.crs",
    "system/Task.crs",
)
VERIFIES: tuple[str, ...] = (
    "user/Task.crus",
    "user/MedicationRequest.rus",
    "user/RequestGroup.ru",
    "user/Provenance.c",
    "user/ServiceRequest.rus",
    "user/DetectedIssue.r",
)
# Outside the patient compartment: who the user is, in what role, and medications that are referred to.
BEYOND: tuple[str, ...] = ("user/Practitioner.r", "user/PractitionerRole.rs", "user/Medication.r")


def wanted(
    rows: Iterable[str],
    target: Literal["order", "pharmacy"] = "order",
    version: str = "v2",
    standalone: bool = False,
    online: bool = False,
) -> tuple[str, ...]:
    """The scopes to ask for, from the scopes of the table of searches (`patient/Observation.rs`, ...).

    A prescriber's launch asks them for the patient, with what is written; the worklist has no patient and asks them for the user.
    A launch from the EHR asks `launch`; a standalone one asks for a patient to be picked, except for the worklist. `online` asks for a
    refresh token that lasts as long as the person is there. Never offline_access: the app does nothing while nobody is.
    """
    reads = ["patient/Patient.r", *rows]
    if target == "pharmacy":
        launch: tuple[str, ...] = () if standalone else ("launch",)
        data = [*(row.replace("patient/", "user/", 1) for row in reads), *VERIFIES, *BEYOND]
    else:
        launch = ("launch/patient",) if standalone else ("launch", "launch/patient", "launch/encounter")
        data = [*reads, *WRITES, *BEYOND]
    return ("openid", "fhirUser", *(("online_access",) if online else ()), *launch, *_merged(data, version))


def delivering(version: str = "v2") -> tuple[str, ...]:
    """The scopes of the app's own token. See: SMART App Launch 2.2, backend services."""
    return _merged(DELIVERS, version)


def _merged(tokens: Iterable[str], version: str) -> tuple[str, ...]:
    """One scope a type, letters united, in the order of first mention; in v1 form where the server knows no other."""
    united: dict[tuple[str, str, str], frozenset[str]] = {}
    for token in tokens:
        scope = parse(token)
        if scope is None:
            raise ValueError(f"not a resource scope: {token}")
        key = (scope.context, scope.type, scope.query)
        united[key] = united.get(key, frozenset()) | scope.letters
    scopes = [Scope(context, kind, letters, query) for (context, kind, query), letters in united.items()]
    return tuple(str(scope) for scope in scopes) if version == "v2" else tuple(form for scope in scopes for form in _v1(scope))


def _v1(scope: Scope) -> tuple[str, ...]:
    """v1 knows read and write only, and no restriction: what it grants is wider than what was wanted."""
    reads, writes = bool(scope.letters & set("rs")), bool(scope.letters & set("cud"))
    forms = (("read",) if reads else ()) + (("write",) if writes else ())
    return tuple(f"{scope.context}/{scope.type}.{form}" for form in forms)
