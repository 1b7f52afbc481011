"""Pictures as data for SVG templates: the pump's rate over time, trends of a laboratory value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.model import RateSchedule
from ivig_fhir.proposal.rates import pump_rate
from ivig_fhir.web.render import clock, day

_LEFT, _RIGHT, _LINE = 40, 390, 14
Box = tuple[int, int, int, int]
LARGE: Box = (40, 254, 26, 88)  # left, right, top, bottom of a trend's field
SMALL: Box = (8, 140, 20, 37)
TALL, LOW = (40, 176), (28, 76)  # between which lines a pump picture is drawn: its highest rate, and the time line


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
    limits: tuple[tuple[Decimal, str], ...]
    begins_at: str
    described: str
    bottom: int


def rate_picture(
    rate: RateSchedule, start: datetime, kg: Decimal | None, label_ml_kg_h: Decimal | None = None, field: tuple[int, int] = TALL
) -> RatePicture | None:
    """The pump profile of one infusion, or None without steps. Scales are in the drawing's own units.

    The order's own limit is drawn, and the label's maximum beside it where that is named and another.
    """
    if not rate.steps or not kg:
        return None
    limits = _limits(rate, label_ml_kg_h)
    total = sum((s.minutes for s in rate.steps), Decimal(0))
    bottom, most_drawn = field[1], max(*(s.ml_h for s in rate.steps), *(most * kg for _, most in limits), Decimal(0))
    bars, at = [], Decimal(0)
    for step in rate.steps:
        ends = at + step.minutes
        bars.append(
            Bar(
                _x(at, total),
                _x(ends, total),
                _y(step.ml_h, most_drawn, field),
                f"{plain(step.ml_h)} mL/h",
                f"{plain(step.volume_ml)} mL",
                clock(start + timedelta(minutes=int(half_up(ends, "1")))),
            )
        )
        at = ends
    line = f"M{_LEFT} {bars[0].y}" + "".join(f"V{b.y}H{b.x2}" for b in bars)
    named = [f"{whose} {plain(most)} mL/kg/h: {plain(pump_rate(most * kg))} mL/h" for whose, most in limits]
    steps = ", ".join(f"{plain(s.ml_h)} mL/h for {plain(s.minutes)} minutes ({plain(s.volume_ml)} mL)" for s in rate.steps)
    return RatePicture(
        line=line,
        area=f"M{_LEFT} {bottom}V{bars[0].y}" + "".join(f"V{b.y}H{b.x2}" for b in bars) + f"V{bottom}z",
        bars=tuple(bars),
        grid=tuple((_y(v, most_drawn, field), plain(v)) for v in _ticks(most_drawn, field)),
        limits=tuple((_y(most * kg, most_drawn, field), said) for (_, most), said in zip(limits, named, strict=True)),
        begins_at=clock(start),
        described=". ".join([steps, *named]),
        bottom=bottom,
    )


def _limits(rate: RateSchedule, label_ml_kg_h: Decimal | None) -> list[tuple[str, Decimal]]:
    """Whose limits, in mL/kg/h: the order's, and the label's where it is another."""
    own = [] if rate.cap_ml_kg_h is None else [(_WHOSE.get(rate.cap_reason or "", "Maximum"), rate.cap_ml_kg_h)]
    label = [] if label_ml_kg_h is None or rate.cap_ml_kg_h == label_ml_kg_h else [(_WHOSE["label"], label_ml_kg_h)]
    return own + label


_WHOSE = {"label": "Label maximum", "risk": "Label limit at risk", "site": "Site limit", "clinician": "Your limit"}


def _x(minutes: Decimal, total: Decimal) -> Decimal:
    return half_up(_LEFT + (_RIGHT - _LEFT - 12) * minutes / total, "0.1")


def _y(rate: Decimal, highest: Decimal, field: tuple[int, int]) -> Decimal:
    top, bottom = field
    return half_up(bottom - (bottom - top) * rate / highest, "0.1")


def _ticks(top: Decimal, field: tuple[int, int]) -> tuple[Decimal, ...]:
    """Round numbers from zero, as many as can be read one above the other and five at most."""
    room = min(5, (field[1] - field[0]) // _LINE)
    size = Decimal(10) ** (top.adjusted())
    step = next(s for s in (size / 10, size / 5, size / 4, size / 2, size, size * 2, size * 5) if top / s <= room)
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
    preliminary: bool = False  # whether the newest value is not a final one

    @property
    def first_month(self) -> str:
        """`Nov 2025`."""
        return " ".join(self.first_day.split(" ")[2:])

    @property
    def last_month(self) -> str:
        """The same of the newest value, with its day: `25 Feb 2026`."""
        return " ".join(self.last_day.split(" ")[1:])

    @property
    def line(self) -> str:
        """The path through the points."""
        return "M" + "L".join(f"{x} {y}" for x, y in self.points)


def trend(title: str, items: tuple[Measurement, ...], at_most: int = 12, box: Box = LARGE) -> Trend | None:
    """The newest values of a panel, oldest first; None without a dated value. `box` is the field in which they are drawn."""
    shown = [m for m in items if m.time and m.value is not None][:at_most][::-1]
    dated = [(m.time.latest, m.value) for m in shown if m.time and m.value is not None]
    if not dated:
        return None
    not_final = shown[-1].preliminary
    low, high = min(v for _, v in dated), max(v for _, v in dated)
    first, last = dated[0][0], dated[-1][0]
    span = Decimal(int((last - first).total_seconds())) or Decimal(1)
    left, right, top, bottom = box
    points = []
    for when, value in dated:
        part = Decimal(int((when - first).total_seconds())) / span if len(dated) > 1 else Decimal(1)
        height = (value - low) / (high - low) if high > low else Decimal("0.5")
        points.append((half_up(left + (right - left) * part, "0.1"), half_up(bottom - (bottom - top) * height, "0.1")))
    unit = next(m.unit for m in items if m.value is not None)
    said = ", ".join(f"{plain(v)} on {day(w)}" for w, v in dated)
    return Trend(
        title,
        unit,
        tuple(points),
        plain(half_up(dated[-1][1], "0.01")),
        day(first),
        day(last),
        f"{title} in {unit}: {said}{' (preliminary)' if not_final else ''}.",
        not_final,
    )
