"""The values below a path of a resource, with lists flattened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def values(node: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path, such as `name.family`; what has another shape yields nothing."""
    if isinstance(node, list):
        for child in node:
            yield from values(child, path)
    elif not path:
        if node is not None:
            yield node
    elif isinstance(node, dict):
        first, _, rest = path.partition(".")
        if first in node:
            yield from values(node[first], rest)
