"""Supply and cover of an order: package codes, billing units, what is discarded, authorization, coverage, companions, receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from decimal import Decimal
from typing import Any

from ivig_fhir.chart.facts import Paper
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.product import Product, ProductCodes
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.fhir.reading import part, parts, word
from ivig_fhir.order.authorization import Permit, permits
from ivig_fhir.order.receipt import LOST, Receipt
from ivig_fhir.proposal.formulas import billing_units
from ivig_fhir.web.desk import Desk
from ivig_fhir.web.render import amount, day, plural

View = dict[str, Any]
_KINDS = (
    ("medication", "Medicines"), ("lab", "Tests"), ("monitoring", "Watch"), ("nursing", "Nursing"), ("education", "Advice"),
)  # fmt: skip
_SEEN = {"V": "", "K": "not seen at its source: confirm it"}


def supply_view(desk: Desk) -> list[tuple[str, str]]:
    """The rows of the card, in the order in which a pharmacist settles them."""
    kept, product = desk.kept, desk.product
    permitted = authorizations(desk.chart, product, desk.content)
    return [
        ("NDC", ndc_said(product)),
        *billing_rows(product, kept),
        (
            "Authorization",
            "; ".join(permitted) or _absent(desk.chart, "ClaimResponse", "none in the record"),
        ),
        ("Coverage", "; ".join(coverages(desk.chart)) or _absent(desk.chart, "Coverage", "none in the record")),
        ("Companions", companions_said(kept)),
    ]


def vials_said(kept: Mapping[str, Any]) -> str:
    """`1 × 20 g, 1 × 5 g; waste 0 g`: the vials of one infusion and what is left of them."""
    vials = ", ".join(f"{v['count']} × {amount(v['grams'], 'g')}" for v in kept["vials"]) or "no vial sizes known"
    return vials if kept["waste_g"] is None else f"{vials}; waste {amount(kept['waste_g'], 'g')}"


def ndc_said(product: Product) -> str:
    """The package codes of the product, with how sure they are; never a code that no source gives."""
    codes = product.code_sets.get("ndc")
    return _with_doubt(codes) if codes and codes.values else "not verified for this product"


def billing_rows(product: Product, kept: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The billing code with the units of one infusion and of the course, and what is discarded.

    Units follow from the rounded dose; a unit that was begun counts. Discarded units are those of the vials less those of the dose.
    """
    codes = product.code_sets.get("hcpcs")
    if codes is None or codes.unit_mg is None or not codes.values:
        return [("HCPCS", "code not verified for this product")]
    once, course = (billing_units(Decimal(kept["dose"][k]), codes.unit_mg) for k in ("per_infusion_g", "course_g"))
    said = f"{_with_doubt(codes)}, per {plain(codes.unit_mg)} mg: {once} units each infusion"
    said += f", {course} in the course" if course != once else ""
    rows = [("HCPCS", f"{said}. {codes.says}" if codes.says else said)]
    return rows if kept["waste_g"] is None else [*rows, ("Wastage", _discarded(Decimal(kept["waste_g"]), kept, codes.unit_mg))]


def _discarded(waste: Decimal, kept: Mapping[str, Any], unit_mg: Decimal) -> str:
    """Modifier JW for units that are thrown away, JZ where nothing is."""
    if not waste:
        return "Nothing discarded: modifier JZ"
    dose = Decimal(kept["dose"]["per_infusion_g"])
    units = billing_units(dose + waste, unit_mg) - billing_units(dose, unit_mg)
    if not units:
        return f"{amount(waste, 'g')} discarded each, within the last unit that is billed"
    return f"{amount(waste, 'g')} discarded each: {plural(units, 'unit')} with modifier JW"


def _with_doubt(codes: ProductCodes) -> str:
    said, doubt = ", ".join(codes.values), _SEEN.get(codes.source.confidence, "not verified")
    return f"{said} ({doubt})" if doubt else said


