"""Measured values read from raw Observations: by code, status, date and unit, on exact fractions; what is not sure is no value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from ivig_fhir.content.model import Panel
from ivig_fhir.fhir.dates import FhirTime
from ivig_fhir.fhir.reading import number, part, parts, plain_decimal, word
from ivig_fhir.fhir.references import own_reference
from ivig_fhir.fhir.stored_order import Resource
from ivig_fhir.fhir.units import UCUM, code_of
from ivig_fhir.order.recompute.facts import Facts

# Factors of its own, so that a mistake in the table of the first calculation is not made twice. The pound is that of 1959: 0.45359237 kg.
_KG = {"kg": "1", "g": "0.001", "[lb_av]": "0.45359237", "[oz_av]": "0.028349523125"}
_CM = {"cm": "1", "m": "100", "mm": "0.1", "[in_i]": "2.54", "[ft_i]": "30.48"}
_MG_DL = {"mg/dL": "1", "g/L": "100", "mg/L": "0.1"}
_FACTORS: Mapping[str, Mapping[str, Fraction]] = {
    unit: {code: Fraction(factor) for code, factor in known.items()} for unit, known in (("kg", _KG), ("cm", _CM), ("mg/dL", _MG_DL))
}
_FINAL = ("final", "amended", "corrected")
_PRELIMINARY = "preliminary"
AHEAD = timedelta(hours=1)  # clocks differ by as much; what is dated later than that was not measured yet


@dataclass(frozen=True, slots=True)
class Measured:
    """One value in the unit of its panel, with where and when; `bound` is its comparator."""

    reference: str
    value: Fraction
    time: FhirTime
    final: bool
    bound: str


def newest(f: Facts, panel: Panel, at: datetime) -> tuple[Measured, ...]:
    """The values of a panel that were there at a moment, newest first; of several at one instant the first by its reference."""
    holders = {id(holder): (o, holder, codes) for loinc in panel.loinc for o, holder, codes in f.by_loinc.get(loinc, ())}
    read = (_read(f, o, holder, panel) for o, holder, codes in holders.values() if not any(c in panel.never for c in codes))
    found = [m for m in read if m is not None and m.time.earliest <= at + AHEAD]
    return tuple(sorted(found, key=lambda m: (-m.time.latest.timestamp(), m.reference)))


def contradicted(item: Measured, others: tuple[Measured, ...], fraction: Fraction) -> bool:
    """Whether values of the same instant lie further apart than a fraction of the highest: then none of them is known to be right."""
    same = [m.value for m in others if m.time.latest == item.time.latest]
    return max(same) - min(same) > fraction * max(same)


def _read(f: Facts, observation: Resource, holder: Resource, panel: Panel) -> Measured | None:
    """The value of an Observation or of its component; None where it is withdrawn, about somebody else, without a date or a number."""
    status, time = word(observation, "status"), _when(f, observation)
    if time is None or parts(observation, "focus") or status not in (*_FINAL, _PRELIMINARY) or holder.get("dataAbsentReason"):
        return None
    quantity = part(holder, "valueQuantity")
    value = _value(quantity, panel)
    return None if value is None else Measured(own_reference(observation), value, time, status in _FINAL, word(quantity, "comparator"))


def _when(f: Facts, observation: Resource) -> FhirTime | None:
    """When the value was true; a date that cannot be read is not replaced by another one."""
    period = part(observation, "effectivePeriod")
    for written in (observation.get("effectiveDateTime"), period.get("end"), observation.get("effectiveInstant")):
        if written is not None:
            return f.time(written)
    return f.time(observation.get("issued")) or f.time(period.get("start"))


def _value(quantity: Resource, panel: Panel) -> Fraction | None:
    """The number in the panel's unit; None for no number, an unknown unit, two units at once, a bound where none may be, or nonsense."""
    written = quantity.get("value")
    found = number(written)
    found = plain_decimal(written) if found is None else found
    factors, unit = _FACTORS.get(panel.unit, {}), _unit(quantity)
    if found is None or unit not in factors or unit not in panel.accepted or (panel.exact and word(quantity, "comparator")):
        return None
    value = Fraction(found) * factors[unit]
    other = code_of(word(quantity, "unit"))
    if other in factors and other in panel.accepted and Fraction(found) * factors[other] != value:
        return None
    return value if panel.hard is None or panel.hard[0] <= value <= panel.hard[1] else None


def _unit(quantity: Resource) -> str:
    """The UCUM code; where there is none, the code that a known spelling stands for."""
    if word(quantity, "system") == UCUM and word(quantity, "code"):
        return word(quantity, "code")
    return code_of(word(quantity, "unit") or word(quantity, "code")) or ""
