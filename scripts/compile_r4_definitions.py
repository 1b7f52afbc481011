"""Compiles HL7's R4 definitions into the table that the write gate reads.

Usage: python scripts/compile_r4_definitions.py FOLDER [OUTPUT]

FOLDER holds the package hl7.fhir.r4.core 4.0.1, as one or several .tgz files. HL7 publishes the package, and so what is
compiled from it, under CC0 1.0. The same package always gives the same bytes, and a test compares them.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).resolve().parent.parent / "ivig_fhir" / "fhir" / "r4_definitions.json"
CORE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"

# What the app writes, what compiled content uses, and what patient charts hold.
_RESOURCES = """
    ActivityDefinition AllergyIntolerance Appointment AuditEvent Binary Bundle CapabilityStatement CarePlan CareTeam Claim
    ClaimResponse CodeSystem Communication CommunicationRequest Condition Consent Coverage DetectedIssue Device DeviceRequest
    DeviceUseStatement DiagnosticReport DocumentReference Encounter Endpoint ExplanationOfBenefit FamilyMemberHistory Goal Group
    GuidanceResponse ImagingStudy Immunization Library List Location Media Medication MedicationAdministration MedicationDispense
    MedicationRequest MedicationStatement Observation OperationOutcome Organization Parameters Patient PlanDefinition Practitioner
    PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup ServiceRequest Specimen
    StructureDefinition Substance Task ValueSet
"""
RESOURCES = _RESOURCES.split()
# Abstract bases, and the one constrained datatype that base resources use.
ALSO = ("Element", "BackboneElement", "Resource", "DomainResource", "SimpleQuantity")
# Bound to a registry that HL7 does not enumerate: the check judges their syntax.
OPEN_VALUE_SETS = ("currencies", "mimetypes")

Definition = dict[str, Any]


class Package:
    """The package's definitions: structures by id, value sets and code systems by url."""

    def __init__(self, folder: Path) -> None:
        self.structures: dict[str, Definition] = {}
        self.value_sets: dict[str, Definition] = {}
        self.code_systems: dict[str, Definition] = {}
        for name, definition in _files(folder):
            if name.startswith("StructureDefinition-"):
                self.structures[definition["id"]] = definition
            elif name.startswith("ValueSet-"):
                self.value_sets[definition["url"]] = definition
            elif name.startswith("CodeSystem-"):
                self.code_systems[definition["url"]] = definition
        if "MedicationRequest" not in self.structures or not self.value_sets:
            raise SystemExit(f"No R4 package with structures and value sets in {folder}.")


def _files(folder: Path) -> Iterator[tuple[str, Definition]]:
    for archive in sorted(folder.glob("*.tgz")):
        with tarfile.open(archive) as package:
            for member in package:
                name = Path(member.name).name
                if name.startswith(("StructureDefinition-", "ValueSet-", "CodeSystem-")):
                    content = package.extractfile(member)
                    if content is not None:
                        yield name, json.load(content)


def compile_table(folder: Path) -> dict[str, Any]:
    """The table: types with their elements, and the codes of every value set bound as required."""
    package = Package(folder)
    datatypes = [n for n, d in package.structures.items() if d["kind"] == "complex-type" and d.get("derivation") == "specialization"]
    types: dict[str, Any] = {}
    bound: set[str] = set()
    for name in sorted({*RESOURCES, *datatypes, *ALSO}):
        types.update(_types(package.structures[name], bound))
    return {
        "about": {
            "what": "Elements, cardinalities, types and required bindings of HL7 FHIR R4, compiled by scripts/compile_r4_definitions.py",
            "source": "hl7.fhir.r4.core 4.0.1",
            "licence": "HL7 publishes the FHIR specification under CC0 1.0",
        },
        "resources": sorted(RESOURCES),
        "types": types,
        "value_sets": {url.rsplit("/", 1)[1]: _codes(package, url) for url in sorted(bound)},
    }


