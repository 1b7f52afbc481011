"""Quantity: an exact Decimal with its UCUM code; never a float, never without a unit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured or calculated amount: `value` in the unit named by the UCUM `code`. See: FHIR R4 Quantity."""

    value: Decimal
    code: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, Decimal) or not self.value.is_finite():
            raise TypeError("a quantity is a finite Decimal")
        if not self.code:
            raise ValueError("a quantity has a unit")


def half_up(value: Decimal, step: str) -> Decimal:
    """`value` rounded half up to the decimal places of `step` ("0.1", "1")."""
    return value.quantize(Decimal(step), rounding=ROUND_HALF_UP)


def down(value: Decimal, step: str) -> Decimal:
    """`value` cut to the decimal places of `step`; for pump rates, which must not be exceeded by rounding."""
    return value.quantize(Decimal(step), rounding=ROUND_DOWN)


def plain(value: Decimal) -> str:
    """The number as a person writes it: no exponent, no trailing zeros after the point ("40", "2.5")."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
