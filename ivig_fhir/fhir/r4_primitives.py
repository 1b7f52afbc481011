"""The formats of R4's primitive types, with real calendar dates and numbers that keep their digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

INT32 = 2**31
MEGABYTE = 1024 * 1024

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CODE = re.compile(r"[^\s]+(?: [^\s]+)*")
_URI = re.compile(r"\S+")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_DATETIME = re.compile(rf"[0-9]{{4}}(?:-[0-9]{{2}}(?:-[0-9]{{2}}(?:T{_TIME}{_ZONE})?)?)?")
_INSTANT = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_TIME}{_ZONE}")
_TIME_ONLY = re.compile(_TIME)


def fault(type_name: str, value: Any) -> tuple[str, str] | None:
    """What is wrong with a value of a primitive type, as (code, message); None when nothing is.

    The message never repeats the value: it may be a patient's. See: http://hl7.org/fhir/R4/datatypes.html#primitive
    """
    if isinstance(value, float):
        return "float", "is a float; a number that is sent is an int or a Decimal"
    expected, message, well_formed = FORMATS[type_name]
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        return "type", f"is not a JSON value of type {type_name}"
    if isinstance(value, str):
        if not value.strip():
            return "empty", "is empty; an element without a value is left out"
        if _CONTROL.search(value):
            return "format", "holds a control character"
    return None if well_formed(value) else ("format", message)


def interval(value: str) -> tuple[datetime, datetime]:
    """The earliest and the latest moment that a well-formed date, dateTime or instant can mean, in its own zone if it has one."""
    if "T" in value:
        moment = datetime.fromisoformat(re.sub(r":60(?=[.Z+-])", ":59", value))
        return moment, moment
    year, month, day = (*map(int, value.split("-")), 0, 0)[:3]
    first = date(year, month or 1, day or 1)
    if day:
        last = first
    elif month:
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1) if (year, month) != (9999, 12) else date.max
    else:
        last = date(year, 12, 31)
    return datetime.combine(first, time.min), datetime.combine(last, time.max)


def is_before(one: str, other: str) -> bool:
    """Whether one dateTime is certainly before another, whatever the digits that each leaves out.

    Where only one of them has a zone, the other is read in that same zone.
    """
    last, first = interval(one)[1], interval(other)[0]
    if (last.tzinfo is None) != (first.tzinfo is None):
        last, first = last.replace(tzinfo=None), first.replace(tzinfo=None)
    return last < first


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _is_real(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def well_formed(value: str) -> bool:
        if pattern.fullmatch(value) is None:
            return False
        try:
            interval(value)
        except ValueError:
            return False
        return True

    return well_formed


def _is_uri(value: str) -> bool:
    if value.startswith("urn:uuid:"):
        return _UUID.fullmatch(value) is not None
    if value.startswith("urn:oid:"):
        return _OID.fullmatch(value) is not None
    return _URI.fullmatch(value) is not None


def _is_short(value: str) -> bool:
    return len(value) <= MEGABYTE


def _is_base64(value: str) -> bool:
    return _BASE64.fullmatch("".join(value.split())) is not None


# Type: the Python types that carry it, what it must be, and the test.
FORMATS: Mapping[str, tuple[type | tuple[type, ...], str, Callable[[Any], bool]]] = {
    "base64Binary": (str, "is not base64", _is_base64),
    "boolean": (bool, "is not true or false", lambda value: True),
    "canonical": (str, "is not a canonical URL", _is_uri),
    "code": (str, "is not a code: no blanks around it, single ones inside", _matches(_CODE)),
    "date": (str, "is not a real date YYYY, YYYY-MM or YYYY-MM-DD", _is_real(_DATE)),
    "dateTime": (str, "is not a real dateTime; one with a time needs seconds and a zone", _is_real(_DATETIME)),
    "decimal": ((int, Decimal), "is not a finite number", lambda value: Decimal(value).is_finite()),
    "id": (str, "is not an id: 1 to 64 letters, digits, '-' or '.'", _matches(_ID)),
    "instant": (str, "is not a real instant with seconds and a zone", _is_real(_INSTANT)),
    "integer": (int, "does not fit in 32 bits", lambda value: -INT32 <= value < INT32),
    "markdown": (str, "is longer than 1 MB", _is_short),
    "oid": (str, "is not urn:oid: and an object identifier", _matches(_OID)),
    "positiveInt": (int, "is not a whole number from 1 to 2147483647", lambda value: 0 < value < INT32),
    "string": (str, "is longer than 1 MB", _is_short),
    "time": (str, "is not a time hh:mm:ss", _matches(_TIME_ONLY)),
    "unsignedInt": (int, "is not a whole number from 0 to 2147483647", lambda value: 0 <= value < INT32),
    "uri": (str, "is not a URI", _is_uri),
    "url": (str, "is not a URL", _is_uri),
    "uuid": (str, "is not urn:uuid: and a UUID", _matches(_UUID)),
    "xhtml": (str, "is longer than 1 MB", _is_short),
}
