"""The dosage as one complete sentence for people, and the same sentence read back into numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.extensions import STATED, g_per_kg, policy_code
from ivig_fhir.proposal.model import Proposal, Step

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_N = r"\d+(?:\.\d+)?"
_DAY = r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}"

_FIRST = re.compile(
    rf"(?P<grams>{_N}) g \((?P<ml>{_N}) mL of (?P<conc>{_N}) mg/mL\) by intravenous infusion, once on "
    rf"(?:each of these (?P<count>\d+) dates: )?(?P<dates>{_DAY}(?:, {_DAY})*)\."
)
_CALCULATED = re.compile(
    rf"Calculated (?P<exact>{_N}) g for each infusion, from (?:(?P<per_kg>{_N}) g/kg|a course stated in grams), "
    rf"dosing weight (?P<kg>{_N}) kg \((?P<used>[a-z]+)(?:, policy (?P<policy>[\w.-]+))?\)\."
)
_PUMP = re.compile(rf"Pump for each infusion: (?P<steps>{_N} mL/h.*?); never above (?P<max>{_N}) mL/h\.")
_STEP = re.compile(rf"(?P<rate>{_N}) mL/h (?:for (?P<minutes>{_N}) min|to the end)")
_MOST = re.compile(rf"Never more than (?P<most>{_N}) g in one infusion\.")
NO_RATE = "This order gives no pump rate."
_TOLERATED = "Next step only if the step before is tolerated."


@dataclass(frozen=True, slots=True)
class TextDose:
    """The numbers of a dosage text: grams, mL, mg/mL, dates, grams before rounding, g/kg (None: stated in grams), kg, policy,
    pump steps as (mL/h, minutes or None), highest rate in mL/h, most grams of one infusion."""

    grams: Decimal
    volume_ml: Decimal
    concentration_mg_ml: Decimal
    dates: tuple[date, ...]
    calculated_g: Decimal
    g_per_kg: Decimal | None
    dosing_kg: Decimal
    policy: str
    steps: tuple[tuple[Decimal, Decimal | None], ...]
    max_ml_h: Decimal | None
    most_g: Decimal


def day(value: date) -> str:
    """A date as people write it, the same in every locale: Mon 2 Mar 2026."""
    return f"{_WEEKDAYS[value.weekday()]} {value.day} {_MONTHS[value.month - 1]} {value.year}"


def parse_day(text: str) -> date | None:
    """The date of `day`; None when the weekday does not belong to it."""
    weekday, number, month, year = text.split()
    if month not in _MONTHS:
        return None
    try:
        found = date(int(year), _MONTHS.index(month) + 1, int(number))
    except ValueError:
        return None
    return found if _WEEKDAYS[found.weekday()] == weekday else None


def dosage_text(proposal: Proposal, dates: Sequence[date], calculated_g: Decimal) -> str:
    """What is given on each date, why, and how fast; never a total of the course, which could be read as one day's dose.

    Needs a dose, a volume and a dosing weight; ValueError without them.
    """
    dose, weight = proposal.dose, proposal.weight
    if dose is None or proposal.volume_ml is None or weight.dosing_kg is None:
        raise ValueError("a dosage needs a dose, a volume and a dosing weight")
    each = plain(dose.per_infusion_g)
    when = ", ".join(day(d) for d in dates)
    on = f"each of these {len(dates)} dates: {when}" if len(dates) > 1 else when
    per_kg = g_per_kg(proposal)
    basis = "a course stated in grams" if per_kg is None else f"{plain(per_kg)} g/kg"
    policy = policy_code(proposal)
    used = f"{weight.used}" if policy == STATED else f"{weight.used}, policy {policy}"
    sentences = [
        f"{each} g ({plain(proposal.volume_ml)} mL of {plain(proposal.concentration_mg_ml)} mg/mL) by intravenous infusion, once on {on}.",
        f"Calculated {plain(calculated_g)} g for each infusion, from {basis}, dosing weight {weight.dosing_kg:f} kg ({used}).",
        *_pump(proposal.rate.steps),
        f"Never more than {each} g in one infusion.",
    ]
    return " ".join(sentences)


def _pump(steps: Sequence[Step]) -> list[str]:
    if not steps:
        return [NO_RATE]
    said = [f"{plain(s.ml_h)} mL/h for {plain(s.minutes)} min" for s in steps[:-1]]
    said.append(f"{plain(steps[-1].ml_h)} mL/h to the end")
    most = plain(max(s.ml_h for s in steps))
    sentences = [f"Pump for each infusion: {', then '.join(said)}; never above {most} mL/h."]
    return sentences if len(steps) == 1 else [*sentences, _TOLERATED]


def parse_dosage_text(text: str) -> TextDose | None:
    """The numbers of a dosage text, or None when any part of it cannot be read back."""
    first, calculated, most = _FIRST.match(text), _CALCULATED.search(text), _MOST.search(text)
    if first is None or calculated is None or most is None or _unread(text):
        return None
    dates = tuple(parse_day(t) for t in first["dates"].split(", "))
    if None in dates or (first["count"] is not None and int(first["count"]) != len(dates)):
        return None
    pump = _PUMP.search(text)
    if pump is None and NO_RATE not in text:
        return None
    steps = _steps(pump["steps"]) if pump else ()
    if steps is None:
        return None
    return TextDose(
        Decimal(first["grams"]),
        Decimal(first["ml"]),
        Decimal(first["conc"]),
        tuple(d for d in dates if d is not None),
        Decimal(calculated["exact"]),
        None if calculated["per_kg"] is None else Decimal(calculated["per_kg"]),
        Decimal(calculated["kg"]),
        calculated["policy"] or calculated["used"],
        steps,
        Decimal(pump["max"]) if pump else None,
        Decimal(most["most"]),
    )


def _unread(text: str) -> str:
    """What is left of a text when every sentence of the form is taken out of it; anything else might be another dose."""
    for sentence in (_FIRST, _CALCULATED, _PUMP, _MOST):
        text = sentence.sub("", text, count=1)
    return text.replace(NO_RATE, "", 1).replace(_TOLERATED, "", 1).strip()


def _steps(said: str) -> tuple[tuple[Decimal, Decimal | None], ...] | None:
    found = []
    for part in said.split(", then "):
        step = _STEP.fullmatch(part)
        if step is None:
            return None
        found.append((Decimal(step["rate"]), None if step["minutes"] is None else Decimal(step["minutes"])))
    return tuple(found)
