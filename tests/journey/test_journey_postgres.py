"""The same journey with the app's store on PostgreSQL: an order to its end, and a double click that meets in the database."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from journey.a_hospital import hospital

CIDP = "cidp-adult"


def test_an_order_is_approved_once_and_verified_on_postgresql(tmp_path: Path, postgres: Callable[[], str]) -> None:
    with hospital(tmp_path, IVIG_DATABASE_URL=postgres()) as at:
        tab = at.tab(CIDP)
        page, url, browser = tab.json, tab.page.url, tab.browser
        headers = {"X-CSRF-Token": page["csrf"], "Accept": "application/json"}

        def press(_: int) -> int:
            return browser.twin().send("POST", f"{url}approve", json={"digest": page["proposal"]["digest"]}, headers=headers).status

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(press, range(4)))
        assert answers.count(200) == 1
        assert len(at.orders(CIDP)) == 1
        at.start()
        pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
        pharmacist.follow("SAMPLETON")
        pharmacist.press("Verify")
        assert pharmacist.json["state"] == "verified"
        assert [o["status"] for o in at.orders(CIDP)] == ["active"]
