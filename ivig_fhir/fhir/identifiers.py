"""Identifiers that are derived and never random: the run, and a UUID version 5 for each part of an order."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

URI = "urn:ietf:rfc:3986"
_PREFIX = "urn:uuid:"


def run_urn(run: str | None, digest: str) -> str:
    """The run as `urn:uuid:…`; without one, derived from the proposal's digest, so that the same proposal is always the same run."""
    if run is None:
        return _PREFIX + str(uuid5(NAMESPACE_URL, digest))
    return run if run.startswith(_PREFIX) else _PREFIX + run


def derived(run: str, role: str) -> str:
    """The `urn:uuid:…` of one part of a run: UUID version 5 of the run and the part's role. See: RFC 9562, section 5.5."""
    return _PREFIX + str(uuid5(_namespace(run), role))


def _namespace(run: str) -> UUID:
    try:
        return UUID(run.removeprefix(_PREFIX))
    except ValueError:  # a run that is a urn:uuid in form only still names its parts uniquely
        return uuid5(NAMESPACE_URL, run)


def identifier(urn: str) -> dict[str, Any]:
    """The business identifier that carries a urn. See: FHIR R4 Identifier, system urn:ietf:rfc:3986."""
    return {"system": URI, "value": urn}


def search_condition(urn: str) -> str:
    """The search that finds a resource by its urn, as `If-None-Exist` and `ifNoneExist` want it."""
    return f"identifier={URI}|{urn}"


def run_of(resource: dict[str, Any]) -> str | None:
    """The run that a stored resource belongs to: groupIdentifier, or requisition for a ServiceRequest; None when it is not one of ours."""
    held = resource.get("groupIdentifier") or resource.get("requisition")
    value = held.get("value") if isinstance(held, dict) and held.get("system") == URI else None
    return value if isinstance(value, str) and value.startswith(_PREFIX) else None
