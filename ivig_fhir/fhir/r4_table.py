"""HL7's R4 definitions as the write gate reads them: for each type its elements, and for each required binding its codes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# FHIR calls these primitive: in JSON a string, number or boolean, with `_name` beside it for id and extensions.
_PRIMITIVES = """
    base64Binary boolean canonical code date dateTime decimal id instant integer markdown oid positiveInt string time unsignedInt
    uri url uuid xhtml
"""
PRIMITIVES = frozenset(_PRIMITIVES.split())


@dataclass(frozen=True, slots=True)
class ElementRule:
    """What the specification says of one JSON property, `medicationReference` rather than `medication[x]`."""

    type: str
    many: bool
    primitive: bool
    choice: str  # "medication[x]" where only one of several properties may be present, else ""
    targets: frozenset[str]  # resource types that a Reference may point to; empty: any
    binding: str  # the value set bound as required, else ""


@dataclass(frozen=True, slots=True)
class TypeRule:
    """A type with everything it inherits: its properties, those that must be present, and the types it specializes."""

    elements: Mapping[str, ElementRule]
    required: tuple[tuple[str, tuple[str, ...]], ...]  # element name, and the properties of which one must be present
    lineage: tuple[str, ...]  # itself first, then its bases


@dataclass(frozen=True, slots=True)
class Definitions:
    """The compiled table: `resources` are the types that can be checked, `resource_names` all those of R4."""

    types: Mapping[str, TypeRule]
    value_sets: Mapping[str, Mapping[str, frozenset[str]] | None]  # None: a registry that HL7 does not enumerate
    codes: Mapping[str, frozenset[str]]  # the same without the systems, for elements of type code
    resources: frozenset[str]
    resource_names: frozenset[str]


@cache
def definitions() -> Definitions:
    """The table committed beside this module.

    This is a constant of the program that happens to be too long for Python source: it is part of the package, is read
    once, never changes while the program runs, and says nothing about a site or a patient. So the core may read it.
    """
    raw = json.loads(files("ivig_fhir.fhir").joinpath("r4_definitions.json").read_text(encoding="utf-8"))
    value_sets = {name: _systems(systems) for name, systems in raw["value_sets"].items()}
    codes = {name: frozenset().union(*systems.values()) for name, systems in value_sets.items() if systems is not None}
    return Definitions(
        types={name: _type_rule(name, raw["types"]) for name in raw["types"]},
        value_sets=value_sets,
        codes=codes,
        resources=frozenset(raw["resources"]),
        resource_names=codes["resource-types"] - {"Resource", "DomainResource"},
    )


def _systems(systems: dict[str, str] | None) -> Mapping[str, frozenset[str]] | None:
    return None if systems is None else {system: frozenset(codes.split(" ")) for system, codes in systems.items()}


def _type_rule(name: str, types: dict[str, Any]) -> TypeRule:
    lineage = [name]
    while base := types[lineage[-1]]["extends"]:
        lineage.append(base)
    elements: dict[str, ElementRule] = {}
    required: list[tuple[str, tuple[str, ...]]] = []
    for ancestor in reversed(lineage):
        for element, line in types[ancestor]["elements"].items():
            cardinality, declared, *binding = line.split(" ")
            properties = _properties(element, cardinality, declared, binding[0][1:] if binding else "")
            elements.update(properties)
            if not cardinality.startswith("0"):
                required.append((element, tuple(properties)))
    return TypeRule(elements, tuple(required), tuple(lineage))


def _properties(element: str, cardinality: str, declared: str, binding: str) -> dict[str, ElementRule]:
    stem = element.removesuffix("[x]")
    properties: dict[str, ElementRule] = {}
    for alternative in declared.split("|"):
        written, _, targets = alternative.removesuffix(")").partition("(")
        written, _, profile = written.partition(":")
        name = stem if stem == element else stem + written[0].upper() + written[1:]
        type_name = profile or written.removeprefix("=")
        properties[name] = ElementRule(
            type=type_name,
            many=cardinality.endswith("*"),
            primitive=type_name in PRIMITIVES,
            choice=element if stem != element else "",
            targets=frozenset(targets.split(",")) if targets else frozenset(),
            binding=binding,
        )
    return properties
