"""A line of the second calculation: one value as ordered and as recalculated, both workings, and how numbers are rounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

TENTH, HUNDREDTH, THOUSANDTH, TEN_THOUSANDTH = (Fraction(1, 10**places) for places in range(1, 5))


@dataclass(frozen=True, slots=True)
class Recalculated:
    """One value: as ordered, as recalculated, and whether they agree. None: there is nothing to recalculate it from, and why.

    The workings are the two calculations in words with their numbers: of the first what the order stores, of the second what was done here.
    """

    what: str
    ordered: str
    recomputed: str
    agrees: bool | None
    ordered_working: str = ""
    working: str = ""


def disagreements(lines: Iterable[Recalculated]) -> tuple[Recalculated, ...]:
    """The lines that forbid a verification."""
    return tuple(line for line in lines if line.agrees is False)


def half_up(value: Fraction, step: Fraction) -> Fraction:
    """The nearest multiple of a step, a tie upwards."""
    above, below = value.numerator * step.denominator, value.denominator * step.numerator
    return Fraction((2 * above + below) // (2 * below) * step.numerator, step.denominator)


def cut(value: Fraction, step: Fraction) -> Fraction:
    """The multiple of a step at or below a value."""
    return Fraction(value.numerator * step.denominator // (value.denominator * step.numerator) * step.numerator, step.denominator)
