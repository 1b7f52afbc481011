"""FHIR values as the chart page prints them; a value of another shape prints as nothing."""

from __future__ import annotations

from typing import Any

from ivig_fhir.sandbox.elements import values


def concept(value: Any) -> str:
    """A CodeableConcept: its text, else a display, else a code."""
    if not isinstance(value, dict):
        return ""
    codings = [one for one in value.get("coding") or [] if isinstance(one, dict)]
    texts = [value.get("text"), *(one.get("display") for one in codings), *(one.get("code") for one in codings)]
    return next((str(text) for text in texts if text), "")


def first(resource: dict[str, Any], *paths: str) -> Any:
    """The first value at the first path that has one."""
    return next((value for path in paths for value in values(resource, path)), None)


def text(resource: dict[str, Any], *paths: str) -> str:
    """The same as text, for codes, numbers and dates."""
    found = first(resource, *paths)
    return str(found) if isinstance(found, str | int) else ""


def day(value: str) -> str:
    """The date of a date or dateTime."""
    return value[:10]


def medication(resource: dict[str, Any]) -> str:
    """What is ordered or taken."""
    named = concept(resource.get("medicationCodeableConcept")) or text(resource, "medicationReference.display")
    contained = first(resource, "contained.code")
    return named or concept(contained) or text(resource, "medicationReference.reference") or "medication without a name"


def result(resource: dict[str, Any]) -> str:
    """The value of an Observation, components one after another."""
    parts = [_value(resource)]
    for component in values(resource, "component"):
        if isinstance(component, dict):
            parts.append(f"{concept(component.get('code'))} {_value(component)}".strip())
    return "; ".join(part for part in parts if part) or concept(resource.get("dataAbsentReason")) or "no value"


def _value(node: dict[str, Any]) -> str:
    quantity = node.get("valueQuantity")
    if isinstance(quantity, dict):
        number = f"{quantity.get('comparator', '')}{quantity.get('value', '')}"
        return f"{number} {quantity.get('unit') or quantity.get('code') or ''}".strip()
    return concept(node.get("valueCodeableConcept")) or text(node, "valueString", "valueInteger", "valueDateTime")
