"""Products side by side for one patient: those that suit with one press to switch, the others with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.compare_products import Load, ProductRow
from ivig_fhir.web.render import amount, duration, plural, tenth

View = dict[str, Any]
BASIS = {"label": "label", "maker": "maker's chart", "illustrative": "illustration", "site": "site", "none": "none"}


def products_view(rows: Sequence[ProductRow]) -> View:
    """The rows that suit, the rows that do not, and both counted."""
    suiting, others = [r for r in rows if r.suits or r.chosen], [r for r in rows if not (r.suits or r.chosen)]
    chosen = next((r for r in rows if r.chosen), None)
    counted = f"{plural(sum(r.suits for r in rows), 'product')} suit this patient"
    return {
        "suiting": [_row(r) for r in suiting],
        "others": [_row(r) for r in others],
        "summary": counted + (f", {len(others)} do not" if others else ""),
        "chosen": chosen.product.brand if chosen else "",
    }


def _row(r: ProductRow) -> View:
    return {
        "id": r.product.id,
        "brand": r.product.brand,
        "chosen": r.chosen,
        "on_label": "on label" if r.on_label else "off label",
        "against": [a.said for a in r.against],
        "vials": ", ".join(f"{v.count} × {amount(v.grams, 'g')}" for v in r.vials) or "–",
        "grams": amount(r.per_infusion_g, "g") + (f" on each of {r.infusions} days" if (r.infusions or 0) > 1 else ""),
        "waste": amount(r.waste_g, "g") if r.waste_g else "",
        "volume": tenth(r.volume_ml, "mL"),
        "duration": duration(r.minutes),
        "rate": amount(r.highest_ml_h, "mL/h"),
        "basis": BASIS[r.rate_basis],
        "sodium": _load(r.sodium),
        "sugar": _load(r.sugar),
        "iga": r.iga,
    }


def _load(load: Load) -> str:
    """What one infusion brings: a figure, a range, or the label's words."""
    if load.low is None or load.high is None:
        return load.says or "not known"
    low, high = (plain(half_up(n, "0.1")) for n in (load.low, load.high))
    if load.low == load.high:
        return amount(low, load.unit)
    return f"up to {amount(high, load.unit)}" if load.low == 0 else f"{low} to {amount(high, load.unit)}"
