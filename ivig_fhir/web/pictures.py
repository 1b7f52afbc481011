"""Pictures as data for SVG templates: the pump's rate over time, trends of a laboratory value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.model import RateSchedule
from ivig_fhir.web.render import clock, day

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 390, 40, 176
_TREND = (40, 254, 26, 88)


@dataclass(frozen=True, slots=True)
class Bar:
    """One rate step as drawn: where it begins and ends, how high, and what is written in it."""

    x: Decimal
    x2: Decimal
    y: Decimal
    rate: str
    volume: str
    ends_at: str


@dataclass(frozen=True, slots=True)
class RatePicture:
    """The stepped line, its ground, the ceiling and a text that says the same."""

    line: str
    area: str
    bars: tuple[Bar, ...]
    grid: tuple[tuple[Decimal, str], ...]
    cap_y: Decimal | None
    cap_text: str
    begins_at: str
    described: str


def rate_picture(rate: RateSchedule, start: datetime, kg: Decimal | None) -> RatePicture | None:
    """The pump profile of one infusion, or None without steps. Scales are in the drawing's own units."""
    if not rate.steps or not kg:
        return None
    ceiling = rate.cap_ml_kg_h * kg if rate.cap_ml_kg_h is not None else None
    total = sum((s.minutes for s in rate.steps), Decimal(0))
    top = max(max(s.ml_h for s in rate.steps), ceiling or Decimal(0))
    bars, at = [], Decimal(0)
    for step in rate.steps:
        ends = at + step.minutes
        bars.append(
            Bar(
                _x(at, total),
                _x(ends, total),
                _y(step.ml_h, top),
                f"{plain(step.ml_h)} mL/h",
                f"{plain(step.volume_ml)} mL",
                clock(start + timedelta(minutes=int(half_up(ends, "1")))),
            )
        )
        at = ends
    line = f"M{_LEFT} {bars[0].y}" + "".join(f"V{b.y}H{b.x2}" for b in bars)
    cap = f"{_WHOSE.get(rate.cap_reason or '', 'Maximum')} {plain(rate.cap_ml_kg_h)} mL/kg/h" if rate.cap_ml_kg_h is not None else ""
    return RatePicture(
        line=line,
        area=f"M{_LEFT} {_BOTTOM}V{bars[0].y}" + "".join(f"V{b.y}H{b.x2}" for b in bars) + f"V{_BOTTOM}z",
        bars=tuple(bars),
        grid=tuple((_y(v, top), plain(v)) for v in _ticks(top)),
        cap_y=_y(ceiling, top) if ceiling is not None else None,
        cap_text=cap,
        begins_at=clock(start),
        described=", ".join(f"{plain(s.ml_h)} mL/h for {plain(s.minutes)} minutes ({plain(s.volume_ml)} mL)" for s in rate.steps)
        + f". {cap}",
    )


_WHOSE = {"label": "Label maximum", "risk": "Label limit at risk", "site": "Site limit", "clinician": "Your limit"}


def _x(minutes: Decimal, total: Decimal) -> Decimal:
    return half_up(_LEFT + (_RIGHT - _LEFT - 12) * minutes / total, "0.1")


def _y(rate: Decimal, top: Decimal) -> Decimal:
    return half_up(_BOTTOM - (_BOTTOM - _TOP) * rate / top, "0.1")


def _ticks(top: Decimal) -> tuple[Decimal, ...]:
    """Four or five round numbers from zero."""
    size = Decimal(10) ** (top.adjusted())
    step = next(s for s in (size / 10, size / 5, size / 4, size / 2, size, size * 2) if top / s <= 5)
    return tuple(step * n for n in range(int(top / step) + 1))


@dataclass(frozen=True, slots=True)
class Trend:
    """A laboratory value over time: points as drawn, the last one printed, first and last day, and a text that says the same."""

    title: str
    unit: str
    points: tuple[tuple[Decimal, Decimal], ...]
    last: str
    first_day: str
    last_day: str
    described: str

    @property
    def line(self) -> str:
        """The path through the points."""
        return "M" + "L".join(f"{x} {y}" for x, y in self.points)


def trend(title: str, items: tuple[Measurement, ...], at_most: int = 12) -> Trend | None:
    """The newest values of a panel, oldest first; None without a dated value."""
    dated = [(m.time.latest, m.value) for m in items if m.time and m.value is not None][:at_most][::-1]
    if not dated:
        return None
    low, high = min(v for _, v in dated), max(v for _, v in dated)
    first, last = dated[0][0], dated[-1][0]
    span = Decimal(int((last - first).total_seconds())) or Decimal(1)
    left, right, top, bottom = _TREND
    points = []
    for when, value in dated:
        part = Decimal(int((when - first).total_seconds())) / span if len(dated) > 1 else Decimal(1)
        height = (value - low) / (high - low) if high > low else Decimal("0.5")
        points.append((half_up(left + (right - left) * part, "0.1"), half_up(bottom - (bottom - top) * height, "0.1")))
    unit = next(m.unit for m in items if m.value is not None)
    said = ", ".join(f"{plain(v)} on {day(w)}" for w, v in dated)
    return Trend(title, unit, tuple(points), plain(half_up(dated[-1][1], "0.01")), day(first), day(last), f"{title} in {unit}: {said}.")
