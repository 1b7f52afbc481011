"""What the order set says of its indication: who recommends it, what to document, what to look for, when to stop, what payers ask."""

from __future__ import annotations

from typing import Any

from ivig_fhir.content.model import Content, OrderSet, Trough
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.model import Proposal

View = dict[str, Any]
TIERS = {
    "A": "On the label of a product",
    "B": "Recommended outside the label",
    "C": "For selected cases only",
    "D": "Not recommended",
}
_MARKS = {"V": "", "K": "not looked up", "?": "unsure"}


def indication_view(p: Proposal, content: Content) -> View:
    """The indication's card, folded: plain words of the content, nothing of this patient."""
    item = p.order_set
    return {
        "summary": f"Tier {item.tier}: {TIERS[item.tier].lower()}",
        "rows": [(name, text) for name, text in _rows(p, item) if text],
        "documentation": item.documentation,
        "payers": [c.says for c in content.payer_criteria(item.id)] if p.regimen else [],
        "evidence": [{"body": e.body, "says": e.says, "mark": _MARKS[e.source.confidence]} for e in item.evidence],
    }


def _rows(p: Proposal, item: OrderSet) -> list[tuple[str, str]]:
    return [
        ("On label", item.on_label),
        ("How it is used", item.guidance),
        ("Again", p.regimen.repeat if p.regimen else ""),
        ("Aim", item.target),
        ("Trough IgG", _trough(item.trough) if item.trough else ""),
        ("Response", item.response),
        ("Stop", item.stop),
        ("How long", item.duration),
        ("Weight", item.weight_note),
    ]


def _trough(t: Trough) -> str:
    low, high = ("" if x is None else plain(x) for x in (t.usual_from_mg_dl, t.usual_to_mg_dl))
    usual = f", usually {low} to {high}" if low and high else f", usually {low} or more" if low else ""
    return f"at least {plain(t.minimum_mg_dl)}{usual} mg/dL. {t.recheck}".strip()
