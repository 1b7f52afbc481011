"""Whether one resource answers one search parameter."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from ivig_fhir.sandbox import dates
from ivig_fhir.sandbox.elements import values
from ivig_fhir.sandbox.parameters import Parameter
from ivig_fhir.sandbox.references import local

MODIFIERS: dict[str, frozenset[str]] = {
    "token": frozenset({"missing", "not", "text"}),
    "string": frozenset({"missing", "exact", "contains"}),
    "reference": frozenset({"missing", "identifier"}),
    "date": frozenset({"missing"}),
    "uri": frozenset({"missing", "below"}),
}


def matches(resource: dict[str, Any], parameter: Parameter, modifier: str, asked: tuple[str, ...], base: str) -> bool:
    """Whether the resource answers the parameter with one of the values asked; ValueError when a value cannot be read."""
    found = [value for path in parameter.paths for value in values(resource, path)]
    if modifier == "missing":
        if asked not in (("true",), ("false",)):
            raise ValueError("`:missing` is true or false")
        return (not found) is (asked == ("true",))
    if parameter.kind == "token":
        hit = any(_token(value, one, modifier) for one in asked for value in found)
        return not hit if modifier == "not" else hit
    if parameter.kind == "date":
        wanted = [dates.parse(one) for one in asked]
        held = [span for value in found for span in dates.spans(value)]
        return any(dates.compare(prefix, span, ask) for prefix, ask in wanted for span in held)
    if parameter.kind == "reference":
        return any(_reference(value, one, modifier, parameter, base) for one in asked for value in found)
    if parameter.kind == "string":
        return any(_string(text, one, modifier) for one in asked for value in found for text in _texts(value))
    return any(_uri(value, one, modifier) for one in asked for value in found)


def _token(value: Any, asked: str, modifier: str) -> bool:
    if modifier == "text":
        return any(_string(text, asked, "contains") for text in _labels(value))
    system, bar, code = asked.partition("|")
    if not bar:
        return any(held == asked for _, held in _codings(value))
    return any((held_system or "") == system and code in ("", held) for held_system, held in _codings(value))


def _codings(value: Any) -> Iterator[tuple[str | None, str]]:
    """System and code of a code, boolean, Coding, CodeableConcept, Identifier or ContactPoint."""
    if isinstance(value, bool):
        yield None, "true" if value else "false"
    elif isinstance(value, str):
        yield None, value
    elif isinstance(value, dict):
        for coding in value.get("coding") or []:
            yield from _codings(coding)
        for key in ("code", "value"):
            if isinstance(value.get(key), str):
                yield value.get("system"), value[key]


def _labels(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (value[key] for key in ("text", "display") if isinstance(value.get(key), str))
        for coding in value.get("coding") or []:
            yield from _labels(coding)


def _reference(value: Any, asked: str, modifier: str, parameter: Parameter, base: str) -> bool:
    if not isinstance(value, dict):
        return isinstance(value, str) and value == asked
    if modifier == "identifier":
        return any(_token(one, asked, "") for one in values(value, "identifier"))
    text = value.get("reference")
    target = local(text, base) if isinstance(text, str) else None
    if target is None:
        return text is not None and text == asked
    type_, _, id_ = target.partition("/")
    only = parameter.target or modifier
    if only and type_ != only:
        return False
    return asked == id_ or local(asked, base) == target


def _string(text: str, asked: str, modifier: str) -> bool:
    if modifier == "exact":
        return text == asked
    plain, wanted = _plain(text), _plain(asked)
    return wanted in plain if modifier == "contains" else plain.startswith(wanted)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, child in value.items():
            if key not in ("use", "system", "period"):
                yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


def _uri(value: Any, asked: str, modifier: str) -> bool:
    """A canonical is found with its version and without it."""
    if not isinstance(value, str):
        return False
    if modifier == "below":
        return value.startswith(asked)
    return value == asked or ("|" not in asked and value.split("|", 1)[0] == asked)
