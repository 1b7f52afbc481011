"""Approved twice, in two tabs, by two people, after Back and after Reload: one order, on either database, by threads that meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from journey.a_hospital import Hospital, Page, Tab, hospital
from journey.test_journey_outbox import second_doctor

CIDP = "cidp-adult"


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hospital]:
    """The hospital, its app's store on either database."""
    settings = {} if request.param == "sqlite" else {"IVIG_DATABASE_URL": request.getfixturevalue("postgres")()}
    with hospital(tmp_path, **settings) as made:
        yield made


def pressed(tab: Tab) -> Callable[[], Page]:
    """The button of a tab as it shows the order now, on a connection of its own."""
    page, url = tab.json, tab.page.url.partition("?")[0]
    headers = {"X-CSRF-Token": page["csrf"], "Accept": "application/json"}
    body = {"digest": page["proposal"]["digest"]}
    return lambda: tab.browser.twin().send("POST", f"{url}approve", json=body, headers=headers)


def together(*acts: Callable[[], Page]) -> list[int]:
    """Everybody presses at one moment; the statuses, sorted."""
    gate = threading.Barrier(len(acts))

    def run(press: Callable[[], Page]) -> int:
        gate.wait()
        return press().status

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


def one_order(at: Hospital) -> bool:
    """One order with its task and its signature, written once."""
    kept = [at.orders(CIDP), at.held("Task", CIDP), at.held("Provenance", CIDP)]
    return [len(found) for found in kept] == [1, 1, 1] and at.orders(CIDP)[0]["meta"]["versionId"] == "1"


def test_pressed_twice_at_one_moment(place: Hospital) -> None:
    press = pressed(place.tab(CIDP))
    assert together(press, press, press) == [200, 409, 409]
    assert one_order(place)


def test_in_two_tabs_of_one_browser(place: Hospital) -> None:
    browser = place.browser()
    one, two = browser.launch(CIDP), browser.launch(CIDP)
    assert (one.run, one.session != two.session) == (two.run, True)
    assert together(pressed(one), pressed(two)) == [200, 409]
    assert one_order(place)


def test_by_two_people_each_with_an_order_of_their_own(place: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    with second_doctor(monkeypatch, place) as other:
        one, two = place.tab(CIDP), place.tab(CIDP, other)
        assert one.run != two.run
        assert together(pressed(one), pressed(two)) == [200, 409]
    assert one_order(place)


def test_by_two_people_on_the_same_order(place: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    with second_doctor(monkeypatch, place) as other:
        one, two = place.tab(CIDP), place.tab(CIDP, other)
        two.go(f"../{one.run}/")
        assert together(pressed(one), pressed(two)) == [200, 409]
    assert one_order(place)


def test_again_after_back(place: Hospital) -> None:
    tab = place.tab(CIDP)
    before = tab.page
    tab.approve()
    tab.page = before
    tab.press("Approve order", acknowledged="yes")
    assert tab.page.status == 409
    assert one_order(place)


def test_again_after_reload_of_the_page_and_of_the_form(place: Hospital) -> None:
    tab = place.tab(CIDP)
    press = pressed(tab)
    assert press().status == 200
    tab.go("./")  # reload leads to the receipt
    assert "Stored as a draft" in tab.page.text
    assert press().status == 409  # the browser sends the same form once more
    tab.go("receipt")
    assert one_order(place)
