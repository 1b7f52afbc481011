"""A second calculation by a person who does not see the first result: what it starts from, and how the two compare."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.fhir.reading import plain_decimal
from ivig_fhir.web.desk import Desk
from ivig_fhir.web.render import amount, day

View = dict[str, Any]
FIELDS = (("grams", "Grams of one infusion", "g"), ("volume", "Volume of one infusion", "mL"), ("highest", "Highest pump rate", "mL/h"))


def double_view(desk: Desk, typed: Mapping[str, str]) -> View:
    """The page: the starting point without any result; beside what was typed, once all of it is a number, the order and the verdict."""
    numbers = {name: plain_decimal(typed.get(name, "").replace(",", ".")) for name, _, _ in FIELDS}
    complete = all(value is not None for value in numbers.values())
    rows = [_row(desk, name, title, unit, numbers[name]) for name, title, unit in FIELDS] if complete else []
    return {
        "title": f"{desk.order_set.name}: calculated apart",
        "start": _start(desk),
        "fields": [{"name": name, "title": title, "unit": unit, "typed": typed.get(name, "")} for name, title, unit in FIELDS],
        "rows": rows,
        "agrees": complete and all(row["agrees"] for row in rows),
        "wrong": bool(typed) and not complete,
    }


def _start(desk: Desk) -> list[tuple[str, str]]:
    """What a person needs to calculate: weights, grams per kilogram, days, product, vials; no result."""
    weighed = desk.chart.latest("body-weight")
    measured = f"{half_up(weighed.value, '0.1')} kg, {day(weighed.time.text)}" if weighed and weighed.value and weighed.time else "none now"
    days = len(desk.kept["dose"]["infusions"])
    vials = ", ".join(plain(v) for v in desk.product.vials_g) or "not known"
    ladder = "; ".join(f"{plain(Decimal(s['ml_kg_h']))} mL/kg/h" for s in desk.kept["rate"]["steps"])
    return [
        ("Measured weight", measured),
        ("Dosing weight", f"{amount(desk.kept['weight']['dosing_kg'], 'kg')}, {desk.kept['weight']['why']}"),
        ("Dose of the course", f"{plain(half_up(desk.course_g_kg, '0.01'))} g/kg"),
        ("Infusions", f"{days}"),
        ("Product", f"{desk.product.brand}, {amount(desk.kept['product']['concentration_mg_ml'], 'mg/mL')}; vials of {vials} g"),
        ("Rates", ladder or "no rate table"),
    ]


def _row(desk: Desk, name: str, title: str, unit: str, typed: Decimal | None) -> View:
    rates = [Decimal(s["ml_h"]) for s in desk.kept["rate"]["steps"]]
    dose, volume = Decimal(desk.kept["dose"]["per_infusion_g"]), Decimal(desk.kept["volume_ml"])
    ordered = {"grams": dose, "volume": volume, "highest": max(rates, default=None)}[name]
    shown = amount(typed, unit) if typed is not None else ""
    return {"title": title, "typed": shown, "ordered": amount(ordered, unit), "agrees": typed == ordered}
