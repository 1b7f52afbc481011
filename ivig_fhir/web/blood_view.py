"""What the record has beside kidney and IgG: haemoglobin, platelets, IgA, blood group, hepatitis B; how the weight moved; with dates."""

from __future__ import annotations

from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.web.render import day, percent

_PANELS = (
    ("hemoglobin", "Hb"), ("platelets", "platelets"), ("iga", "IgA"), ("abo", "ABO"), ("hbsag", "HBsAg"), ("anti-hbc-total", "anti-HBc"),
)  # fmt: skip
_SMALL_KG = 10  # below it a hundredth of a kilogram is said


def blood_lines(chart: ChartSnapshot) -> list[tuple[str, str]]:
    """The newest value of each panel under its day, newest day first; last what there is no value of, and whether that may be believed."""
    days: dict[str, list[str]] = {}
    newest = [(m, name) for panel, name in _PANELS if (m := next(iter(chart.panel(panel)), None))]
    for m, name in sorted(newest, key=lambda x: -x[0].time.latest.timestamp() if x[0].time else 0.0):
        days.setdefault(_day(m), []).append(f"{name} {value_said(m)}")
    lines = [(when, ", ".join(said)) for when, said in days.items()]
    missing = [name for panel, name in _PANELS if not chart.panel(panel)]
    unusable = {u.panel for u in chart.unusable}
    refused = [name for panel, name in _PANELS if panel in unusable and name in missing]
    none = [name for name in missing if name not in refused]
    if refused:
        lines.append(("Not usable", ", ".join(refused)))
    return [*lines, (absent(chart), ", ".join(none))] if none else lines


def absent(chart: ChartSnapshot) -> str:
    """What it means that there is no result: that nothing was measured may be believed only where every result was read."""
    return "None in the record" if chart.answer("Observation").complete else "Could not be read"


def value_said(m: Measurement) -> str:
    """A result as it was written, and whether it is not final or in doubt."""
    text = m.text if not m.comparator or m.text.startswith(m.comparator) else f"{m.comparator} {m.text}"
    return text + (" (preliminary)" if m.preliminary else " (in doubt)" if m.doubts else "")


def height_said(chart: ChartSnapshot) -> str:
    """The newest height with its day, or what it means that there is none."""
    height = chart.latest("body-height")
    if height is None or height.value is None or height.time is None:
        return absent(chart).lower()
    return f"{plain(half_up(height.value, '0.1'))} cm, {_short(height.time.text)}"


def weights_said(chart: ChartSnapshot) -> str:
    """The newest weights with their days, the newest first."""
    return ", ".join(f"{_kg(kg)} on {_short(when)}" for kg, when in _weights(chart)[:3]) or absent(chart).lower()


def weight_before(chart: ChartSnapshot) -> str:
    """The weights before the newest one with their days, and by how much the newest differs from the one before it."""
    measured = _weights(chart)
    if len(measured) < 2:
        return "No weight before in the record." if chart.answer("Observation").complete else "Weights before could not be read."
    (now, _), (last, _), *_ = measured
    moved = half_up((now - last) / last * 100, "0.1") if last else Decimal(0)
    return f"Before: {', '.join(f'{_kg(kg)} on {_short(when)}' for kg, when in measured[1:3])}; {percent(moved)} since."


def _weights(chart: ChartSnapshot) -> list[tuple[Decimal, str]]:
    return [(m.value, m.time.text) for m in chart.panel("body-weight") if m.value is not None and m.time and not m.preliminary]


def _kg(value: Decimal) -> str:
    return f"{half_up(value, '0.01' if value < _SMALL_KG else '0.1')} kg"


def _day(m: Measurement) -> str:
    return _short(m.time.text) if m.time else "no date"


def _short(when: str) -> str:
    """`27 Feb 2026`; what is not a full date as it was written."""
    said = day(when)
    return said if said == when else said.partition(" ")[2]
