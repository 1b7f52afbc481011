"""How long and how often a read is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ivig_fhir.ehr.retry import Patience, retry_after

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 0 ", 0.0),
        ("Mon, 02 Mar 2026 09:00:07 GMT", 7.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def patience(slept: list[float], **changes: float) -> Patience:
    chance = changes.pop("chance", 0.0)
    return Patience(clock=lambda: 100.0, now=lambda: NOW, sleep=slept.append, chance=lambda: chance, **changes)  # type: ignore[arg-type]


def test_a_server_that_asks_for_hours_is_waited_for_five_seconds() -> None:
    slept: list[float] = []
    assert patience(slept).wait(0, {"retry-after": "9999"}, 200.0)
    assert slept == [5.0]


def test_without_retry_after_the_waits_double_and_chance_spreads_them() -> None:
    slept: list[float] = []
    waiting = patience(slept, chance=0.5)
    assert waiting.wait(0, {}, 200.0)
    assert waiting.wait(1, {}, 200.0)
    assert slept == [0.375, 0.75]


def test_a_third_retry_is_never_made() -> None:
    slept: list[float] = []
    assert not patience(slept).wait(2, {}, 200.0)
    assert slept == []


@pytest.mark.parametrize(("end", "waits"), [(103.0, False), (103.1, True)])
def test_no_wait_is_begun_that_the_deadline_would_cut(end: float, waits: bool) -> None:
    slept: list[float] = []
    assert patience(slept).wait(0, {"retry-after": "3"}, end) is waits
    assert bool(slept) is waits


def test_a_read_ends_at_its_own_total_or_at_an_earlier_deadline() -> None:
    assert patience([]).until() == 120.0
    assert patience([]).until(110.0) == 110.0
    assert patience([]).until(500.0) == 120.0
