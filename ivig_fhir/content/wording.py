"""Keys and values of content files in words: `dose_g_kg` is a dose in g/kg, two numbers are from and to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Endings of keys that are units, the longest first.
_UNITS = (
    ("mg_kg_min", "mg/kg/min"),
    ("ml_kg_min", "mL/kg/min"),
    ("ml_kg_h", "mL/kg/h"),
    ("mosm_kg", "mOsm/kg"),
    ("mcg_ml", "µg/mL"),
    ("mg_ml", "mg/mL"),
    ("mg_dl", "mg/dL"),
    ("g_dl", "g/dL"),
    ("g_kg", "g/kg"),
    ("mg_kg", "mg/kg"),
    ("mmol_l", "mmol/L"),
    ("minutes", "min"),
    ("hours", "hours"),
    ("days", "days"),
    ("weeks", "weeks"),
    ("months", "months"),
    ("years", "years"),
    ("percent", "%"),
    ("kg", "kg"),
    ("cm", "cm"),
    ("mg", "mg"),
    ("ml", "mL"),
    ("g", "g"),
)
# Keys whose two numbers are low and high; of all others they are just two numbers.
_RANGES = frozenset({
    "dose_g_kg", "label_g_kg", "label_range_g_kg", "days", "label_days", "interval_weeks", "infusion_hours", "after_hours", "amount",
    "per_kg", "hard", "soft", "mg_ml", "mcg_ml", "mmol_l", "mosm_kg", "ph", "inch_as_cm", "ratio_hi", "ratio_lo",
})  # fmt: skip


def labelled(key: str, at: str = "") -> str:
    """A key as words after the place it stands in: `regimen cidp-load, dose (g/kg)`."""
    words = key
    for ending, unit in _UNITS:
        if key == ending:
            words = unit
            break
        if key.endswith(f"_{ending}"):
            words = f"{key[: -len(ending) - 1]} ({unit})"
            break
    words = words.replace("_", " ")
    return f"{at}, {words}" if at else words


def shown(value: Any, key: str = "") -> str:
    """A value on one line: lists with commas, tables as key and value, nothing as nothing. `key` tells a range from two numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{labelled(str(k))}: {shown(v, key if key in _RANGES else str(k))}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        inner = [shown(v) for v in value]
        if key in _RANGES and len(inner) == 2:
            return inner[0] if inner[0] == inner[1] else f"{inner[0]} to {inner[1]}"
        return " | ".join(inner) if any(isinstance(v, Mapping | list) for v in value) else ", ".join(inner)
    return str(value)
