"""Capabilities: what the server's CapabilityStatement says it can do, read leniently; unreadable means that nothing is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.errors import FhirError
from ivig_fhir.fhir.reading import part, parts, short, word


@dataclass(frozen=True, slots=True)
class TypeCapability:
    """What is declared for one resource type."""

    interactions: frozenset[str] = frozenset()
    parameters: frozenset[str] = frozenset()
    includes: frozenset[str] = frozenset()
    conditional_create: bool = False


@dataclass(frozen=True)
class Capabilities:
    """What a server declares; `software` is what it calls itself.

    `known` is False where its metadata could not be read: then nothing may be assumed and nothing written.
    """

    known: bool = False
    fhir_version: str = ""
    software: str = ""
    types: Mapping[str, TypeCapability] = field(default_factory=dict)
    system: frozenset[str] = frozenset()
    said: str = ""

    def can(self, type_: str, interaction: str) -> bool:
        """Whether an interaction (read, create, update, search-type, …) is declared for a type."""
        return interaction in self.type(type_).interactions

    def searches(self, type_: str, parameter: str) -> bool:
        """Whether a search of a type by a parameter is declared."""
        return self.can(type_, "search-type") and parameter in self.type(type_).parameters

    def type(self, type_: str) -> TypeCapability:
        """What is declared for a type; of one that is not named, nothing."""
        return self.types.get(type_, TypeCapability())

    @property
    def transaction(self) -> bool:
        """Whether transactions are declared."""
        return "transaction" in self.system

    @property
    def batch(self) -> bool:
        """Whether batches are declared."""
        return "batch" in self.system


def read_capabilities(client: FhirClient, *, deadline: float | None = None) -> Capabilities:
    """What the server at the client's base declares; not `known` where metadata cannot be read, whatever the cause.

    See: FHIR R4 http, capabilities.
    """
    try:
        reply = client.get("metadata", deadline=deadline)
    except FhirError as error:
        return Capabilities(said=f"The server's metadata could not be read ({error.code}).")
    return from_statement(reply.body)


def from_statement(statement: Any) -> Capabilities:
    """The capabilities in a CapabilityStatement. Malformed parts are passed over; what is not said is not declared."""
    if word(statement, "resourceType") != "CapabilityStatement":
        return Capabilities(said="The server's metadata are not a CapabilityStatement.")
    rests = [r for r in parts(statement, "rest") if word(r, "mode") in ("server", "")]
    software, implementation = part(statement, "software"), part(statement, "implementation")
    return Capabilities(
        known=True,
        fhir_version=word(statement, "fhirVersion"),
        software=short(f"{word(software, 'name')} {word(software, 'version')}".strip() or word(implementation, "description")),
        types={word(r, "type"): _type(r) for rest in rests for r in parts(rest, "resource") if word(r, "type")},
        system=frozenset(word(i, "code") for rest in rests for i in parts(rest, "interaction")) - {""},
    )


def _type(resource: Mapping[str, Any]) -> TypeCapability:
    includes = resource.get("searchInclude")
    return TypeCapability(
        frozenset(word(i, "code") for i in parts(resource, "interaction")) - {""},
        frozenset(word(p, "name") for p in parts(resource, "searchParam")) - {""},
        frozenset(i for i in includes if isinstance(i, str)) if isinstance(includes, list) else frozenset(),
        resource.get("conditionalCreate") is True,
    )
