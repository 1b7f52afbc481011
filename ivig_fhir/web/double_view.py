"""A second calculation by a person who does not see the first result: what it starts from, and how the two compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.fhir.reading import plain_decimal
from ivig_fhir.proposal.rates import pump_rate
from ivig_fhir.web.blood_view import height_said, weights_said
from ivig_fhir.web.desk import Desk
from ivig_fhir.web.render import amount

View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """What is typed: its name, title and unit, the order's own value, and how both are rounded before they are compared."""

    name: str
    title: str
    unit: str
    ordered: Callable[[Desk], Decimal | None]
    alike: Callable[[Decimal], Decimal]


def _tenth(value: Decimal) -> Decimal:
    return half_up(value, "0.1")


def _rates(desk: Desk) -> list[Decimal]:
    return [Decimal(s["ml_h"]) for s in desk.kept["rate"]["steps"]]


FIELDS = (
    Field("kg", "Dosing weight", "kg", lambda desk: desk.kg, _tenth),
    Field("exact", "One infusion before rounding", "g", lambda desk: Decimal(desk.kept["dose"]["calculated_per_infusion_g"]), _tenth),
    Field("grams", "One infusion, rounded", "g", lambda desk: Decimal(desk.kept["dose"]["per_infusion_g"]), lambda x: x),
    Field("volume", "Volume of one infusion", "mL", lambda desk: Decimal(desk.kept["volume_ml"]), lambda x: x),
    Field("first", "First pump rate", "mL/h", lambda desk: next(iter(_rates(desk)), None), pump_rate),
    Field("highest", "Highest pump rate", "mL/h", lambda desk: max(_rates(desk), default=None), pump_rate),
)


def double_view(desk: Desk, typed: Mapping[str, str]) -> View:
    """The page: the starting point without any result; beside what was typed, once all of it is a number, the order and the verdict."""
    numbers = {f.name: plain_decimal(typed.get(f.name, "").strip().replace(",", ".")) for f in FIELDS}
    complete = all(value is not None for value in numbers.values())
    rows = [_row(desk, f, number) for f in FIELDS if (number := numbers[f.name]) is not None] if complete else []
    return {
        "title": f"{desk.order_set.name}: calculated apart",
        "start": _start(desk),
        "fields": [
            {
                "name": f.name,
                "title": f.title,
                "unit": f.unit,
                "typed": typed.get(f.name, ""),
                "bad": bool(typed) and numbers[f.name] is None,
            }
            for f in FIELDS
        ],
        "rows": rows,
        "agrees": complete and all(row["agrees"] for row in rows),
        "wrong": bool(typed) and not complete,
    }


def _start(desk: Desk) -> list[tuple[str, str]]:
    """What a person needs to calculate: the raw weights, grams per kilogram, days, product, vials and table; no result."""
    vials = ", ".join(plain(v) for v in desk.product.vials_g) or "not known"
    ladder = "; ".join(f"{plain(Decimal(s['ml_kg_h']))} mL/kg/h" for s in desk.kept["rate"]["steps"])
    return [
        ("Measured", weights_said(desk.chart)),
        ("Height", height_said(desk.chart)),
        ("Weight to dose on", _policy(desk)),
        ("Dose of the course", f"{plain(half_up(desk.course_g_kg, '0.01'))} g/kg"),
        ("Infusions", str(len(desk.kept["dose"]["infusions"]))),
        ("Product", f"{desk.product.brand}, {amount(desk.kept['product']['concentration_mg_ml'], 'mg/mL')}; vials of {vials} g"),
        ("Rounding", _rounding(desk)),
        ("Rates", ladder or "no rate table"),
    ]


def _policy(desk: Desk) -> str:
    """The rule by which the weight is chosen, never which one it was; a weight that the prescriber stated cannot be calculated."""
    w = desk.kept["weight"]
    known = desk.content.weight_policies.get(w["policy"])
    if w["used"] == "stated" or known is None:
        return f"{amount(w['dosing_kg'], 'kg')}, {w['used']}"
    return f"{known.title}; below {desk.content.constants['adult_years']} years, or without height or sex, the actual weight"


def _rounding(desk: Desk) -> str:
    held = desk.kept["rounding"]
    if not held or not held["increments_g"]:
        return "not to vials; to 0.1 g"
    steps = ", else ".join(f"{step} g" for step in held["increments_g"])
    return f"to {steps}, within {amount(Decimal(held['tolerance']) * 100, '%')}"


def _row(desk: Desk, field: Field, typed: Decimal) -> View:
    ordered = field.ordered(desk)
    agrees = ordered is not None and field.alike(typed) == field.alike(ordered)
    return {"title": field.title, "typed": amount(typed, field.unit), "ordered": amount(ordered, field.unit), "agrees": agrees}
