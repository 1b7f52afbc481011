"""What the checks found when an order was approved, as the pharmacist's screen shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.web.finding_view import kept_finding_view
from ivig_fhir.web.render import REASONS

View = dict[str, Any]
_MANY = 3  # with more of them a warning is one line, and opens
_NAMED = 4  # so many checks that were not made are named before the rest is counted


def case_findings(kept: Mapping[str, Any], content: Content) -> View:
    """What the checks said when the order was approved: overrides with their reasons, the rest by severity, gaps, and what was clear."""
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    labels = dict(content.constants["override_reasons"])
    given = {o["check"]: o for o in kept["overrides"]}
    findings = [kept_finding_view(f, titles[f["check"]]) for f in kept["findings"]]
    warnings = [f for f in findings if f["severity"] == "warning"]
    gaps = kept["not_assessed"]
    return {
        "overrides": [
            {**f, "reason": f"{given[f['check']]['code']}, {labels[given[f['check']]['code']]}", "note": given[f["check"]]["note"]}
            for f in findings
            if f["check"] in given
        ],
        "not_assessed": [{"title": titles[n["check"]], "why": REASONS[n["reason"]], "said": n["message"]} for n in gaps],
        "why_not_assessed": _by_reason([(REASONS[n["reason"]], titles[n["check"]]) for n in gaps]),
        "warnings": warnings,
        "dense": len(warnings) > _MANY,
        "infos": [f for f in findings if f["severity"] == "info"],
        "cleared": [titles[c] for c in kept["clear"]],
    }


def _by_reason(gaps: list[tuple[str, str]]) -> str:
    """The first checks that were not made, by why not, and how many more there are."""
    shown, reasons = gaps[:_NAMED], dict.fromkeys(why for why, _ in gaps[:_NAMED])
    said = [f"{why}: {', '.join(title for w, title in shown if w == why)}" for why in reasons]
    more = len(gaps) - len(shown)
    return "; ".join(said) + (f"; and {more} more" if more else "")
