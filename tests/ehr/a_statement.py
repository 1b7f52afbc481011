"""CapabilityStatements as data: as a test wants them, and as each kind of server is known to declare itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ivig_fhir.ehr.capability import Capabilities, from_statement
from ivig_fhir.ehr.modes import WRITTEN

ALL = {(type_, letter): "yes" for type_ in WRITTEN for letter in "crus"}


def statement(
    types: Iterable[str] = WRITTEN, system: Iterable[str] = ("transaction",), parameters: Iterable[str] = ("identifier",)
) -> dict[str, Any]:
    """A CapabilityStatement by which these types can be created, read and searched."""
    interactions = [{"code": c} for c in ("read", "create", "search-type")]
    named = [{"name": p} for p in parameters]
    rows = [{"type": t, "interaction": interactions, "conditionalCreate": True, "searchParam": named} for t in types]
    rest = {"mode": "server", "resource": rows, "interaction": [{"code": c} for c in system]}
    return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]}


def declared(
    types: Iterable[str] = WRITTEN, system: Iterable[str] = ("transaction",), parameters: Iterable[str] = ("identifier",)
) -> Capabilities:
    """What is read of such a statement."""
    return from_statement(statement(types, system, parameters))


def granted(*types: str, verdict: str = "yes") -> dict[tuple[str, str], str]:
    """A grant to create, read, update and search these types, of which the right to create is as given."""
    return {(t, letter): verdict if letter == "c" else "yes" for t in types for letter in "crus"}
