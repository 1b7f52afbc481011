"""The immunoglobulin given before, as the pages show it: what was counted, what was not and why, and by which rules."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.web.finding_view import evidence_view
from ivig_fhir.web.render import amount, plural

View = dict[str, Any]
_PARTS = (
    ("counted", "Counted", "ok"),
    ("not_counted", "Perhaps given, and not counted", "unk"),
    ("elsewhere", "Not counted, because another entry stands for it or nothing was given", "info"),
)


def given_view(given: Mapping[str, Any] | None) -> View | None:
    """The card, from the JSON of a proposal; None where none was kept."""
    if given is None:
        return None
    parts = [
        {"title": title, "kind": kind, "entries": [evidence_view(Evidence(e["reference"], e["said"], e.get("time"))) for e in given[name]]}
        for name, title, kind in _PARTS
        if given[name]
    ]
    total = given["with_course_g_kg"]
    open_ = len(given["not_counted"])
    return {
        "title": f"Immunoglobulin of the last {plain(Decimal(given['days']))} days: {amount(given['grams'], 'g')}",
        "summary": ", ".join(
            x
            for x in (
                f"with this course {amount(total, 'g/kg')}" if total is not None else "",
                f"{plural(open_, 'entry', 'entries')} not countable" if open_ else "",
            )
            if x
        ),
        "parts": parts,
        "rules": given["rules"],
    }
