"""The extensions that the app writes: their names and parts, how they are put together and how they are read back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

RATE_STEP = "infusion-rate-step"
DOSE_BASIS = "dose-basis"
INFUSION_VOLUME = "infusion-volume"
RATE_BASIS = "rate-basis"
SERIES = "infusion-series"
VIAL = "vial"
NAMES = (RATE_STEP, DOSE_BASIS, INFUSION_VOLUME, RATE_BASIS, SERIES, VIAL)
_FOLDER = "/StructureDefinition/"


def url(base: str, name: str) -> str:
    """The canonical URL of one of our extensions, under the base that the app publishes its definitions at."""
    return f"{base}{_FOLDER}{name}"


def extension(base: str, name: str, parts: Iterable[tuple[str, str, Any]]) -> dict[str, Any]:
    """A complex extension of (part, value type, value); parts without a value are left out."""
    inner = [{"url": part, "value" + kind: value} for part, kind, value in parts if value is not None]
    return {"url": url(base, name), "extension": inner}


def read(element: Any, name: str) -> list[dict[str, Any]]:
    """Each extension of that name on an element, as part -> value; whoever published it, and whatever else stands beside it."""
    found = []
    for item in _extensions(element):
        if str(item.get("url")).endswith(_FOLDER + name):
            found.append({str(p.get("url")): _value(p) for p in _extensions(item)})
    return found


def _extensions(element: Any) -> list[dict[str, Any]]:
    items = element.get("extension") if isinstance(element, dict) else None
    return [x for x in items if isinstance(x, dict)] if isinstance(items, list) else []


def _value(part: dict[str, Any]) -> Any:
    return next((v for k, v in part.items() if k.startswith("value")), None)
