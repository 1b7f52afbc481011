"""Dates as FHIR writes them: their precision, their zone, and what is no date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.fhir.dates import completed_months, completed_years, parse_date, parse_time

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T09:00:00Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00.000Z", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00:00.5Z", datetime(2026, 3, 2, 9, 0, 0, 500000, tzinfo=UTC)),
        ("2026-03-02T09:00:00.123456789+00:00", datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-02T09:00:00-05:00", datetime(2026, 3, 2, 14, tzinfo=UTC)),
        ("2026-03-02T09:00-05:00", datetime(2026, 3, 2, 14, tzinfo=UTC)),
        (" 2026-03-02T09:00:00Z ", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_one_moment(text, instant):
    time = parse_time(text)
    assert time.earliest == time.latest == instant
    assert time.is_instant
    assert not time.is_partial
    assert time.text == text.strip()


@pytest.mark.parametrize(
    ("text", "first", "last", "partial"),
    [
        ("2026-02-28", datetime(2026, 2, 28), datetime(2026, 2, 28), False),
        ("2024-02", datetime(2024, 2, 1), datetime(2024, 2, 29), True),
        ("2026-12", datetime(2026, 12, 1), datetime(2026, 12, 31), True),
        ("2026", datetime(2026, 1, 1), datetime(2026, 12, 31), True),
    ],
)
def test_a_date_is_all_of_its_days_in_the_site_s_zone(text, first, last, partial):
    time = parse_time(text, NEW_YORK)
    assert time.earliest == first.replace(tzinfo=NEW_YORK)
    assert time.latest == (last + timedelta(days=1)).replace(tzinfo=NEW_YORK) - timedelta(microseconds=1)
    assert (time.is_instant, time.is_partial) == (False, partial)


def test_a_time_without_an_offset_is_the_site_s():
    assert parse_time("2019-06-30T07:00:00", NEW_YORK).earliest == datetime(2019, 6, 30, 7, tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-02-30",
        "2026-13",
        "26-01-01",
        "2026-1-1",
        "2026-03-02T25:00:00Z",
        "2026-03-02T09:61:00Z",
        "2026-03-02T09:00:61Z",
        "2026-03-02T09:00:00+99:00",
        "2026-03-02 09:00",
        "0000",
        "9999",
        "2026-03-02T09:00:00Zjunk",
        None,
        2026,
        ["2026"],
    ],
)
def test_what_is_no_real_date_is_none(text):
    assert parse_time(text) is None


@given(st.text(max_size=30))
def test_reading_any_text_never_raises(text):
    assert parse_time(text) is None or parse_date(text) is None or date.fromisoformat(text.strip())


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-9))])))
def test_a_written_instant_reads_back_as_itself(moment):
    moment = moment.replace(year=max(moment.year, 1000))
    assert parse_time(moment.isoformat(timespec="microseconds")).earliest == moment


@pytest.mark.parametrize(("on", "years"), [(date(2026, 5, 5), 45), (date(2026, 5, 6), 46), (date(1980, 5, 6), 0)])
def test_a_year_is_completed_on_the_birthday(on, years):
    assert completed_years(date(1980, 5, 6), on) == years


def test_who_was_born_on_a_leap_day_completes_a_year_on_the_first_of_march():
    born = date(2024, 2, 29)
    assert (completed_years(born, date(2025, 2, 28)), completed_years(born, date(2025, 3, 1))) == (0, 1)


@pytest.mark.parametrize(
    ("on", "months"), [(date(2026, 2, 14), 0), (date(2026, 2, 15), 1), (date(2027, 1, 15), 12), (date(2027, 1, 14), 11)]
)
def test_months_are_completed_on_their_day(on, months):
    assert completed_months(date(2026, 1, 15), on) == months


@pytest.mark.parametrize(
    ("text", "born"), [("1980-05-06", date(1980, 5, 6)), ("1980-05", None), ("1980-05-06T10:00:00Z", None), (None, None)]
)
def test_a_birth_date_is_a_full_date(text, born):
    assert parse_date(text) == born
