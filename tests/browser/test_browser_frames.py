"""The app in a frame, over https, in a real browser: of its own site, of another site with third-party cookies blocked, and of a stranger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.a_clinician import ARGUMENTS, CHROMIUM, IN_A_BROWSER, approve, playwright
from browser.a_place_over_https import Place, by_its_other_name, place

PATIENT = "mg-crisis-ckd"

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """App, EHR and stranger."""
    with place(tmp_path_factory.mktemp("https")) as made:
        yield made


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    """A page of a fresh browser that blocks third-party cookies, as its user may have chosen."""
    (tmp_path / "Default").mkdir()
    chosen = {"profile": {"cookie_controls_mode": 1, "block_third_party_cookies": True}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(chosen), encoding="utf-8")
    with playwright.sync_playwright() as engine:
        context = engine.chromium.launch_persistent_context(
            str(tmp_path), executable_path=CHROMIUM, args=ARGUMENTS, ignore_https_errors=True, viewport={"width": 1366, "height": 900}
        )
        context.set_default_timeout(20_000)
        yield context.new_page()
        context.close()


def to_a_stored_order(page: Any) -> Any:
    """From the EHR's button to the receipt, all of it in the frame."""
    page.get_by_role("button", name="IVIG order set").click()
    app = page.frame_locator("#app")
    app.locator("header.pt").wait_for()
    approve(app)
    return app


def cookies_of(page: Any) -> list[dict[str, Any]]:
    """The app's cookies as the browser's own store has them: the partition is not in what a page can ask."""
    session = page.context.new_cdp_session(page)
    found: list[dict[str, Any]] = session.send("Storage.getCookies")["cookies"]
    return [c for c in found if "ivig_" in c["name"]]


def test_the_browser_of_these_tests_does_block_third_party_cookies(at: Place, page: Any) -> None:
    """The control: in a frame of another site a cookie without a partition is lost; at top level neither is."""
    page.goto(f"{by_its_other_name(at.stranger)}/?src={at.stranger}/set")
    playwright.expect(page.frame_locator("iframe").locator("#got")).to_have_text("partitioned")
    page.goto(f"{at.stranger}/set")
    playwright.expect(page.locator("#got")).to_have_text("partitioned plain")


def test_in_a_frame_of_another_site_with_third_party_cookies_blocked_an_order_is_stored(at: Place, page: Any) -> None:
    page.goto(f"{by_its_other_name(at.ehr)}/ehr?patient={PATIENT}")
    to_a_stored_order(page)
    cookies = cookies_of(page)
    assert {c["name"] for c in cookies if c["path"] == "/"} == {"__Host-ivig_browser"}
    assert {(c["secure"], c["httpOnly"], c["sameSite"]) for c in cookies} == {(True, True, "None")}
    top = {c["partitionKey"]["topLevelSite"] for c in cookies}
    assert {site.partition(":")[2] for site in top} == {"//localhost"}
    assert page.frame(name="app").evaluate("document.cookie") == ""


def test_in_a_frame_of_the_same_site_an_order_is_stored(at: Place, page: Any) -> None:
    page.goto(f"{at.ehr}/ehr?patient={PATIENT}")
    to_a_stored_order(page)


def test_what_was_opened_in_a_frame_is_not_open_in_a_window(at: Place, page: Any) -> None:
    """A partitioned cookie belongs to the site on top: the address alone opens nothing, and a new window signs in anew."""
    page.goto(f"{by_its_other_name(at.ehr)}/ehr?patient={PATIENT}")
    page.get_by_role("button", name="IVIG order set").click()
    page.frame_locator("#app").locator("header.pt").wait_for()
    stolen = page.context.new_page()
    stolen.goto(page.frame(name="app").url)
    playwright.expect(stolen.locator("h1")).to_contain_text("Your EHR session has ended.")
    with page.expect_popup() as opened:
        page.locator("#launch button[value=orders][formtarget=_blank]").click()
    playwright.expect(opened.value.locator("header.pt")).to_be_visible()


def test_a_host_that_is_not_in_the_issuer_table_gets_no_page_into_its_frame(at: Place, page: Any) -> None:
    page.goto(f"{at.ehr}/ehr/launch?patient={PATIENT}&user=prescriber")
    review = page.url
    assert "/orders/" in review
    for address in (review, f"{at.app}/", f"{at.app}/launch?iss={at.ehr}/fhir", f"{at.app}/nowhere"):
        for host in (at.stranger, by_its_other_name(at.stranger)):
            with page.expect_console_message(lambda m: "frame-ancestors" in m.text):
                page.goto(f"{host}/?src={address}")
            assert page.frame_locator("iframe").locator("h1", has_text="IVIG").count() == 0, address
            assert not [f.url for f in page.frames if f.url.startswith(at.app)], address


def test_no_page_of_the_journey_breaks_its_own_policy(at: Place, page: Any) -> None:
    said: list[str] = []
    page.context.on("console", lambda m: said.append(m.text) if m.type == "error" and "favicon" not in str(m.location) else None)
    page.goto(f"{at.ehr}/ehr/launch?patient={PATIENT}&user=prescriber")
    page.locator("header.pt").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    page.goto(f"{at.app}/launch")
    assert [text for text in said if "400" not in text] == []
