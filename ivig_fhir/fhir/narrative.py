"""The generated narrative of a resource: what its coded content says, as harmless XHTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any


def narrative(lines: Iterable[str]) -> dict[str, Any]:
    """A Narrative with one paragraph a line, escaped; whoever reads no codes reads this. See: FHIR R4 Narrative, invariant dom-6."""
    paragraphs = "".join(f"<p>{escape(line, quote=False)}</p>" for line in lines if line)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}
