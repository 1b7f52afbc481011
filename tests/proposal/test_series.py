"""A series: every infusion has its date, there is an end and a review, and the written order says the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ivig_fhir.content.site import Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.dates import plus_months
from ivig_fhir.order.recompute import disagreements, recompute, tables_of
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.calendar import course_dates, interval_of, series_of, start_of
from ivig_fhir.proposal.model import Series
from ivig_fhir.proposal.resources import proposal_bundle
from ivig_fhir.proposal.selections import parse_selections
from tests.a_case import content
from tests.a_kept_proposal import kept
from tests.a_record import NOW, proposed, quiet

CIDP = content().order_sets["cidp"]
MAINTENANCE, LOADING = CIDP.regimen("cidp-maint"), CIDP.regimen("cidp-load")
WEEK = 7


@contextmanager
def refused(said: str) -> Iterator[None]:
    """A choice that cannot be used, and what the user is told."""
    with pytest.raises(SelectionError) as caught:
        yield
    assert said in caught.value.message


def series(course: tuple[date, ...], **chosen: Any) -> Series | None:
    """The series of a maintenance course of 70 g with these choices."""
    selections = parse_selections(chosen)
    assert MAINTENANCE is not None
    return series_of(selections, MAINTENANCE, course, interval_of(selections, MAINTENANCE), Decimal(70), content())


def made(course: tuple[date, ...], **chosen: Any) -> Series:
    """The series that there must be."""
    found = series(course, **chosen)
    assert found is not None
    return found


def days(first: date, count: int) -> tuple[date, ...]:
    """Days in a row."""
    return tuple(first + timedelta(days=n) for n in range(count))


def test_a_maintenance_regimen_is_a_series_up_to_its_review_by_itself() -> None:
    told = answer(proposed(regimen="cidp-maint"))
    assert told["series"] == {
        "interval_weeks": 3,
        "cycles": 8,
        "dates": [(date(2026, 3, 2) + timedelta(weeks=3 * n)).isoformat() for n in range(8)],
        "last": "2026-07-27",
        "review_on": "2026-09-02",
        "total_g": "560.0",
    }
    assert {"interval_weeks", "cycles"} <= set(told["defaulted"])
    assert [i["date"] for i in told["dose"]["infusions"]] == ["2026-03-02"]  # the dose is that of one course


def test_a_regimen_that_is_given_once_has_no_series() -> None:
    told = answer(proposed(regimen="cidp-load"))
    assert told["series"] is None
    assert not {"interval_weeks", "cycles"} & set(told["defaulted"])


def test_one_cycle_of_a_maintenance_regimen_still_has_its_end_and_its_review() -> None:
    told = answer(proposed(regimen="cidp-maint", cycles=1))["series"]
    assert (told["cycles"], told["dates"], told["last"], told["review_on"]) == (1, ["2026-03-02"], "2026-03-02", "2026-09-02")


def test_every_day_of_every_cycle_is_written() -> None:
    told = answer(proposed(regimen="cidp-maint", days=2, cycles=3))["series"]
    assert told["dates"] == ["2026-03-02", "2026-03-03", "2026-03-23", "2026-03-24", "2026-04-13", "2026-04-14"]
    assert told["last"] == "2026-04-14"


def test_a_loading_dose_that_is_repeated_needs_its_interval() -> None:
    with refused("interval_weeks"):
        proposed(regimen="cidp-load", cycles=2)
    told = answer(proposed(regimen="cidp-load", cycles=2, interval_weeks=4))["series"]
    assert (told["cycles"], told["last"]) == (2, "2026-04-02")


def test_cycles_that_would_touch_each_other_are_refused_and_never_proposed() -> None:
    with refused("shorter than the course"):
        series(days(date(2026, 3, 2), 4), interval_weeks="0.5", cycles=2)
    assert made(days(date(2026, 3, 2), 4), interval_weeks="0.5").cycles == 1


@pytest.mark.parametrize(("weeks", "cycles"), [("0.1", 2), ("0.14", 2)])
def test_two_cycles_on_one_day_are_refused(weeks: str, cycles: int) -> None:
    with refused("shorter than the course"):
        series((date(2026, 3, 2),), interval_weeks=weeks, cycles=cycles)


def test_part_weeks_go_to_the_nearest_day_and_do_not_add_up() -> None:
    told = made((date(2026, 3, 2),), interval_weeks="2.5", cycles=5)
    assert [(d - told.dates[0]).days for d in told.dates] == [0, 18, 35, 53, 70]


def test_a_date_beyond_the_calendar_is_refused() -> None:
    with refused("calendar"):
        series((date(9999, 12, 1),), cycles=8)
    with refused("calendar"):
        proposed(regimen="cidp-load", start="9999-12-30")


def test_months_end_where_the_month_ends_and_clocks_do_not_count() -> None:
    told = made((date(2025, 8, 31),))
    assert told.review_on == date(2026, 2, 28)
    assert told.dates[:5] == (date(2025, 8, 31), date(2025, 9, 21), date(2025, 10, 12), date(2025, 11, 2), date(2025, 11, 23))
    start = start_of(
        parse_selections({"start": "2026-03-01"}), datetime(2026, 3, 1, tzinfo=UTC), Site(timezone=ZoneInfo("America/New_York"))
    )
    assert course_dates(parse_selections({}), start, 15)[-1] == date(2026, 3, 15)  # over the change to summer time


@given(
    first=st.dates(date(2000, 1, 1), date(2090, 1, 1)),
    count=st.integers(1, 5),
    weeks=st.decimals(Decimal("0.2"), Decimal(12), places=2),
    cycles=st.integers(1, 30),
)
def test_a_series_is_complete_ordered_apart_and_ends(first: date, count: int, weeks: Decimal, cycles: int) -> None:
    course = days(first, count)
    assume(weeks * WEEK >= count)
    told = made(course, interval_weeks=str(weeks), cycles=cycles)
    assert len(told.dates) == cycles * count == len(set(told.dates))
    assert list(told.dates) == sorted(told.dates)
    assert told.dates[:count] == course
    assert told.last == told.dates[-1]
    assert told.total_g == 70 * cycles
    assert told.review_on == plus_months(first, 6)
    firsts = told.dates[::count]
    for n, day in enumerate(firsts):
        assert abs((day - first).days - weeks * WEEK * n) <= Decimal("0.5")
        assert told.dates[n * count : (n + 1) * count] == days(day, count)


@given(
    first=st.dates(date(2000, 1, 1), date(2090, 1, 1)), count=st.integers(1, 4), weeks=st.decimals(Decimal("0.6"), Decimal(30), places=1)
)
def test_cycles_that_nobody_chose_end_before_the_review_and_are_as_many_as_fit(first: date, count: int, weeks: Decimal) -> None:
    assume(weeks * WEEK >= count)
    told = made(days(first, count), interval_weeks=str(weeks))
    until = (told.review_on - first).days
    assert told.cycles == max(1, int(until // (weeks * WEEK)))
    assert told.cycles == 1 or told.dates[-count] + timedelta(days=int(weeks * WEEK)) <= told.review_on + timedelta(days=1)


@pytest.mark.parametrize(
    ("choices", "severity"),
    [({}, None), ({"cycles": 9}, None), ({"cycles": 10}, "warning"), ({"interval_weeks": 4, "cycles": 7}, "override")],
)
def test_a_series_past_its_review_is_told(choices: dict[str, Any], severity: str | None) -> None:
    found = [f for f in proposed(regimen="cidp-maint", **choices).findings if f.check == "dose.outside-regimen"]
    assert [f.severity for f in found] == ([severity] if severity else [])


@pytest.mark.parametrize("choices", [{}, {"days": 2}, {"cycles": 1}, {"interval_weeks": "3.5", "cycles": 5}, {"days": 4, "cycles": 3}])
def test_the_written_order_holds_every_date_and_the_second_calculation_agrees(choices: dict[str, Any]) -> None:
    proposal = proposed(regimen="cidp-maint", start="2026-03-02", **choices)
    assert proposal.series is not None
    bundle = proposal_bundle(proposal, content(), "https://ivig.example.org/fhir", "0.1.0")
    order = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "MedicationRequest")
    dosage = order["dosageInstruction"][0]
    assert dosage["timing"]["event"] == [d.isoformat() for d in proposal.series.dates]
    assert order["dispenseRequest"]["quantity"]["value"] == proposal.series.total_g
    assert any("Review on Wed 2 Sep 2026" in n["text"] for n in order["note"])
    lines = recompute(order, list(quiet().values()), tables_of(content()), NOW, kept(proposal))
    assert {line.what: line.agrees for line in lines}["Series"] is True
    assert disagreements(lines) == ()
