"""Until when an approval that has not reached the EHR may be sent: both sides of each limit."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from an_approved_order import written
from an_order import NOW

from ivig_fhir.order.transaction import Transaction
from ivig_fhir.order.unsent import first_day, too_late

TODAY = date(2026, 3, 2)
HOURS = timedelta(hours=4)


def late(
    now: datetime = NOW, today: date = TODAY, first: date | None = TODAY, content: str = "2026.12.0", longest: timedelta = HOURS
) -> str:
    return too_late(NOW, "2026.12.0", first, now, today, content, longest)


@pytest.mark.parametrize(("age", "sent"), [(timedelta(), True), (HOURS, True), (HOURS + timedelta(seconds=1), False)])
def test_an_approval_is_sent_until_it_is_as_old_as_the_site_allows(age: timedelta, sent: bool) -> None:
    said = late(NOW + age)
    assert (said == "") is sent
    assert sent or "older than 4 h" in said


def test_its_age_is_the_same_in_every_time_zone() -> None:
    elsewhere = timezone(timedelta(hours=-10))
    assert late((NOW + HOURS).astimezone(elsewhere)) == ""
    assert late((NOW + HOURS + timedelta(minutes=1)).astimezone(elsewhere))


@pytest.mark.parametrize(("today", "sent"), [(date(2026, 3, 1), True), (TODAY, True), (date(2026, 3, 3), False)])
def test_it_is_sent_until_its_first_infusion_day_is_over(today: date, sent: bool) -> None:
    assert (late(today=today) == "") is sent


def test_an_order_that_names_no_day_is_not_sent() -> None:
    assert "names no day" in late(first=None)


def test_it_is_not_sent_on_other_content_than_it_was_made_on() -> None:
    assert "content changed" in late(content="2026.12.1")


def test_whatever_is_wrong_the_sentence_says_what_to_do() -> None:
    for said in (late(NOW + 2 * HOURS), late(today=date(2026, 3, 9)), late(first=None), late(content="x")):
        assert said.endswith("Read the order again on the chart as it is now, and approve it again if it still holds.")


def test_the_first_day_is_the_earliest_that_the_order_itself_names() -> None:
    made = written()
    assert first_day(made) == TODAY
    assert first_day(Transaction(made.run, tuple(e for e in made.entries if e.role != "medication-request"))) is None
