"""Measles and varicella vaccines after the course."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from a_case import case, cited, event, found, outcome

from ivig_fhir.fhir.dates import plus_months
from ivig_fhir.proposal.checks.vaccines import future_interval, interval_months, recent_live
from ivig_fhir.proposal.model import Series


def vaccine(code: str = "", when: str | None = "2026-03-01", text: str = "") -> object:
    return event("Immunization", code, text, when, status="completed")


@pytest.mark.parametrize(
    ("when", "severity"),
    [
        ("2026-03-02T09:00:00Z", "warning"),
        ("2026-02-16T09:00:01Z", "warning"),
        ("2026-02-16T09:00:00Z", "clear"),  # 14 days
        ("2026-02-16", "warning"),
        ("2026-02-15", "clear"),
        ("2026-02", "warning"),  # the month may have ended a few days ago
        ("2026-03-02T10:00:00Z", "warning"),
        ("2026-03-02T10:00:01Z", "unknown"),  # in the future
        (None, "unknown"),
    ],
)
def test_a_live_vaccine_counts_for_less_than_14_days(when: str | None, severity: str) -> None:
    assert outcome(recent_live(case(vaccine("cvx|03", when)))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        *((vaccine(f"cvx|{code}"), "warning") for code in ("03", "94", "21", "05", "04", "3", "5")),
        (vaccine("cvx|111"), "clear"),  # live nasal influenza
        (vaccine("cvx|121"), "clear"),  # live zoster
        (vaccine("cvx|37"), "clear"),  # yellow fever
        (vaccine("cvx|87"), "clear"),
        (vaccine(text="MMR"), "warning"),
        (vaccine(text="Varicella-zoster vaccine (Shingrix)"), "clear"),
        (vaccine(text="varicella zoster immune globulin"), "clear"),
        (event("Procedure", text="Measles titre", when="2026-03-01"), "clear"),
    ],
)
def test_only_measles_and_varicella_vaccines_count(item: object, severity: str) -> None:
    assert outcome(recent_live(case(item))) == severity


def test_a_vaccine_known_by_its_words_is_to_be_confirmed() -> None:
    result = recent_live(case(vaccine(text="MMR")))
    assert cited(result) == {"Immunization/1"}
    assert "by text, confirm" in found(result).evidence[0].said


@pytest.mark.parametrize(("dose_g", "months"), [("7", 8), ("28", 8), ("28.1", 10), ("70", 10), ("70.1", 11), ("140", 11)])
def test_months_follow_the_grams_per_kilogram_of_the_course(dose_g: str, months: int) -> None:
    assert interval_months(case(dose_g=dose_g)) == months


def test_the_finding_is_information_and_gives_the_earliest_day() -> None:
    result = future_interval(case(dose_g="70", days=2))
    assert outcome(result) == "info"
    assert "not before 2027-01-03" in found(result).message
    assert [(e.reference, e.said) for e in found(result).evidence] == [("order", "1 g/kg"), ("order", "2026-03-03")]


def test_of_a_series_the_last_cycle_counts() -> None:
    order = case(dose_g="70", days=2)
    every = tuple(day + timedelta(weeks=3 * n) for n in range(3) for day in order.order.dates)
    series = Series(Decimal(3), 3, every, every[-1], date(2026, 9, 2), Decimal(210))
    order = replace(order, order=replace(order.order, series=series))
    assert "not before 2027-02-14" in found(future_interval(order)).message


def test_without_a_dose_there_is_no_interval() -> None:
    assert outcome(future_interval(case(dose_g=None))) == "unknown"


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 3, 3), 10, date(2027, 1, 3)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 6, 30), 8, date(2028, 2, 29)),
        (date(2026, 4, 15), 8, date(2026, 12, 15)),
    ],
)
def test_a_month_that_is_too_short_ends_on_its_last_day(day: date, months: int, then: date) -> None:
    assert plus_months(day, months) == then
