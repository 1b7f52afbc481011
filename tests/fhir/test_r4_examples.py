"""The first write gate raises no false alarm on published resources, misses no mechanical fault, and its table is fresh."""

from __future__ import annotations

import gzip
import importlib.util
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.fhir.r4_check import check
from ivig_fhir.fhir.r4_table import definitions

Resource = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent.parent

# HL7's own examples that break R4, and how: found by this check, each one looked at.
NO_UCUM = {"ucum"}  # tablets, drops, "ea", "mcg", "mEq", "ml/hr" or barns under the system of UCUM
KNOWN_FAULTS: dict[str, set[str]] = {
    "ActivityDefinition-heart-valve-replacement": {"txt-2"},  # an empty narrative
    "Bundle-father": NO_UCUM,
    "Claim-760151": NO_UCUM,
    "Claim-760152": NO_UCUM,
    "DeviceUseStatement-example": {"reference-target"},  # a Procedure as the reason
    "List-example-double-cousin-relationship": NO_UCUM,
    "MedicationDispense-meddisp0309": NO_UCUM,
    "MedicationDispense-meddisp0318": NO_UCUM,
    "MedicationDispense-meddisp0324": NO_UCUM,
    "MedicationDispense-meddisp0327": NO_UCUM,
    "MedicationDispense-meddisp0328": NO_UCUM,
    "MedicationDispense-meddisp0329": NO_UCUM,
    "MedicationRequest-medrx0301": {"reference-target"},  # a Practitioner dispenses
    "MedicationRequest-medrx0304": NO_UCUM,
    "MedicationRequest-medrx0314": NO_UCUM,
    "MedicationRequest-medrx0319": NO_UCUM,
    "MedicationRequest-medrx0322": NO_UCUM,
    "MedicationRequest-medrx0326": NO_UCUM,
    "MedicationRequest-medrx0334": NO_UCUM,
    "MedicationRequest-medrx0336": NO_UCUM,
    "Observation-clinical-gender": {"reference-target"},  # an Encounter performs
    "Questionnaire-qs1": {"cardinality"},  # items without a link id
}


def examples(shared: Path) -> Iterator[tuple[str, Resource]]:
    for file in sorted((shared / "data" / "hl7-r4-examples").glob("*.json")):
        resource = decode(file.read_bytes())
        if resource["resourceType"] in definitions().resources:
            yield file.stem, resource


def test_hl7_examples_raise_no_false_alarm(shared: Path) -> None:
    found = {name: {p.code for p in check(resource)} - {"not-checked"} for name, resource in examples(shared)}
    assert len(found) > 250
    assert {name: codes for name, codes in found.items() if codes} == KNOWN_FAULTS


def test_synthetic_patients_raise_no_false_alarm(shared: Path) -> None:
    """Their only faults: units that are not UCUM ("(score)", "pH", "units")."""
    checked = 0
    for file in sorted((shared / "data" / "patients" / "synthea-2020").glob("*.gz"))[:12]:
        for entry in decode(gzip.decompress(file.read_bytes()))["entry"]:
            checked += 1
            assert {p.code for p in check(entry["resource"])} <= {"ucum"}, file.name
    assert checked > 1000


def inner_objects(value: Any) -> Iterator[Resource]:
    """A resource and every object inside it, at every depth."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inner_objects(inner)


Mutants = Callable[[Resource], Iterator[Callable[[], Any]]]


def each_property(change: Callable[[Any], Any]) -> Mutants:
    """A kind of mutation: every property in turn gets a changed value."""

    def mutants(resource: Resource) -> Iterator[Callable[[], Any]]:
        for element in inner_objects(resource):
            for name, value in element.items():
                yield partial(element.__setitem__, name, change(value))

    return mutants


def each_object(resource: Resource) -> Iterator[Callable[[], Any]]:
    """A kind of mutation: every object in turn gets an element that nothing in R4 has."""
    for element in inner_objects(resource):
        yield partial(element.__setitem__, "unknownElement", "x")


def each_required(resource: Resource) -> Iterator[Callable[[], Any]]:
    """A kind of mutation: every property that its resource must have is taken away in turn."""
    for _, properties in definitions().types[resource["resourceType"]].required:
        for name in properties:
            if name in resource and f"_{name}" not in resource:
                yield partial(resource.pop, name)


def each_reference(resource: Resource) -> Iterator[Callable[[], Any]]:
    """A kind of mutation: every literal reference in turn names a type that R4 does not have."""
    for element in inner_objects(resource):
        if isinstance(element.get("reference"), str) and re.fullmatch(r"[A-Z]\w+/[\w.-]+", element["reference"]):
            yield partial(element.__setitem__, "reference", "Foo/1")


MUTATIONS: dict[str, Mutants] = {
    "an unknown element": each_object,
    "nothing": each_property(lambda value: None),
    "an empty list": each_property(lambda value: []),
    "an empty object": each_property(lambda value: {}),
    "an empty text": each_property(lambda value: ""),
    "a float": each_property(lambda value: 1.5),
    "a list of lists": each_property(lambda value: [[value]]),
    "one for many, many for one": each_property(lambda value: value[0] if isinstance(value, list) else [value]),
    "a text for a number": each_property(lambda value: str(value) if not isinstance(value, str) else 7),
    "a required element missing": each_required,
    "a reference to no type of R4": each_reference,
}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_no_mechanical_fault_in_a_published_resource_is_missed(kind: str, shared: Path) -> None:
    tried = 0
    for name, original in examples(shared):
        if len(repr(original)) > 3000 or original["resourceType"] == "Bundle" or check(original):
            continue
        for index in range(len(list(MUTATIONS[kind](original)))):
            mutant = decode(encode(original))
            list(MUTATIONS[kind](mutant))[index]()
            tried += 1
            assert check(mutant), f"{name}, mutant {index}"
    assert tried > 50


def test_every_required_code_is_enforced(shared: Path) -> None:
    tried = 0
    for _, original in examples(shared):
        rules = definitions().types[original["resourceType"]].elements
        for name, value in original.items():
            if isinstance(value, str) and name in rules and rules[name].binding:
                tried += 1
                assert "binding" in {p.code for p in check(original | {name: "not-a-code"})}
    assert tried > 250


def test_the_table_is_what_hl7s_package_compiles_to(shared: Path) -> None:
    specification = importlib.util.spec_from_file_location("compiler", ROOT / "scripts" / "compile_r4_definitions.py")
    assert specification and specification.loader
    compiler = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(compiler)
    compiled = compiler.render(compiler.compile_table(shared / "data" / "conformance" / "r4-core"))
    assert compiled == (ROOT / "ivig_fhir" / "fhir" / "r4_definitions.json").read_text(encoding="utf-8")


def test_an_order_is_checked_in_far_less_time_than_a_network_call(shared: Path) -> None:
    orders = [resource for _, resource in examples(shared) if resource["resourceType"] == "MedicationRequest"]
    check(orders[0])
    started = time.process_time()
    for order in orders:
        check(order)
    assert (time.process_time() - started) / len(orders) < 0.01
