"""Reading what others wrote: accessors over received JSON that answer with nothing where something is malformed, and never raise."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ivig_fhir.fhir.codes import texts

_PLAIN_DECIMAL = re.compile(r"[+-]?\d{1,12}(\.\d{1,12})?")
_DIGITS = 18
_TOO_LARGE = 10**_DIGITS
_DECIMALS = 40
_DEFAULT_PORTS = (("http", "80"), ("https", "443"))
_TYPE_AND_ID = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


def part(element: object, name: str) -> dict[str, Any]:
    """The object under `name`; an empty one when it is missing or something else."""
    found = element.get(name) if isinstance(element, dict) else None
    return found if isinstance(found, dict) else {}


def parts(element: object, name: str) -> tuple[dict[str, Any], ...]:
    """The objects of the list under `name`; a single object counts as a list of one, whatever is not an object is passed over."""
    found = element.get(name) if isinstance(element, dict) else None
    if isinstance(found, dict):
        return (found,)
    return tuple(item for item in found if isinstance(item, dict)) if isinstance(found, list) else ()


def word(element: object, name: str) -> str:
    """The text under `name` without blanks around it; "" when it is missing or no text."""
    found = element.get(name) if isinstance(element, dict) else None
    return found.strip() if isinstance(found, str) else ""


def number(value: object) -> Decimal | None:
    """A JSON number as an exact, finite Decimal; a float of another parser is taken as it was printed. True is not a number.

    Nor is what nobody measures: 10 to the 18th and above, or more than 40 decimals; exact arithmetic with it would not end.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < _TOO_LARGE else None
    made = Decimal(str(value)) if isinstance(value, float) else value
    exponent = made.as_tuple().exponent
    within = isinstance(exponent, int) and exponent >= -_DECIMALS and made.adjusted() < _DIGITS  # no arithmetic: 1e999999999 overflows it
    return made if within else None


def plain_decimal(value: object) -> Decimal | None:
    """A number that was written as text, if it is a plain decimal ("95", "95.5"); no exponent, no comma, no unit."""
    return Decimal(value.strip()) if isinstance(value, str) and _PLAIN_DECIMAL.fullmatch(value.strip()) else None


def notes(element: object) -> tuple[str, ...]:
    """The texts of the Annotations under `note`, each once."""
    return tuple(dict.fromkeys(t for n in parts(element, "note") if (t := word(n, "text"))))


def status_words(concept: object) -> tuple[str, ...]:
    """The codes of a status, lower case, then its text; a bare string (as older versions of FHIR have it) is its own code."""
    if isinstance(concept, str):
        return (concept.strip().lower(),)
    found = [word(c, "code") for c in parts(concept, "coding")] + [word(concept, "text")]
    return tuple(dict.fromkeys(w.lower() for w in found if w))


def status_among(concept: object, known: Collection[str]) -> str:
    """The first status word that is one of `known`, or ""."""
    return next((w for w in status_words(concept) if w in known), "")


def reference(element: object, name: str) -> str:
    """The literal reference under `name`; "" when there is none."""
    return word(part(element, name), "reference")


def reference_key(literal: str) -> str:
    """`Type/id` of a relative or absolute reference, without its version; any other reference as it stands."""
    match = _TYPE_AND_ID.search(literal)
    return f"{match[1]}/{match[2]}" if match and "?" not in literal and not literal.startswith(("#", "urn:")) else literal


def elsewhere(literal: str, base: str) -> bool:
    """Whether a literal reference is the address of something that is not below the FHIR base.

    http and https at their default ports are one server: a proxy in front of it may have changed them.
    """
    if "://" not in literal:
        return False
    (host, path), (home, below) = _server(literal), _server(base)
    return host != home or not path.startswith(f"{below.rstrip('/')}/")


def _server(url: str) -> tuple[tuple[str, str], str]:
    """Host and port (of a default port none), and the path."""
    parts_ = urlsplit(url)
    host, _, port = parts_.netloc.rpartition("@")[2].lower().partition(":")
    return (host, "" if (parts_.scheme, port) in _DEFAULT_PORTS else port), parts_.path


def identifiers(resource: object) -> tuple[str, ...]:
    """`system|value` of each business identifier that has a value, blanks around it dropped."""
    return tuple(f"{word(i, 'system')}|{word(i, 'value')}" for i in parts(resource, "identifier") if word(i, "value"))


def short(text: str, limit: int = 120) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def called(concept: object) -> str:
    """What people call a concept: its text, else a display, else its code; at most 120 characters, "" when it has none of them."""
    names = texts(concept) or tuple(word(c, "code") for c in parts(concept, "coding") if word(c, "code"))
    return short(names[0]) if names else ""


def exact(value: Any) -> Any:
    """The same JSON data with every float as a Decimal of the digits that Python prints; a number that is not finite becomes nothing.

    Returns the very same object where no float is in it.
    """
    return _without_floats(value) if _has_float(value) else value


def _has_float(value: Any) -> bool:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, float):
            return True
    return False


def _without_floats(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value)) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {k: _without_floats(v) for k, v in value.items()}
    return [_without_floats(v) for v in value] if isinstance(value, list) else value
