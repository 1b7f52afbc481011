"""The figures of a patient as rows of a table: what a formula says, from which measurements, and what it may be used for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ivig_fhir.web.render import amount


def figure_rows(figures: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """A row a figure, from a proposal or from the JSON that was kept of it."""
    return [
        {
            "title": f"{f['title']}, if {f['sex']}" if f["sex"] else f["title"],
            "value": amount(f["value"], f["unit"]),
            "note": f["note"] or "",
            "sources": ", ".join(f["sources"]),
        }
        for f in figures
    ]
