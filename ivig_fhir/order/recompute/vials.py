"""Vials: the fewest that make a dose, found by the sums that so many vials can have; every sum in tenths of a gram is one bit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

_TENTHS = 10


def makeable(grams: Fraction, sizes: Sequence[Fraction]) -> bool:
    """Whether whole vials make the grams."""
    need, sums = grams * _TENTHS, 1
    if need.denominator != 1 or not sizes:
        return False
    within = (1 << int(need) + 1) - 1
    for size in _in_tenths(sizes):
        shift = size
        while shift <= need:
            sums |= sums << shift & within
            shift *= 2
    return bool(sums >> int(need) & 1)


def fewest(grams: Fraction, sizes: Sequence[Fraction]) -> list[tuple[Fraction, int]]:
    """The fewest vials that make the grams, larger first; where none do, the fewest that cover them and of those what leaves least.

    As grams of a vial and how many; empty without sizes or grams.
    """
    tenths, need = _in_tenths(sizes), ceil(grams * _TENTHS)
    if not tenths or need <= 0:
        return []
    exact = makeable(grams, sizes)
    levels = [1]  # the sums of 0, 1, 2... vials
    while not (levels[-1] >> need & 1 if exact else levels[-1] >> need):
        sums = 0
        for size in tenths:
            sums |= levels[-1] << size
        levels.append(sums & (1 << need + 1) - 1 if exact else sums)
    beyond = levels[-1] >> need
    left = need if exact else need + (beyond & -beyond).bit_length() - 1
    return _taken(left, levels, tenths)


def _taken(left: int, levels: Sequence[int], tenths: Sequence[int]) -> list[tuple[Fraction, int]]:
    """From the sums backwards, always the largest vial that leaves a sum of one vial fewer."""
    taken: dict[int, int] = {}
    for level in reversed(levels[:-1]):
        size = next(s for s in tenths if s <= left and level >> left - s & 1)
        taken[size] = taken.get(size, 0) + 1
        left -= size
    return [(Fraction(size, _TENTHS), taken[size]) for size in sorted(taken, reverse=True)]


def _in_tenths(sizes: Sequence[Fraction]) -> list[int]:
    return sorted({int(s * _TENTHS) for s in sizes if s > 0}, reverse=True)
