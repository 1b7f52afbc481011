"""Sodium, low and high."""

from __future__ import annotations

import pytest
from a_case import case, found, lab, outcome

from ivig_fhir.chart.facts import Source, Unusable
from ivig_fhir.proposal.checks.sodium import high, low


@pytest.mark.parametrize(
    ("value", "is_low", "is_high"),
    [
        ("129", "warning", "clear"),
        ("129.9", "warning", "clear"),
        ("130", "info", "clear"),
        ("134", "info", "clear"),
        ("134.9", "info", "clear"),
        ("135", "clear", "clear"),
        ("145", "clear", "clear"),
        ("145.1", "clear", "info"),
        ("146", "clear", "info"),
        ("150", "clear", "info"),
        ("150.1", "clear", "warning"),
        ("151", "clear", "warning"),
    ],
)
def test_sodium_has_two_limits_on_either_side(value: str, is_low: str, is_high: str) -> None:
    assert outcome(low(case(lab("sodium", value)))) == is_low
    assert outcome(high(case(lab("sodium", value)))) == is_high


@pytest.mark.parametrize(
    ("when", "result"),
    [
        ("2026-01-31T09:00:00Z", "warning"),  # 30 days
        ("2026-01-31T08:59:59Z", "unknown"),
        ("2026-01-31", "warning"),
        ("2026-01-30", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_sodium_counts_for_thirty_days(when: str | None, result: str) -> None:
    assert outcome(low(case(lab("sodium", "128", when)))) == result
    assert outcome(high(case(lab("sodium", "152", when)))) == result


@pytest.mark.parametrize("check", [low, high])
def test_without_a_usable_sodium_it_is_not_known(check: object) -> None:
    refused = Unusable("sodium", Source("Observation/x", None, "2026-03-02T08:00:00Z"), "sodium 139", "no unit")
    assert outcome(check(case())) == "unknown"  # type: ignore[operator]
    assert outcome(check(case(lab("sodium", "139"), unusable=(refused,)))) == "unknown"  # type: ignore[operator]
    assert outcome(check(case(lab("sodium", "139", status="preliminary")))) == "unknown"  # type: ignore[operator]
    assert outcome(check(case(unread=("Observation",)))) == "unknown"  # type: ignore[operator]


def test_only_the_newest_sodium_counts_unless_it_is_preliminary() -> None:
    before = lab("sodium", "128", "2026-02-20T07:00:00Z")
    assert outcome(low(case(before, lab("sodium", "139")))) == "clear"
    assert outcome(low(case(before, lab("sodium", "139", status="preliminary")))) == "warning"
    assert outcome(low(case(lab("sodium", "139", "2026-02-20"), lab("sodium", "128", status="preliminary")))) == "warning"


def test_bounds_fire_and_clear_only_where_they_decide() -> None:
    assert outcome(low(case(lab("sodium", "120", comparator="<")))) == "warning"
    assert outcome(low(case(lab("sodium", "160", comparator="<")))) == "unknown"
    assert outcome(high(case(lab("sodium", "170", comparator=">")))) == "warning"
    assert outcome(low(case(lab("sodium", "170", comparator=">")))) == "clear"


def test_a_low_sodium_is_explained_with_its_limit_and_what_not_to_do() -> None:
    result = found(low(case(lab("sodium", "128"))))
    assert "below 130 mmol/L" in result.message
    assert "below 135 mmol/L is said, below 130 mmol/L warns" in result.threshold
    assert any("no diuretic" in m for m in result.mitigation)
