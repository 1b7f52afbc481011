"""Dates of every precision as spans, and what a prefix means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ivig_fhir.sandbox import dates


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", moment(2026, 1, 1), moment(2027, 1, 1)),
        ("2026-12", moment(2026, 12, 1), moment(2027, 1, 1)),
        ("2024-02", moment(2024, 2, 1), moment(2024, 3, 1)),
        ("2026-03-02", moment(2026, 3, 2), moment(2026, 3, 3)),
        ("2026-03-02T10:00Z", moment(2026, 3, 2, 10), moment(2026, 3, 2, 10, 1)),
        ("2026-03-02T10:00:05+02:00", moment(2026, 3, 2, 8, 0, 5), moment(2026, 3, 2, 8, 0, 6)),
        ("2026-03-02T10:00:05 02:00", moment(2026, 3, 2, 8, 0, 5), moment(2026, 3, 2, 8, 0, 6)),
        ("2026-03-02T10:00:05.250Z", moment(2026, 3, 2, 10, 0, 5, 250000), moment(2026, 3, 2, 10, 0, 5, 251000)),
    ],
)
def test_date_covers_the_span_of_its_precision(text: str, low: datetime, high: datetime) -> None:
    assert dates.parse(text) == ("eq", dates.Span(low, high))


@pytest.mark.parametrize("text", ["yesterday", "2026-13", "2026-02-30", "ap2026", "", "2026-3-2", "20260302"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        dates.parse(text)


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ("2026-03-02", True),
        ("eq2026-03", True),
        ("2026-03-01", False),
        ("ne2026-03-02", False),
        ("ge2026-03-02", True),
        ("ge2026-03-03", False),
        ("gt2026-03-02", False),
        ("gt2026-03-01", True),
        ("le2026-03-02", True),
        ("le2026-03-01", False),
        ("lt2026-03-02", False),
        ("lt2026-03-03", True),
        ("sa2026-03-01", True),
        ("sa2026-03-02", False),
        ("eb2026-03-03", True),
        ("eb2026-03-02", False),
    ],
)
def test_prefix_compares_a_stored_day(asked: str, answers: bool) -> None:
    prefix, span = dates.parse(asked)
    [stored] = dates.spans("2026-03-02")
    assert dates.compare(prefix, stored, span) is answers


def test_open_period_reaches_on_without_end() -> None:
    [stored] = dates.spans({"start": "2026-03-02"})
    assert dates.compare("gt", stored, dates.parse("2100")[1])
    assert not dates.compare("lt", stored, dates.parse("2026-03-02")[1])


def test_timing_counts_each_of_its_events() -> None:
    assert len(list(dates.spans({"event": ["2026-03-02", "2026-03-03"]}))) == 2


@pytest.mark.parametrize("value", ["soon", 5, {}, {"event": "x"}, {"repeat": 3}, None])
def test_unreadable_stored_date_matches_nothing(value: object) -> None:
    assert list(dates.spans(value)) == []
