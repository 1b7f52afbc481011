"""What the engine proposes by each regimen of an order set, and by each labelled indication of a product, for one plain patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ivig_fhir.content.document import Block, Grid, Heading, Sentence
from ivig_fhir.content.model import Content, OrderSet, Product
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.codes import SHORT
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.model import Proposal
from scripts.scenarios import Example, proposed

ADULT = "A man of 40 years, 70 kg and 175 cm"
CHILD = "A boy of 6 years, 20 kg and 115 cm"
_SYSTEMS = {url: short for short, url in SHORT.items()}
_CHILD_LINES = ("lab body-weight 20, 2 days ago", "lab body-height 115, 2 days ago", "lab creatinine 0.4, 2 days ago")
_ADULT_YEARS = 40


def of_order_set(item: OrderSet, content: Content) -> list[Block]:
    """A row a regimen; none where nothing is offered."""
    rows = [(r.title, *_cells(_proposed(item, content, {"regimen": r.id}))) for r in item.regimens]
    if not rows:
        return []
    who = f"{_who(item)} with this diagnosis and an unremarkable record, by each regimen:"
    return [Heading("What is proposed"), Sentence(who), Grid(("regimen", *_HEADS), tuple(rows))]


def of_product(product: Product, content: Content) -> list[Block]:
    """A row for each labelled indication that has an order set here."""
    sets = [(s, label) for label in product.labels for s in content.order_sets.values() if s.label_code == label.code and s.regimens]
    rows = [(f"{s.name}; {_who(s)}", *_cells(_proposed(s, content, {"product": product.id}))) for s, _ in sets]
    if not rows:
        return []
    heads = ("for", *_HEADS)
    return [
        Heading("What is proposed"),
        Sentence("By the first regimen of each order set whose indication the label carries:"),
        Grid(heads, tuple(rows)),
    ]


_HEADS = ("each infusion", "days", "vials of each infusion", "pump", "above information")


def _proposed(item: OrderSet, content: Content, chosen: Mapping[str, Any]) -> Proposal | str:
    """The proposal, or in words why there is none."""
    codes = sorted(item.codes.exact, key=lambda c: (c.system, c.code))
    coded = tuple(f'problem {_SYSTEMS[c.system]}|{c.code} "{item.name}", 1 year ago' for c in codes[:1])
    child, brand = _is_for_children(item), content.products[chosen.get("product", item.default_product)].brand
    before = (f'infusion 35 g "{brand}", 5 weeks ago', f'authorization complete "{brand}" until 2026-12-31, 60 days ago')
    born = {"born": "2020-01-15"} if child else {}
    try:
        made = Example("", "", (*coded, *before, *(_CHILD_LINES if child else ())), (), born, {"indication": item.id, **chosen}, {}, "")
        return proposed(made, content)
    except SelectionError as error:
        return error.message


def _is_for_children(item: OrderSet) -> bool:
    return item.age_years[1] is not None and item.age_years[1] < _ADULT_YEARS


def _who(item: OrderSet) -> str:
    return CHILD if _is_for_children(item) else ADULT


def _cells(p: Proposal | str) -> tuple[str, ...]:
    if isinstance(p, str):
        return (p, "", "", "", "")
    found = ", ".join(f"{f.ref} {f.severity}" for f in p.findings if f.severity != "info") or "nothing"
    if p.dose is None:
        return ("no dose", "", "", "", found)
    days = ", ".join(i.date.isoformat() for i in p.dose.infusions)
    vials = " + ".join(f"{v.count} × {plain(v.grams)} g" for v in p.vials)
    waste = f"; waste {plain(p.waste_g)} g" if p.waste_g else ""
    volume = f", {plain(half_up(p.volume_ml, '0.1'))} mL" if p.volume_ml is not None else ""
    return (f"{plain(p.dose.per_infusion_g)} g {p.product.brand}{volume}", _series(p, days), f"{vials}{waste}", _pump(p), found)


def _series(p: Proposal, days: str) -> str:
    return f"{days}; then every {plain(p.series.interval_weeks)} weeks to {p.series.last.isoformat()}" if p.series else days


def _pump(p: Proposal) -> str:
    steps = ", ".join(f"{plain(s.ml_h)} mL/h for {plain(s.minutes)} min" for s in p.rate.steps)
    return f"{steps} ({p.rate.basis})" if steps else "no schedule"
