"""Amounts: one measured value read in its panel's unit, or the reason for refusing it; never a guess about a unit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ivig_fhir.chart.answers import Resource
from ivig_fhir.content.model import Panel
from ivig_fhir.fhir.quantity import Quantity, half_up, plain
from ivig_fhir.fhir.reading import called, number, part, plain_decimal, short, word
from ivig_fhir.fhir.units import UCUM, UnitError, code_of, convert

COMPARATORS = ("<", "<=", ">=", ">")
UNIT_BY_TEXT = "unit read from its text"
NUMBER_AS_TEXT = "number was written as text"
NO_UNIT = "no unit"


@dataclass(frozen=True, slots=True)
class Amount:
    """A value in the panel's unit, as it was written (`raw`), with the comparator and what is doubtful."""

    value: Decimal
    raw: Quantity
    comparator: str
    doubts: tuple[str, ...]


class Refused(ValueError):
    """A value that is not used: `kind` as in `Unusable`, `why` in words, `value` where it could be read and is impossible."""

    def __init__(self, kind: str, why: str, value: Decimal | None = None) -> None:
        super().__init__(why)
        self.kind, self.why, self.value = kind, why, value


def read_amount(holder: Resource, panel: Panel, loinc: str) -> Amount:
    """The value of an Observation or component in the panel's unit.

    A unit counts by its UCUM code; without a code by its text, if that is a known spelling; both ways only when the panel accepts it.
    Refused otherwise, and outside the panel's limits of plausibility. See: CONTRACTS, precise point 9.
    """
    refuse_absent(holder)
    quantity = part(holder, "valueQuantity")
    if not quantity:
        raise Refused("unreadable", f"the value is not a number with a unit ({said_value(holder)})")
    amount, doubts = _number(quantity)
    comparator = word(quantity, "comparator")
    if comparator and comparator not in COMPARATORS:
        raise Refused("unreadable", f"the comparator {short(comparator, 10)} is not known")
    if comparator and panel.exact:
        raise Refused("unreadable", f"it is a bound ({comparator}) and no value")
    code, doubt = _unit(quantity, panel)
    raw = Quantity(amount, code)
    value = _converted(raw, panel, loinc)
    _refuse_contradiction(quantity, raw, value, panel, loinc)
    if panel.hard and not panel.hard[0] <= value <= panel.hard[1]:
        low, high = panel.hard
        raise Refused("implausible", f"outside {plain(low)} to {plain(high)} {panel.unit}", value)
    return Amount(value, raw, comparator, (*doubts, *doubt))


def refuse_absent(holder: Resource) -> None:
    """Refused when there is no value, or a reason for its absence beside it."""
    reason = part(holder, "dataAbsentReason")
    if reason:
        raise Refused("absent", f"no value ({called(reason) or 'a reason for its absence is given'})")
    if not any(name.startswith("value") for name in holder):
        raise Refused("absent", "no value")


def said_value(holder: Resource) -> str:
    """What was written as the value, in a few words."""
    for name, value in holder.items():
        if name == "valueQuantity":
            unit = word(value, "unit") or word(value, "code")
            return short(f"{_digits(value.get('value'))} {unit}".strip(), 40) if isinstance(value, dict) else ""
        if name == "valueCodeableConcept":
            return short(called(value), 40)
        if name.startswith("value"):
            return short(_digits(value), 40)
    return ""


def _digits(value: object) -> str:
    if isinstance(value, str | bool):
        return str(value)
    found = number(value)
    if found is None:
        return ""
    return plain(half_up(found, "0.01") if abs(found) >= 1 else found)  # fifteen decimals are a device's, not a person's


def _number(quantity: Resource) -> tuple[Decimal, tuple[str, ...]]:
    written = quantity.get("value")
    if written is None:
        raise Refused("absent", "no number")
    exact = number(written)
    if exact is not None:
        return exact, ()
    exact = plain_decimal(written)
    if exact is None:
        raise Refused("unreadable", "the number is not a plain decimal")
    return exact, (NUMBER_AS_TEXT,)


def _unit(quantity: Resource, panel: Panel) -> tuple[str, tuple[str, ...]]:
    """The UCUM code of the unit, and the doubt when only its text was there. A code of another system is text."""
    if word(quantity, "system") == UCUM and word(quantity, "code"):
        code = word(quantity, "code")
        if code not in panel.accepted:
            raise Refused("unreadable", f"the unit {short(code, 20)} is not one for this value")
        return code, ()
    text = word(quantity, "unit") or word(quantity, "code")
    if not text:
        raise Refused("unreadable", NO_UNIT)
    known = code_of(text)
    if known is None or known not in panel.accepted:
        raise Refused("unreadable", f"the unit {short(text, 20)} has no code and is not known")
    return known, (f"{UNIT_BY_TEXT} ({short(text, 20)})",)


def _converted(raw: Quantity, panel: Panel, loinc: str) -> Decimal:
    # A code may say that another substance was measured than the panel's (urea for urea nitrogen).
    substance = panel.qualified.get(loinc, panel.id)
    for name in dict.fromkeys((substance, panel.id)):
        try:
            return convert(raw, panel.unit, name).value
        except UnitError:
            continue
    raise Refused("unreadable", f"the unit {raw.code} cannot become {panel.unit}")


def _refuse_contradiction(quantity: Resource, raw: Quantity, value: Decimal, panel: Panel, loinc: str) -> None:
    """A unit text that names another unit than the code ("lb" beside kg) leaves the number open by a factor."""
    named = code_of(word(quantity, "unit"))
    if named is None or named == raw.code or named not in panel.accepted:
        return
    try:
        other = _converted(Quantity(raw.value, named), panel, loinc)
    except Refused:
        return
    if other != value:
        raise Refused("unreadable", f"the unit is {raw.code} by its code and {word(quantity, 'unit')} by its text")
