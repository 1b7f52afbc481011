"""Vials: the fewest that make a dose exactly, or that cover it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from ivig_fhir.proposal.model import Vial

_TENTHS = 10  # vial sizes and doses are whole tenths of a gram


def makeable(grams: Decimal, sizes: Sequence[Decimal]) -> bool:
    """Whether whole vials of these sizes sum to the dose, in grams."""
    return _fewest(grams, sizes) is not None


def vials_for(grams: Decimal, sizes: Sequence[Decimal]) -> tuple[tuple[Vial, ...], Decimal | None]:
    """The fewest vials, larger first, and the grams left over (0 where they make the dose exactly; None where no size is known)."""
    if not sizes:
        return (), None
    exact = _fewest(grams, sizes)
    if exact is not None:
        return exact, Decimal(0)
    need = _tenths(grams)
    most = need + max(_tenths(s) for s in sizes)
    covering = [c for c in (_fewest(Decimal(t) / _TENTHS, sizes) for t in range(need + 1, most + 1)) if c is not None]
    best = min(covering, key=lambda c: (sum(v.count for v in c), sum((v.grams * v.count for v in c), Decimal(0))))
    return best, sum((v.grams * v.count for v in best), Decimal(0)) - grams


def _tenths(grams: Decimal) -> int:
    """Tenths of a gram, rounded up: a dose between two tenths must be covered."""
    scaled = grams * _TENTHS
    return int(scaled) + (scaled != int(scaled))


def _fewest(grams: Decimal, sizes: Sequence[Decimal]) -> tuple[Vial, ...] | None:
    """Fewest vials that sum to the dose; among equals the one with the larger vials first. Dynamic programming over tenths of a gram."""
    scaled = grams * _TENTHS
    if scaled != int(scaled) or any(s * _TENTHS != int(s * _TENTHS) for s in sizes):
        return None
    target, steps = int(scaled), sorted({int(s * _TENTHS) for s in sizes}, reverse=True)
    fewest: list[int | None] = [0] + [None] * target
    last = [0] * (target + 1)
    for amount in range(1, target + 1):
        for size in steps:
            before = fewest[amount - size] if size <= amount else None
            current = fewest[amount]
            if before is not None and (current is None or before + 1 < current):
                fewest[amount], last[amount] = before + 1, size
    if fewest[target] is None:
        return None
    used: Counter[int] = Counter()
    while target:
        used[last[target]] += 1
        target -= last[target]
    return tuple(Vial(Decimal(size) / _TENTHS, count) for size, count in sorted(used.items(), reverse=True))
