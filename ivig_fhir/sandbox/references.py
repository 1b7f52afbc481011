"""References inside a resource: finding them, rewriting them, what they point at."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from ivig_fhir.sandbox.resource_types import RESOURCE_TYPES

_LOCAL = re.compile(r"([A-Za-z]+)/([^/?#|]+)(?:/_history/[^/]+)?")


def walk(node: Any, root: bool = True) -> Iterator[dict[str, Any]]:
    """Every literal Reference below a resource; a resource's own element named `reference` (DetectedIssue) is none."""
    if isinstance(node, dict):
        if not root and "resourceType" not in node and isinstance(node.get("reference"), str):
            yield node
        for child in node.values():
            yield from walk(child, root=False)
    elif isinstance(node, list):
        for child in node:
            yield from walk(child, root=False)


def local(reference: str, base: str) -> str | None:
    """`Type/id` of a reference on this server, without its version; None for anything else."""
    match = _LOCAL.fullmatch(reference.removeprefix(f"{base}/"))
    return f"{match[1]}/{match[2]}" if match and match[1] in RESOURCE_TYPES else None


def targets(resource: dict[str, Any], base: str) -> set[str]:
    """Every `Type/id` on this server that the resource points at."""
    found = (local(node["reference"], base) for node in walk(resource))
    return {target for target in found if target}


def rewritten(resource: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A copy whose references went through `change`."""
    result = copy.deepcopy(resource)
    for node in walk(result):
        node["reference"] = change(node["reference"])
    return result
