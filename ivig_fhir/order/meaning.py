"""Whether two pieces of FHIR JSON mean the same: references, numbers, times and extensions compared by what they say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.building import canonical
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.reading import word
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.fhir.units import code_of, is_known

# A display or a unit's name is for reading; the code or the reference beside it is what counts.
_READING = frozenset({"display"})


def meaning(element: Any, known: Mapping[str, str]) -> Any:
    """The element in a form that is equal for equal meanings. `known` gives the references that urns became when they were stored."""
    if isinstance(element, dict):
        return _of_object(element, known)
    if isinstance(element, list):
        return [meaning(item, known) for item in element]
    if isinstance(element, int | Decimal) and not isinstance(element, bool):
        return Decimal(element).normalize() + 0
    if isinstance(element, str):
        return _of_text(element)
    return element


def _of_object(element: Mapping[str, Any], known: Mapping[str, str]) -> Any:
    literal = element.get("reference")
    if isinstance(literal, str) and not isinstance(element.get("url"), str):
        return {"reference": plain_reference(known.get(literal, literal))}
    made = {k: meaning(v, known) for k, v in element.items() if k not in _READING and v not in (None, "", [], {})}
    if "code" in made and "value" in made and _unit_named(word(made, "unit")) in ("", made["code"]):
        made.pop("unit", None)  # a Quantity: its unit in words says no more than the code, unless it is the name of another unit
    if isinstance(made.get("extension"), list):
        made["extension"] = sorted(made["extension"], key=_sort_key)
    return made


def _unit_named(text: str) -> str:
    """The UCUM code that a unit in words stands for; "" for a name that we do not know."""
    return code_of(text) or (text if is_known(text) else "")


def _of_text(text: str) -> str:
    """A dateTime as its instant; every other text as it is, without blanks around it."""
    time = parse_time(text) if "T" in text and len(text) < len("2026-01-01T00:00:00.000000000+00:00:00") else None
    return time.earliest.astimezone(UTC).isoformat() if time is not None else text.strip()


def _sort_key(extension: Any) -> bytes:
    return canonical(extension) if isinstance(extension, dict | list | str) else b""


def same(sent: Any, stored: Any) -> bool:
    """Whether the JSON is the same to the digit; the order of properties does not count."""
    return canonical(sent) == canonical(stored)
