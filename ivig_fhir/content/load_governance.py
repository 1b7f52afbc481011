"""The head of every content file, from parsed data: who stands behind it, and how long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ivig_fhir.content.governance import KEYS, STATUSES, Governance
from ivig_fhir.content.reading import fault


def read_governance(data: Mapping[str, Any], file: str) -> Governance:
    """The five statements at the head of a content file. ContentError for the first that is missing or wrong.

    No file can sign itself: a signature stands in a site file, over the hash of what was read.
    """
    found = Governance(*(_text(data, key, file) for key in KEYS))
    if found.status not in STATUSES:
        raise fault(file, "status", f"is {found.status!r}, which is not one of {', '.join(STATUSES)}")
    if found.checked_by != "none":
        raise fault(file, "checked_by", "is not 'none', and only a site file can sign content")
    if not _is_date(found.review_by):
        raise fault(file, "review_by", f"is {found.review_by!r}, which is not a date as in 2027-11-01")
    return found


def without_governance(data: Mapping[str, Any]) -> dict[str, Any]:
    """The rest of a file, for the reader that understands it."""
    return {key: value for key, value in data.items() if key not in KEYS}


def _text(data: Mapping[str, Any], key: str, file: str) -> str:
    if key not in data:
        raise fault(file, key, f"is missing; every content file begins with {', '.join(KEYS)}, as order_sets/README.md says")
    value = data[key]
    if not isinstance(value, str) or not value.strip() or value != value.strip():
        raise fault(file, key, "is not a text")
    return value


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
