"""What leaves as FHIR: builders of plain dicts, JSON that keeps every digit, digests, and the two gates before a write."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from ivig_fhir.errors import GateRefused
from ivig_fhir.fhir.r4_check import Problem, check
from ivig_fhir.fhir.r4_invariants import UCUM


class SpeltDecimal(Decimal):
    """A number whose spelling is not the one that Decimal gives it (1E2, 0.0000001): it leaves as it came.

    It equals the plain Decimal and calculates like it; what is calculated from it is a plain Decimal.
    """

    spelling: str

    def __new__(cls, text: str) -> SpeltDecimal:
        """The number that a JSON text spells."""
        made = super().__new__(cls, text)
        made.spelling = text
        return made


def _number(text: str) -> Decimal:
    """Decimal writes 1E2 as 1E+2, and what is smaller than a millionth with an exponent."""
    spelt = "e" in text or "E" in text or "0.000000" in text
    return SpeltDecimal(text) if spelt else Decimal(text)


def _spelt(number: Any) -> Any:
    if isinstance(number, SpeltDecimal):
        return msgspec.Raw(number.spelling.encode("ascii"))
    raise TypeError(f"{type(number).__name__} is not sent")


_DECODER = msgspec.json.Decoder(float_hook=_number)
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_spelt)
_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="sorted", enc_hook=_spelt)

__all__ = [
    "GateRefused",
    "MalformedJson",
    "canonical",
    "coding",
    "concept",
    "decode",
    "digest",
    "drop_empty",
    "encode",
    "fingerprint",
    "gate",
    "quantity",
    "reference",
]


class MalformedJson(ValueError):
    """Bytes or text that are not JSON."""


def gate(resource: Mapping[str, Any]) -> None:
    """Lets a resource pass, or raises GateRefused with every fault as text; nothing may be sent that has not passed.

    A fault names a place and a rule, never a value, which may be a patient's.

    First our check against HL7's definitions, then the R4B models of fhir.resources, which share no code and no authors with it.
    R4B is FHIR 4.3; none of the types the app writes changed between R4 and R4B.
    See: http://hl7.org/fhir/R4B/r4b-explanation.html
    """
    name = str(resource.get("resourceType", "resource"))
    if problems := check(resource) or _second_opinion(name, resource):
        raise GateRefused(str(problem) for problem in problems)


def _second_opinion(name: str, resource: Mapping[str, Any]) -> list[Problem]:
    # Imported on the first write: the models take a fifth of a second to load and no reading path needs them.
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    copy = decode(encode(resource))  # the models may change what they are given
    try:
        get_fhir_model_class(name).model_validate(copy)
    except ValidationError as refusal:
        return [
            Problem(".".join((name, *map(str, error["loc"]))), "fhir.resources", f"is refused by the second gate ({error['type']})")
            for error in refusal.errors(include_url=False, include_context=False, include_input=False)
        ]
    except (ValueError, TypeError, LookupError) as failure:
        return [Problem(name, "fhir.resources", f"cannot be read by the second gate ({type(failure).__name__})")]
    return []


def encode(resource: Any) -> bytes:
    """A resource as JSON bytes; a Decimal is written as a number with the digits it has (0.10 stays 0.10), a decoded one as it came.

    Raises TypeError for a float or anything else that is not plain JSON data, ValueError for a number that is not finite.
    """
    _refuse_inexact(resource)
    return _ENCODER.encode(resource)


def decode(data: bytes | str) -> Any:
    """JSON as plain dicts and lists in their order; whole numbers are int, all others Decimal, spelt as they were written.

    Raises MalformedJson.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
        raise MalformedJson("This is not well-formed JSON.") from failure


def canonical(obj: Any) -> bytes:
    """The one spelling of plain JSON data: keys sorted, no blanks, UTF-8, numbers with the digits they have (2.0 is not 2).

    Raises as `encode`.
    """
    _refuse_inexact(obj)
    return _CANONICAL.encode(obj)


def digest(obj: Any) -> str:
    """`sha256:` and the hexadecimal digest of the canonical JSON: equal exactly when nothing that is shown or sent differs."""
    return "sha256:" + hashlib.sha256(canonical(obj)).hexdigest()


def fingerprint(read: Any) -> str:
    """The digest of JSON data that is compared and never sent: without the look for what is inexact, in half the time.

    A float counts with the digits that it prints, so that it does not matter which parser read a number. Otherwise equal to `digest`.
    """
    return "sha256:" + hashlib.sha256(_CANONICAL.encode(read)).hexdigest()


def _refuse_inexact(obj: Any) -> None:
    waiting = [obj]
    while waiting:
        item = waiting.pop()
        if item is None or isinstance(item, str | int):
            continue
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in item):
                raise TypeError("a JSON object has texts as keys")
            waiting += item.values()
        elif isinstance(item, list | tuple):
            waiting += item
        elif not isinstance(item, Decimal):
            raise TypeError(f"{type(item).__name__} is not sent; numbers are int or Decimal, times are text")
        elif not item.is_finite():
            raise ValueError("a number that is sent is finite")


def quantity(value: Decimal, unit_text: str, ucum: str) -> dict[str, Any]:
    """A Quantity with the unit as people write it and its UCUM code. Raises TypeError unless the value is a finite Decimal."""
    if not isinstance(value, Decimal) or not value.is_finite():
        raise TypeError("a quantity is a finite Decimal")
    return {"value": value, "unit": unit_text, "system": UCUM, "code": ucum}


def coding(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    """A Coding; without a display where none is given."""
    return drop_empty({"system": system, "code": code, "display": display})


def concept(*codings: Mapping[str, Any], text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept of the codings given, the first one preferred, with the text that people read."""
    return drop_empty({"coding": [dict(c) for c in codings], "text": text})


def reference(ref: str, display: str | None = None) -> dict[str, Any]:
    """A Reference: `Type/id`, an absolute URL, `urn:uuid:…` or `#contained`."""
    return drop_empty({"reference": ref, "display": display})


def drop_empty(element: Mapping[str, Any]) -> dict[str, Any]:
    """The element without properties that are None, '', [] or {}, at every depth of dicts; FHIR has no empty elements.

    Lists keep their length, because positions in them mean something; dicts inside lists lose their empty properties too.
    False and 0 are values and stay.
    """
    kept = {key: _without_empty(value) for key, value in element.items()}
    return {key: value for key, value in kept.items() if value is not None and value not in ("", [], {})}


def _without_empty(value: Any) -> Any:
    if isinstance(value, str | int | Decimal):  # most are; asking whether one is a Mapping costs more
        return value
    if isinstance(value, Mapping):
        return drop_empty(value)
    if isinstance(value, list | tuple):
        return [_without_empty(item) for item in value]
    return value
