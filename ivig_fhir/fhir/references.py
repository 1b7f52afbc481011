"""References compared by what they point to: base URL and version dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain_reference(reference: str) -> str:
    """`Type/id` of a reference: base URL and version dropped; a urn stays as it is."""
    if reference.startswith("urn:"):
        return reference
    parts = reference.split("/_history/", 1)[0].rstrip("/").split("/")
    return "/".join(parts[-2:])


def pointed_to(element: Any) -> str:
    """`Type/id` that a Reference element points to, or "" when it points to nothing."""
    literal = element.get("reference") if isinstance(element, dict) else None
    return plain_reference(literal) if isinstance(literal, str) else ""


def own_reference(resource: Mapping[str, Any]) -> str:
    """`Type/id` of a stored resource."""
    return f"{resource.get('resourceType')}/{resource.get('id')}"
