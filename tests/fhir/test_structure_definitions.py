"""The published definitions of our extensions: valid, and in step with what the order writes."""

from __future__ import annotations

from typing import Any

import pytest
from an_approved_order import written
from an_order import BASE

from ivig_fhir.fhir.building import gate
from ivig_fhir.fhir.extensions import NAMES
from ivig_fhir.fhir.structure_definitions import DEFINITIONS, Definition, structure_definitions

BY_NAME = {d.name: d for d in DEFINITIONS}


def extensions(element: Any) -> list[dict[str, Any]]:
    if isinstance(element, list):
        return [x for item in element for x in extensions(item)]
    if not isinstance(element, dict):
        return []
    own = [x for x in element.get("extension", []) if str(x.get("url")).startswith(BASE)]
    return own + [x for value in element.values() for x in extensions(value)]


def test_each_definition_passes_the_gates_under_its_own_url() -> None:
    made = structure_definitions(BASE, "0.1.0")
    assert [d["url"] for d in made] == [f"{BASE}/StructureDefinition/{d.name}" for d in DEFINITIONS]
    for definition in made:
        gate(definition)


def test_every_extension_has_one_definition() -> None:
    assert sorted(BY_NAME) == sorted(NAMES)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: d.name)
def test_the_order_writes_each_extension_as_defined(definition: Definition) -> None:
    found = [x for x in extensions(written(series=2, days=2, per_kg="1").entries[0].resource) if x["url"].endswith(f"/{definition.name}")]
    assert found
    for item in found:
        written_parts = {p["url"]: next(k for k in p if k.startswith("value")) for p in item["extension"]}
        types = {p.url: f"value{p.type[0].upper()}{p.type[1:]}" for p in definition.parts}
        assert written_parts.items() <= types.items()
        assert {p.url for p in definition.parts if p.required} <= set(written_parts)
        units = {p.url: p.unit for p in definition.parts if p.unit}
        for part in item["extension"]:
            if part["url"] in units:
                assert part[written_parts[part["url"]]]["code"] == units[part["url"]]


def test_no_order_carries_an_extension_that_is_not_defined() -> None:
    urls = {x["url"] for entry in written(series=2, days=2, per_kg="1").entries for x in extensions(entry.resource)}
    assert urls == {f"{BASE}/StructureDefinition/{name}" for name in NAMES}