def authorizations(chart: ChartSnapshot, product: Product, content: Content) -> list[str]:
    """Prior authorizations as read now: number, product, what the payer answered, how many grams, until when."""
    raw = {f"ClaimResponse/{r.get('id')}": r for r in chart.resources("ClaimResponse")}
    asked = [p for p in chart.papers if p.type == "ClaimResponse" and p.use == "preauthorization"]
    read = permits(chart.resources("ClaimResponse"), product, content, UTC)
    return [_authorization(p, raw.get(p.source.reference, {}), permit) for p, permit in zip(asked, read, strict=True)]


def _authorization(paper: Paper, raw: Mapping[str, Any], permit: Permit) -> str:
    number = word(raw, "preAuthRef") or next((word(i, "value") for i in parts(raw, "identifier")), "")
    period = part(raw, "preAuthPeriod")
    ends = paper.ends.text if paper.ends else word(period, "end")
    until = f"to {day(ends)}" if ends else "without an end date"
    grams = amount(permit.grams, "g") if permit.grams is not None else permit.unclear
    said = f"not granted: {permit.against}" if permit.against else ", ".join(x for x in (paper.status, paper.outcome, grams, until) if x)
    return ", ".join(x for x in (number, *paper.texts[:1], said) if x)


def coverages(chart: ChartSnapshot) -> list[str]:
    """Coverages as read now: who pays, the plan, its status."""
    return [_coverage(r) for r in chart.resources("Coverage")]


def _coverage(raw: Mapping[str, Any]) -> str:
    payors = [word(p, "display") or word(part(p, "identifier"), "value") for p in parts(raw, "payor")]
    plan = word(part(raw, "type"), "text") or next((word(c, "display") for c in parts(part(raw, "type"), "coding")), "")
    until = word(part(raw, "period"), "end")
    return (
        ", ".join(x for x in (*payors, plan, word(raw, "status"), f"to {day(until)}" if until else "") if x) or "recorded without a payer"
    )


def _absent(chart: ChartSnapshot, type_: str, otherwise: str) -> str:
    return "could not be read" if chart.answer(type_).unread else otherwise


def companions_said(kept: Mapping[str, Any]) -> str:
    """How many orders stand beside the infusion, and how many of them cannot be left out."""
    chosen = [c for c in kept["companions"] if c["selected"]]
    required = sum(1 for c in chosen if c["required"])
    return f"{len(chosen)} ordered, {required} required" if chosen else "none ordered"


def companions_by_kind(kept: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """The names of the orders beside the infusion, medicines first."""
    chosen = [c for c in kept["companions"] if c["selected"]]
    made = [(title, [c["title"] for c in chosen if c["kind"] == kind]) for kind, title in _KINDS]
    return [(title, names) for title, names in made if names]


def receipt_said(text: str) -> View:
    """What the EHR stored of the order, in one line and by field: `text` is the kept receipt, "" where there is none."""
    if not text:
        return {"kind": "unk", "said": "No receipt: nothing was read back.", "lines": [], "others": []}
    receipt = Receipt.from_json(json.loads(text))
    essential = [x for x in receipt.lines if x.essential]
    harmed, missing = [x.field for x in receipt.lost], [p.role for p in receipt.missing]
    held, parts_held = len(essential) - len(harmed), len(receipt.parts) - len(missing)
    said = f"{held} of {len(essential)} essential fields, {parts_held} of {len(receipt.parts)} parts"
    lost = "; ".join(x for x in (_named("lost or changed", harmed), _named("not stored", missing)) if x)
    return {
        "kind": "stop" if receipt.incomplete else "ok",
        "said": f"{said}. {lost}" if lost else said,
        "lines": [{"field": x.field, "sent": x.sent, "stored": x.stored, "bad": x.harmful} for x in essential],
        "others": [x.field for x in receipt.lines if not x.essential and x.result == LOST],
    }


def _named(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names)}" if names else ""
