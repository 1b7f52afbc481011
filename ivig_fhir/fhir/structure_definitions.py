"""The StructureDefinitions of the app's extensions, as the app publishes them: each part with its type, unit and cardinality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME, RATE_BASIS, RATE_STEP, SERIES, VIAL, url
from ivig_fhir.fhir.units import UCUM

_FHIR = "4.0.1"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a complex extension: its url, value type, whether it must be there, its UCUM unit where it is a quantity."""

    url: str
    type: str
    required: bool
    means: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """One extension: name, where it may stand, how often, what it means."""

    name: str
    title: str
    context: str
    repeats: bool
    means: str
    parts: tuple[Part, ...]


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        RATE_STEP,
        "Infusion rate step",
        "Dosage",
        True,
        "One step of an infusion whose rate is raised while it is tolerated. Whoever ignores it still has the dose and the range of rates.",
        (
            Part("sequence", "positiveInt", True, "Place of the step, from 1."),
            Part("rateOrdered", "Quantity", True, "Rate for each kilogram of dosing weight.", "mL/kg/h"),
            Part("rateCalculated", "Quantity", True, "Rate to set on the pump, rounded down.", "mL/h"),
            Part("duration", "Duration", False, "Minutes of the step; absent in the last, which runs until the dose is in.", "min"),
            Part("volumeCalculated", "Quantity", True, "Volume given in the step.", "mL"),
            Part("condition", "string", False, "What must hold before the step is begun."),
        ),
    ),
    Definition(
        DOSE_BASIS,
        "Basis of a calculated dose",
        "Dosage.doseAndRate",
        False,
        "On what the calculated grams stand. A dose for each kilogram never stands without the weight that it was multiplied by.",
        (
            Part("dosePerWeight", "Quantity", False, "Grams for each kilogram in one administration, to 0.0001.", "g/kg"),
            Part("courseDosePerWeight", "Quantity", False, "Grams for each kilogram in the course, exact.", "g/kg"),
            Part("infusions", "positiveInt", True, "Administrations that share the course."),
            Part("dosingWeight", "Quantity", True, "The weight that the dose was computed on.", "kg"),
            Part("weightUsed", "code", True, "actual, ideal, adjusted or stated."),
            Part("policy", "code", True, "The dosing-weight policy that chose it; stated where a clinician did."),
            Part("policyVersion", "string", False, "Version of the policy."),
            Part("weightSource", "Reference", False, "The Observation that was weighed; absent where the weight was stated."),
            Part("weightReason", "string", False, "Why a weight was stated."),
            Part("roundingIncrement", "Quantity", False, "The ordered dose is a multiple of it; absent without vial rounding.", "g"),
            Part("roundingPolicy", "code", False, "The rounding policy; site where the site narrowed it, stated where a clinician did."),
            Part("roundingPolicyVersion", "string", False, "Version of the rounding policy."),
        ),
    ),
    Definition(
        INFUSION_VOLUME,
        "Volume of one infusion",
        "Dosage",
        False,
        "The concentration that every rate in mL/h presumes, and the volume of one administration.",
        (
            Part("concentration", "Quantity", True, "Concentration of the product as infused.", "mg/mL"),
            Part("volume", "Quantity", True, "Volume of one administration.", "mL"),
        ),
    ),
    Definition(
        RATE_BASIS,
        "Basis of the rate steps",
        "Dosage",
        False,
        "Whose the rate table is, and which ceiling held.",
        (
            Part("basis", "code", True, "label, maker, illustrative, site or none."),
            Part("ladder", "string", False, "The indication of the label whose table was used."),
            Part("cap", "Quantity", False, "The ceiling that held.", "mL/kg/h"),
            Part("capReason", "code", False, "Whose ceiling: label, risk, site or clinician."),
            Part("labelMaximum", "Quantity", False, "The label's maximum.", "mL/kg/h"),
        ),
    ),
    Definition(
        SERIES,
        "Series of infusion courses",
        "Dosage",
        False,
        "How the dates of a repeated course came about. The dates themselves are written out; nothing repeats beyond them.",
        (
            Part("interval", "Quantity", True, "Weeks from the first day of a course to the first day of the next.", "wk"),
            Part("cycles", "positiveInt", True, "Courses in the order."),
            Part("reviewOn", "date", True, "The day by which the treatment is to be reviewed before more of it is ordered."),
        ),
    ),
    Definition(
        VIAL,
        "Vials of one infusion",
        "MedicationRequest.dispenseRequest",
        True,
        "How many vials of one size make up one administration.",
        (
            Part("grams", "Quantity", True, "Grams in the vial.", "g"),
            Part("count", "positiveInt", True, "Vials of this size for one administration."),
        ),
    ),
)


def structure_definitions(base: str, version: str) -> tuple[dict[str, Any], ...]:
    """Every extension of the app as a StructureDefinition under the canonical `base`. See: FHIR R4 StructureDefinition, extensibility."""
    return tuple(structure_definition(item, base, version) for item in DEFINITIONS)


def structure_definition(item: Definition, base: str, version: str) -> dict[str, Any]:
    """One extension, by its difference from Extension."""
    canonical = url(base, item.name)
    return {
        "resourceType": "StructureDefinition",
        "id": item.name,
        "url": canonical,
        "version": version,
        "name": "".join(word.capitalize() for word in item.name.split("-")),
        "title": item.title,
        "status": "active",
        "description": item.means,
        "fhirVersion": _FHIR,
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": item.context}],
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": {"element": _elements(item, canonical)},
    }


def _elements(item: Definition, canonical: str) -> list[dict[str, Any]]:
    slicing = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
    return [
        {**_element("Extension"), "short": item.title, "definition": item.means, "min": 0, "max": "*" if item.repeats else "1"},
        {**_element("Extension.extension"), "slicing": slicing, "min": sum(p.required for p in item.parts)},
        *(element for part in item.parts for element in _part(part)),
        {**_element("Extension.url"), "fixedUri": canonical},
        {**_element("Extension.value[x]"), "max": "0"},
    ]


def _part(part: Part) -> list[dict[str, Any]]:
    at = f"Extension.extension:{part.url}"
    value: dict[str, Any] = {**_element(f"{at}.value[x]"), "min": 1, "type": [_type(part)]}
    if part.unit and part.type == "Quantity":  # a Duration with a unit and no value is none (drt-1), not even as a pattern
        value["patternQuantity"] = {"system": UCUM, "code": part.unit}
    cardinality = {"min": int(part.required), "max": "1"}
    return [
        {**_element(at), "sliceName": part.url, "short": part.means, **cardinality},
        {**_element(f"{at}.extension"), "max": "0"},
        {**_element(f"{at}.url"), "fixedUri": part.url},
        value,
    ]


def _type(part: Part) -> dict[str, Any]:
    if part.type == "Reference":
        return {"code": part.type, "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Observation"]}
    return {"code": part.type}


def _element(id_: str) -> dict[str, Any]:
    """An element's id with the path that it follows from: the id without its slices."""
    return {"id": id_, "path": ".".join(step.split(":")[0] for step in id_.split("."))}
