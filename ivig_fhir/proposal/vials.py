"""Vials: the fewest that make a dose exactly, or that cover it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from math import gcd

from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.model import Vial

_TENTHS = 10  # vial sizes are whole tenths of a gram


def makeable(grams: Decimal, sizes: Sequence[Decimal]) -> bool:
    """Whether whole vials of these sizes, in grams, sum to the dose; no vials make it where no size is known.

    SelectionError for a size that is no whole tenth of a gram.
    """
    if not sizes:
        return False
    unit, steps = _measure(sizes)
    need = _whole(grams / unit)
    return need * unit == grams and _fewest(need, steps)[need] is not None


def vials_for(grams: Decimal, sizes: Sequence[Decimal]) -> tuple[tuple[Vial, ...], Decimal | None]:
    """The fewest vials, larger first, and the grams left over (0 where they make the dose exactly; None where no size is known).

    Where no whole vials make the dose: the fewest that cover it, of those the ones that leave least. SelectionError as `makeable`.
    """
    if not sizes:
        return (), None
    unit, steps = _measure(sizes)
    need = _whole(grams / unit)
    fewest = _fewest(need + max(steps), steps)
    if need * unit != grams or fewest[need] is None:
        need = min((count, amount) for amount, count in enumerate(fewest) if amount >= need and count is not None)[1]
    return _taken(need, fewest, steps, unit), need * unit - grams


def _measure(sizes: Sequence[Decimal]) -> tuple[Decimal, tuple[int, ...]]:
    """The largest amount in grams that measures every size, and the sizes in it, larger first."""
    tenths = {s * _TENTHS for s in sizes}
    if any(t < 1 or t != int(t) for t in tenths):
        raise SelectionError(said="Vial sizes are whole tenths of a gram.")
    unit = gcd(*(int(t) for t in tenths))
    return Decimal(unit) / _TENTHS, tuple(sorted((int(t) // unit for t in tenths), reverse=True))


def _whole(amount: Decimal) -> int:
    """The next whole number: a dose between two amounts has to be covered."""
    return int(amount.to_integral_value(ROUND_CEILING))


def _fewest(most: int, steps: Sequence[int]) -> list[int | None]:
    """The fewest vials for every amount up to `most`; None where no whole vials make it. Dynamic programming."""
    fewest: list[int | None] = [0]
    for amount in range(1, most + 1):
        before = [n for s in steps if s <= amount and (n := fewest[amount - s]) is not None]
        fewest.append(min(before) + 1 if before else None)
    return fewest


def _taken(amount: int, fewest: Sequence[int | None], steps: Sequence[int], unit: Decimal) -> tuple[Vial, ...]:
    """The vials of an amount: among equally few the larger first."""
    used: Counter[int] = Counter()
    while amount:
        left = (fewest[amount] or 0) - 1
        size = next(s for s in steps if s <= amount and fewest[amount - s] == left)
        used[size] += 1
        amount -= size
    return tuple(Vial(size * unit, count) for size, count in sorted(used.items(), reverse=True))
