"""Recent values: what may fire a check, and what alone may end one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from a_case import case, lab

from ivig_fhir.chart.facts import Measurement, Source, Unusable
from ivig_fhir.proposal.matching import is_above, is_below
from ivig_fhir.proposal.recent import EVER, Recent, recent

DAY = timedelta(days=1)


def sodium(value: str, when: str | None = "2026-03-02T08:00:00Z", **more: object) -> Measurement:
    return lab("sodium", value, when, **more)


def read(*facts: object, window: timedelta = DAY, **more: object) -> Recent:
    return recent(case(*facts, **more), "sodium", window)  # type: ignore[arg-type]


def values(items: tuple[Measurement, ...]) -> list[str]:
    return [str(m.value) for m in items]


@pytest.mark.parametrize(
    ("when", "shown", "settled"),
    [
        ("2026-03-01T09:00:00Z", True, True),  # exactly 24 hours
        ("2026-03-01T08:59:59Z", False, False),
        ("2026-03-01", True, False),  # may have been yesterday evening, may have been yesterday night
        ("2026-03-02", True, True),
        ("2026-02-28", False, False),
        ("2026-03-02T09:30:00Z", True, True),  # a clock that runs ahead
        (None, False, False),
    ],
)
def test_a_day_may_fire_by_its_end_and_clear_by_its_beginning(when: str | None, shown: bool, settled: bool) -> None:
    found = read(sodium("139", when))
    assert (bool(found.shown), bool(found.settled)) == (shown, settled)


def test_a_preliminary_result_may_fire_and_never_ends() -> None:
    found = read(sodium("128", "2026-03-02T08:30:00Z", status="preliminary"), sodium("139"))
    assert values(found.shown) == ["128", "139"]
    assert values(found.settled) == ["139"]
    assert not read(sodium("139", status="preliminary")).ends(lambda m: True)


def test_only_the_newest_counts() -> None:
    assert values(read(sodium("139"), sodium("128", "2026-03-02T07:59:59Z")).shown) == ["139"]


def test_values_of_one_instant_or_one_day_count_together() -> None:
    assert sorted(values(read(sodium("129"), sodium("133")).shown)) == ["129", "133"]
    assert sorted(values(read(sodium("129", "2026-03-02T07:00:00Z"), sodium("133", "2026-03-02")).shown)) == ["129", "133"]


def test_values_that_contradict_each_other_are_not_taken_and_stand_in_the_way() -> None:
    found = read(sodium("120"), sodium("140"))
    assert (found.shown, found.settled) == ((), ())
    assert [e.said for e in found.obscured] == ["sodium 120"]


@pytest.mark.parametrize(
    ("kind", "when", "obscured"),
    [
        ("unreadable", "2026-03-02T08:30:00Z", True),
        ("implausible", "2026-03-02T08:30:00Z", True),
        ("unreadable", None, True),
        ("unreadable", "2026-03-02T07:30:00Z", False),  # older than the value that could be read
        ("unreadable", "2026-02-20", False),
        ("status", "2026-03-02T08:30:00Z", False),
        ("absent", "2026-03-02T08:30:00Z", False),
        ("future", "2027-01-01", False),
    ],
)
def test_a_newer_result_that_could_not_be_read_keeps_a_check_open(kind: str, when: str | None, obscured: bool) -> None:
    refused = Unusable("sodium", Source("Observation/x", None, when), "sodium 12", "no unit", kind)
    found = read(sodium("139"), unusable=(refused,))
    assert bool(found.obscured) == obscured
    assert found.ends(lambda m: True) is not obscured


def test_another_panel_stands_in_nobodys_way() -> None:
    refused = Unusable("creatinine", Source("Observation/x", None, None), "creatinine 80", "outside", "implausible")
    assert not read(sodium("139"), unusable=(refused,)).obscured


def test_a_window_without_end_takes_the_newest_of_all() -> None:
    assert values(read(sodium("139", "1999-01-01"), window=EVER).settled) == ["139"]


@pytest.mark.parametrize(
    ("value", "comparator", "above", "below"),
    [
        ("150", "", False, False),
        ("151", "", True, False),
        ("149", "", False, True),
        ("150", ">", True, False),
        ("150", ">=", None, False),
        ("151", ">=", True, False),
        ("149", ">", None, None),
        ("150", "<", False, True),
        ("150", "<=", False, None),
        ("151", "<", None, None),
        ("149", "<=", False, True),
    ],
)
def test_a_bound_decides_only_on_its_own_side(value: str, comparator: str, above: bool | None, below: bool | None) -> None:
    item = sodium(value, comparator=comparator)
    assert is_above(item, Decimal(150)) is above
    assert is_below(item, Decimal(150)) is below
