"""Selections back as the JSON that they are read from, so that choices made by the program are kept like those that were typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.selections import ChosenRate, ChosenWeight, Selections

Json = dict[str, Any]


def as_json(s: Selections) -> Json:
    """The JSON that `parse_selections` reads as these selections; what was not chosen is left out, what was chosen as empty stays so."""
    made: Json = {
        "indication": s.indication,
        "regimen": s.regimen,
        "product": s.product,
        "dose": _dose(s),
        "run": s.run,
        "replaces": s.replaces,
        "days": s.days,
        "start": s.start.text if s.start else None,
        "dates": [d.isoformat() for d in s.dates] if s.dates else None,
        "interval_weeks": _text(s.interval_weeks),
        "cycles": s.cycles,
        "weight": _weight(s.weight),
        "rounding": _filled({"increments_g": _texts(s.rounding_increments_g), "tolerance": _text(s.rounding_tolerance)}),
        "rate": _rate(s.rate),
        "vial_sizes_g": _texts(s.vial_sizes_g),
        "concentration_mg_ml": _text(s.concentration_mg_ml),
        "absolute_max_g": _text(s.absolute_max_g),
        "diluent": s.diluent,
        "setting": s.setting if "setting" in s.given else None,
        "premedication": None if s.premedication is None else list(s.premedication),
        "thromboprophylaxis": s.thromboprophylaxis or None,
        "companions": dict(s.companions) or None,
        "overrides": [{"check": o.check, "code": o.code, "note": o.note} for o in s.overrides] or None,
    }
    empty: Json = {"dose": {}, "weight": {}, "rounding": {}, "rate": {}, "companions": {}, "overrides": [], "thromboprophylaxis": False}
    return {k: empty[k] if v is None else v for k, v in made.items() if v is not None or (k in empty and k in s.given)}


def as_ordered(chosen: Mapping[str, Any], kept: Mapping[str, Any]) -> Json:
    """The choices of an approved order with what content had decided then: indication, regimen, product, start.

    `kept` is its answer. So the same order is meant later too, when a default would be another one.
    """
    made = {"indication": kept["indication"], "regimen": kept["regimen"], "product": kept["product"]["id"]}
    if not chosen.get("dates"):
        made["start"] = kept["start"]
    return {k: v for k, v in {**made, **{k: v for k, v in chosen.items() if v is not None}}.items() if v is not None}


def _dose(s: Selections) -> Json | None:
    if s.per_kg is not None:
        return {"per_kg": plain(s.per_kg), "unit": "g/kg"}
    return None if s.course_g is None else {"course_g": plain(s.course_g)}


def _weight(w: ChosenWeight) -> Json | None:
    if w.dosing_kg is not None:
        return {"dosing_kg": str(w.dosing_kg), "basis": w.basis, **({"reason": w.reason} if w.reason else {})}
    return None if w.policy is None else {"policy": w.policy}


def _rate(r: ChosenRate) -> Json | None:
    cap = {"cap_mg_kg_min": _text(r.cap_mg_kg_min)} if r.cap_given else {}
    hours = {"mode": r.mode, "hours": _text(r.hours)} if r.hours is not None else {}
    return {**({"ladder": r.ladder} if r.ladder else {}), **hours, **cap} or None


def _filled(data: Json) -> Json | None:
    return {k: v for k, v in data.items() if v is not None} or None


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _texts(values: Sequence[Decimal] | None) -> list[str] | None:
    return None if values is None else [plain(v) for v in values]