def _types(structure: Definition, bound: set[str]) -> dict[str, Any]:
    """A type and the anonymous types inside it (Timing and Timing.repeat), each with the elements it adds to its base."""
    name, root = structure["id"], structure["type"]
    base = "Element" if structure.get("derivation") == "constraint" else structure.get("baseDefinition", CORE).rsplit("/", 1)[1]
    types: dict[str, Any] = {name: {"extends": base, "elements": {}}}
    for element in structure["snapshot"]["element"][1:]:
        path = name + element["path"][len(root) :]
        if element["base"]["path"] != element["path"] or element["max"] == "0":
            continue
        parent, key = path.rsplit(".", 1)
        types[parent]["elements"][key] = _line(element, path, bound)
        if _is_anonymous(element):
            types[path] = {"extends": element["type"][0]["code"], "elements": {}}
    return types


def _is_anonymous(element: Definition) -> bool:
    return [t["code"] for t in element.get("type", [])] in (["BackboneElement"], ["Element"])


def _line(element: Definition, path: str, bound: set[str]) -> str:
    """One element in one line: "1..1 Reference(Patient,Group)", "0..1 code @units-of-time", "0..* =Observation.referenceRange"."""
    cardinality = f"{element['min']}..{element['max']}"
    if element["max"] not in ("1", "*"):
        raise SystemExit(f"{path}: a maximum of {element['max']} is not something the check knows.")
    if "contentReference" in element:
        return f"{cardinality} ={element['contentReference'].lstrip('#')}"
    if _is_anonymous(element):
        return f"{cardinality} ={path}"
    line = f"{cardinality} {'|'.join(_type(t, path) for t in element['type'])}"
    binding = element.get("binding", {})
    if binding.get("strength") == "required":
        url = binding["valueSet"].split("|")[0]
        bound.add(url)
        line += f" @{url.rsplit('/', 1)[1]}"
    return line


def _type(declared: Definition, path: str) -> str:
    code: str = declared["code"]
    if code.startswith("http://hl7.org/fhirpath/"):
        # The package calls the id of a resource a string; the specification's text and its own regex call it an id.
        return "id" if path == "Resource.id" else next(e["valueUrl"] for e in declared["extension"] if e["url"] == FHIR_TYPE)
    if code == "Reference":
        targets = [t.removeprefix(CORE) for t in declared.get("targetProfile", [])]
        return "Reference" if not targets or "Resource" in targets else f"Reference({','.join(targets)})"
    profiles = [p.removeprefix(CORE) for p in declared.get("profile", [])]
    return f"{code}:{profiles[0]}" if profiles else code


def _codes(package: Package, url: str) -> dict[str, str] | None:
    """The codes of a value set by system, separated by blanks; None for one that HL7 does not enumerate."""
    if url.rsplit("/", 1)[1] in OPEN_VALUE_SETS:
        return None
    codes: dict[str, list[str]] = {}
    compose = package.value_sets[url]["compose"]
    for include in compose["include"]:
        if compose.get("exclude") or "filter" in include or "valueSet" in include:
            raise SystemExit(f"{url}: this composition is not something the compiler knows.")
        concepts = include.get("concept") or package.code_systems[include["system"]]["concept"]
        codes.setdefault(include["system"], []).extend(_flat(concepts))
    return {system: " ".join(sorted(set(found))) for system, found in sorted(codes.items())}


def _flat(concepts: Iterable[Definition]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _flat(concept.get("concept", []))


def render(table: dict[str, Any]) -> str:
    """The table as text: a line for each type and each value set, so that a change shows as a change of lines."""
    parts = [f'"about": {json.dumps(table["about"], indent=1)}', f'"resources": {json.dumps(table["resources"])}']
    for section in ("types", "value_sets"):
        rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in table[section].items())
        parts.append(f'"{section}": {{\n{rows}\n}}')
    return "{" + ",\n".join(parts) + "}\n"


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    output = Path(arguments[1]) if len(arguments) == 2 else OUTPUT
    output.write_text(render(compile_table(Path(arguments[0]))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
