"""Vials: fewest, larger first, exact where whole vials make the dose, else covering it with the least left over."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.vials import makeable, vials_for

D = Decimal


def sizes(*grams: str) -> tuple[Decimal, ...]:
    return tuple(D(g) for g in grams)


@pytest.mark.parametrize(
    ("grams", "of", "vials", "waste"),
    [
        ("40", ("1", "2.5", "5", "10", "20", "40"), [("40", 1)], "0"),
        ("35", ("1", "2.5", "5", "10", "20", "40"), [("20", 1), ("10", 1), ("5", 1)], "0"),
        ("8", ("1", "2.5", "5", "10"), [("5", 1), ("1", 3)], "0"),
        ("12", ("6", "10"), [("6", 2)], "0"),
        ("6", ("1", "3", "4"), [("3", 2)], "0"),  # the largest first would take three
        ("20", ("5", "10", "15"), [("15", 1), ("5", 1)], "0"),  # of two and two the larger vial
        ("11", ("1", "2", "5", "7"), [("7", 1), ("2", 2)], "0"),  # of three and three the larger vial
        ("30", ("30",), [("30", 1)], "0"),
        ("41.2", ("5", "10", "20"), [("20", 2), ("5", 1)], "3.8"),
        ("0.3", ("5", "10"), [("5", 1)], "4.7"),
        ("11", ("10", "6"), [("6", 2)], "1"),  # two of 6 leave less than 10 and 6
        ("1.5", ("1",), [("1", 2)], "0.5"),
        ("1.25", ("0.5", "1"), [("1", 1), ("0.5", 1)], "0.25"),
        ("1.35", ("0.1", "1.3"), [("1.3", 1), ("0.1", 1)], "0.05"),
        ("2.4", ("2.5", "0.3"), [("0.3", 8)], "0"),  # exact before fewer
    ],
)
def test_the_fewest_vials_make_or_cover_a_dose(grams: str, of: tuple[str, ...], vials: list[tuple[str, int]], waste: str) -> None:
    found, left = vials_for(D(grams), sizes(*of))
    assert [(v.grams, v.count) for v in found] == [(D(g), n) for g, n in vials]
    assert left == D(waste)


@pytest.mark.parametrize(
    ("grams", "of", "made"),
    [
        ("40", ("20",), True), ("30", ("20",), False), ("7.5", ("2.5",), True), ("7.4", ("2.5",), False), ("7", ("3", "5"), False), ("8", ("3", "5"), True),
        ("0.05", ("0.1",), False), ("0.1", ("0.1",), True), ("5", ("10",), False),
    ],
)  # fmt: skip
def test_only_whole_vials_make_a_dose(grams: str, of: tuple[str, ...], made: bool) -> None:
    assert makeable(D(grams), sizes(*of)) is made


@pytest.mark.parametrize("of", [("0.25",), ("5", "0.05")])
def test_sizes_below_a_tenth_of_a_gram_are_refused(of: tuple[str, ...]) -> None:
    for ask in (makeable, vials_for):
        with pytest.raises(SelectionError) as refused:
            ask(D(5), sizes(*of))
        assert refused.value.message == "Vial sizes are whole tenths of a gram."


def test_without_known_sizes_there_are_no_vials_and_no_waste_to_tell() -> None:
    assert vials_for(D(5), ()) == ((), None)
    assert makeable(D(5), ()) is False


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 60), st.lists(st.sampled_from([3, 4, 7, 10, 15, 25]), min_size=1, max_size=3, unique=True))
def test_no_other_choice_of_vials_is_better(tenths: int, of: list[int]) -> None:
    """Against every combination: exact before covering, then fewer vials, then less left over."""
    grams, made = D(tenths) / 10, tuple(D(s) / 10 for s in of)
    found, left = vials_for(grams, made)
    totals = [(sum(counts), sum(n * s for n, s in zip(counts, of, strict=True))) for counts in product(range(25), repeat=len(of))]
    best = min((total != tenths, count, total) for count, total in totals if total >= tenths)
    assert left is not None
    assert (left != 0, sum(v.count for v in found), int((grams + left) * 10)) == best
    assert makeable(grams, made) is (left == 0)
