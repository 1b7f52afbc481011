"""The second calculation agrees with 20,000 random orders, from raw charts to the resource as written; `make proof` takes a million."""

from __future__ import annotations

import pytest

from tests.a_second_look import Figures, count, look

BATCHES, SIZE = 8, 2800  # seeds; about one in twelve makes no order


@pytest.mark.parametrize("batch", range(BATCHES))
def test_both_calculations_agree_on_random_orders(batch: int) -> None:
    figures = Figures()
    for seed in range(batch * SIZE, (batch + 1) * SIZE):
        found = look(seed, figures)
        if found is not None:
            count(found, figures)
            assert (seed, found.against, found.missed) == (seed, (), frozenset())
    assert figures.seen["orders"] >= 20_000 / BATCHES
