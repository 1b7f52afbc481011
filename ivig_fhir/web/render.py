"""How numbers, days and names are written on a page: no-break space before a unit, no zero after the point, real minus signs."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.rates import mg_kg_min

NBSP = "\u00a0"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SEVERITY = {
    "hard-stop": ("stop", "Hard stop"),
    "override": ("need", "Needs a reason"),
    "warning": ("warn", "Warning"),
    "info": ("info", "Information"),
}
REASONS = {
    "not-found": "Not in the record",
    "not-permitted": "Not permitted for this app",
    "error": "The EHR did not answer",
    "not-readable": "Not readable",
    "not-supported": "Not supported",
}
_ABBREVIATION = re.compile(r"\(([A-Z][A-Z0-9-]{1,9})\)")
_INSTANT = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?")
# Controls, and the marks that embed, override or isolate a direction: 1U+202E0 mL would be read as 01 mL.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
STATES = {
    "proposed": "Proposed, nothing written yet",
    "approved": "Approved, not yet in the EHR",
    "sent": "In the EHR as a draft, waiting for a pharmacist",
    "uncertain": "Outcome unknown: look in the EHR before anything is sent again",
    "incomplete": "Incomplete: the EHR lost something",
    "queried": "A pharmacist asked a question",
    "verified": "Verified and active",
    "rejected": "Rejected",
    "cancelled": "Cancelled",
    "on-hold": "On hold",
    "stopped": "Stopped",
    "completed": "Completed",
    "entered-in-error": "Entered in error",
}


def calm(value: Any) -> Any:
    """What is about to stand on a page, without the characters that turn the direction of the words and figures beside them, or are none.

    Everything that a template shows passes here; what is escaped already has passed.
    """
    return _UNSEEN.sub("", value) if isinstance(value, str) and not isinstance(value, Markup) else value


def amount(value: Decimal | str | None, unit: str) -> str:
    """`40 g`, `393 mL/h`: plain digits and the unit, never broken over lines."""
    return "–" if value is None else f"{plain(Decimal(str(value)))}{NBSP}{unit}"


def tenth(value: Decimal | None, unit: str) -> str:
    """The same, to one decimal at the most."""
    return "–" if value is None else amount(half_up(value, "0.1"), unit)


def measured(value: Decimal | None, unit: str) -> str:
    """A measured value keeps its decimals: `82.0 kg`."""
    return "–" if value is None else f"{value}{NBSP}{unit}"


def percent(value: Decimal) -> str:
    """`−2.4 %`."""
    sign = "−" if value < 0 else "+" if value > 0 else ""
    return f"{sign}{abs(value)}{NBSP}%"


def day(value: date | datetime | str | None, year: bool = True) -> str:
    """`Mon 2 Mar 2026`; what is not a full date is shown as it was written."""
    if isinstance(value, str):
        time = parse_time(value)
        if time is None or time.is_partial:
            return value
        value = time.earliest
    if value is None:
        return "no date"
    text = f"{_DAYS[value.weekday()]} {value.day} {_MONTHS[value.month - 1]}"
    return f"{text} {value.year}" if year else text


def clock(value: datetime | None) -> str:
    """`10:00`."""
    return "" if value is None else f"{value.hour:02}:{value.minute:02}"


def duration(minutes: int | None) -> str:
    """Minutes; above three hours as hours and minutes."""
    if minutes is None:
        return "–"
    if minutes <= 180:
        return f"{minutes}{NBSP}min"
    return f"{minutes // 60}{NBSP}h {minutes % 60}{NBSP}min"


def short_name(name: str) -> str:
    """An indication by its abbreviation where its name gives one (`CIDP`), else by its first words (`Myasthenia gravis`)."""
    short = _ABBREVIATION.search(name)
    return short[1] if short else name.partition(":")[0]


def shouted(name: str) -> str:
    """A person's family name in capitals: `SAMPLETON, Edwin`."""
    family, comma, given = name.partition(", ")
    return f"{family.upper()}{comma}{given}"


def dated(text: str) -> str:
    """What the chart said, with its dates as people write them."""
    return _INSTANT.sub(lambda m: day(m[0]), text)


def plural(count: int, one: str, many: str = "") -> str:
    """`1 reason is missing`-style counts: `plural(2, "reason")` is "2 reasons"."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def by_mass(ml_kg_h: Decimal, mg_ml: Decimal) -> str:
    """A rate in mL/kg/h as mg/kg/min, to 0.01."""
    return plain(half_up(mg_kg_min(ml_kg_h, mg_ml), "0.01"))


def capitalize_first(text: str) -> str:
    """A sentence begins with a capital letter; the rest stays as it is."""
    return text[:1].upper() + text[1:]


FILTERS = {
    "capitalize_first": capitalize_first,
    "by_mass": by_mass,
    "amount": amount,
    "tenth": tenth,
    "measured": measured,
    "percent": percent,
    "day": day,
    "clock": clock,
    "duration": duration,
    "plural": plural,
    "dated": dated,
    "plain": plain,
}
