"""A mistake planted into the first engine is caught by the second calculation: each of them, by a line that disagrees."""

from __future__ import annotations

import pytest

from tests.a_planted_mistake import MISTAKES, Mistake, caught, planted
from tests.a_second_look import look


@pytest.mark.parametrize("mistake", MISTAKES, ids=[m.what for m in MISTAKES])
def test_a_planted_mistake_is_caught(mistake: Mistake) -> None:
    found = caught(mistake)
    assert found is not None
    assert found.fields


def test_there_are_enough_of_them_and_each_is_named_once() -> None:
    assert len({m.what for m in MISTAKES}) == len(MISTAKES) >= 40


def test_a_planted_mistake_is_gone_afterwards() -> None:
    number = next(n for n in range(100) if look(n) is not None)
    with planted(MISTAKES[0]):
        pass
    again = look(number)
    assert again is not None
    assert again.against == ()
