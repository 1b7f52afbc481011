"""Both ends of adult age."""

from __future__ import annotations

import pytest
from a_case import case, cited, found, outcome

from ivig_fhir.proposal.checks.age import over_65, pediatric


@pytest.mark.parametrize(
    ("born", "older", "child"),
    [
        ("1961-03-02", "warning", "clear"),  # 65 today
        ("1961-03-03", "clear", "clear"),
        ("2008-03-02", "clear", "clear"),  # 18 today
        ("2008-03-03", "clear", "info"),
        ("2026-02-01", "clear", "info"),
        (None, "unknown", "unknown"),
    ],
)
def test_completed_years_decide(born: str | None, older: str, child: str) -> None:
    assert (outcome(over_65(case(born=born))), outcome(pediatric(case(born=born)))) == (older, child)


def test_the_birth_date_is_the_evidence() -> None:
    assert cited(over_65(case(born="1950-01-01"))) == cited(pediatric(case(born="2020-01-01"))) == {"Patient/p1"}


def test_an_infant_is_counted_in_months() -> None:
    assert "4 months" in found(pediatric(case(born="2025-10-20"))).message
