"""The whole journey in a real browser, against the demo as anybody starts it: chart page, frame or window, order, pharmacist, chart page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browser.a_clinician import IN_A_BROWSER, approve, playwright
from browser.a_demo import Demo, shot

pytestmark = IN_A_BROWSER


# ── What a clinician does on a page of the app, in a frame or in a window of its own ─────────────────────────────────


def change_the_dose(view: Any, per_kg: str) -> None:
    view.locator("#choices summary", has_text="Dose").click()
    view.locator("#x-per_kg").fill(per_kg)
    view.locator("#choices details[open]", has=view.locator("#x-per_kg")).get_by_role("button", name="Recalculate").click()
    view.locator(".eq", has_text=f"{per_kg} g/kg").first.wait_for()


def verify(view: Any, run: str) -> None:
    view.locator(f"a[href$='/{run}/']").click()
    playwright.expect(view.locator("#sc")).to_contain_text("Second calculation agrees")
    view.get_by_role("button", name="Verify").click()
    view.get_by_role("link", name="Infusion sheet").wait_for()


def run_of(url: str) -> str:
    found = re.search(r"/orders/([0-9a-f-]{36})/", url)
    assert found, url
    return found[1]


def sign_in_as(page: Any, who: str) -> None:
    """The EHR's own menu of users; its script changes user at once."""
    page.locator("#user").select_option(who)
    page.wait_for_url(f"**user={who}*")


# ── The journeys ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_in_the_frame_of_the_chart_page_from_the_button_to_an_active_order(demo: Demo, page: Any) -> None:
    page.goto(f"{demo.ehr}/ehr?patient=mg-crisis-ckd")
    shot(page, "ehr-1-chart", whole=True)
    page.get_by_role("button", name="IVIG order set").click()
    app = page.frame_locator("#app")
    before = app.locator(".big").first.inner_text()
    shot(page, "ehr-2-review-in-the-frame", whole=True)
    change_the_dose(app, "1")
    assert app.locator(".big").first.inner_text() != before
    approve(app)
    run = run_of(page.frame(name="app").url)
    playwright.expect(page.locator("#activity")).to_contain_text("draft order")
    shot(page, "ehr-3-receipt-in-the-frame", whole=True)

    sign_in_as(page, "pharmacist")
    page.get_by_role("button", name="Pharmacy worklist", exact=True).click()
    shot(page, "ehr-4-worklist-in-the-frame", whole=True)
    verify(page.frame_locator("#app"), run)
    playwright.expect(page.locator("#activity")).to_contain_text("active order")
    playwright.expect(page.locator("#activity")).to_contain_text("completed")
    page.get_by_role("link", name="Refresh").click()
    shot(page, "ehr-5-active-order", whole=True)

    token = page.request.get(f"{demo.ehr}/ehr/token?user=nurse&patient=mg-crisis-ckd").json()["access_token"]
    found = page.request.get(
        f"{demo.ehr}/fhir/MedicationRequest?patient=mg-crisis-ckd&identifier=urn:uuid:{run}", headers={"Authorization": f"Bearer {token}"}
    ).json()
    assert [e["resource"]["status"] for e in found["entry"]] == ["active"]


def test_in_a_window_of_its_own_from_the_button_to_the_infusion_sheet(demo: Demo, page: Any) -> None:
    page.goto(f"{demo.ehr}/ehr?patient=cidp-adult")
    with page.expect_popup() as opened:
        page.locator("#launch button[value=orders][formtarget=_blank]").click()
    window = opened.value
    window.locator(".big").first.wait_for()
    shot(window, "window-1-review")
    approve(window)
    shot(window, "window-2-receipt")
    run = run_of(window.url)
    sign_in_as(page, "pharmacist")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Pharmacy worklist in a new window").click()
    pharmacy = opened.value
    shot(pharmacy, "window-3-worklist")
    pharmacy.locator(f"a[href$='/{run}/']").click()
    shot(pharmacy, "window-4-pharmacist")
    pharmacy.get_by_role("button", name="Verify").click()
    pharmacy.get_by_role("link", name="Infusion sheet").click()
    playwright.expect(pharmacy.locator("h1").first).to_contain_text("IVIG infusion sheet")
    shot(pharmacy, "window-5-sheet", whole=True)


def test_the_worklist_is_filtered_and_refreshed_in_place_and_walked_with_the_arrow_keys(demo: Demo, page: Any) -> None:
    def approved(patient: str) -> None:
        window = page.context.new_page()
        window.goto(f"{demo.ehr}/ehr/launch?patient={patient}&user=prescriber")
        approve(window)
        window.close()

    approved("xla-child")
    page.goto(f"{demo.ehr}/ehr/launch?user=pharmacist&target=pharmacy")
    page.evaluate("window.sameDocument = true")
    rows = page.locator("#worklist tbody tr")
    before = rows.count()
    approved("gbs-adult")
    page.get_by_role("link", name="Refresh").click()
    playwright.expect(rows).to_have_count(before + 1)
    page.get_by_label("Patient or record number").fill("fictor")
    playwright.expect(rows).to_have_count(1)
    playwright.expect(rows).to_contain_text("FICTOR, Lars")
    page.get_by_label("Patient or record number").fill("")
    playwright.expect(rows).to_have_count(before + 1)
    assert page.evaluate("window.sameDocument") is True
    rows.nth(0).locator("th a").focus()
    page.keyboard.press("ArrowDown")
    playwright.expect(rows.nth(1).locator("th a")).to_be_focused()
    page.keyboard.press("ArrowUp")
    playwright.expect(rows.nth(0).locator("th a")).to_be_focused()
    page.keyboard.press("End")
    playwright.expect(rows.last.locator("th a")).to_be_focused()
    name = rows.last.locator("th a").inner_text()
    page.evaluate("document.getElementById('refresh').click()")
    page.wait_for_function("document.activeElement.closest('#worklist') !== null")
    playwright.expect(page.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Home")
    playwright.expect(rows.nth(0).locator("th a")).to_be_focused()
    page.keyboard.press("Escape")
    playwright.expect(page.get_by_label("Patient or record number")).to_be_focused()
    page.keyboard.type("nobody of this name")
    playwright.expect(rows).to_have_count(1)
    playwright.expect(rows).to_contain_text("that the filters let through")
    page.keyboard.press("Escape")
    playwright.expect(page.get_by_label("Patient or record number")).to_have_value("")
    playwright.expect(rows).to_have_count(before + 1)


def test_two_charts_in_two_windows_of_one_browser_stay_apart(demo: Demo, page: Any) -> None:
    windows = []
    for patient in ("cvid-adult", "itp-bleeding"):
        page.goto(f"{demo.ehr}/ehr?patient={patient}")
        with page.expect_popup() as opened:
            page.locator("#launch button[value=orders][formtarget=_blank]").click()
        windows.append(opened.value)
    for window, number, other in ((windows[0], "SYN-0761", "itp"), (windows[1], "SYN-", "cvid"), (windows[0], "SYN-0761", "itp")):
        window.reload()
        playwright.expect(window.locator("header.pt")).to_contain_text(number)
        assert other not in window.url
    assert windows[0].locator("header.pt").inner_text() != windows[1].locator("header.pt").inner_text()


def test_a_frame_on_another_site_gets_no_cookie_and_offers_a_window_that_works(demo: Demo, page: Any) -> None:
    """127.0.0.1 and localhost are two sites to a browser, so that a Lax cookie does not go into the frame; two ports of one host are one."""
    page.goto(f"{demo.ehr.replace('127.0.0.1', 'localhost')}/ehr?patient=cidp-adult")
    page.get_by_role("button", name="IVIG order set").click()
    app = page.frame_locator("#app")
    playwright.expect(app.locator("h1")).to_contain_text("Your browser blocked the cookie")
    shot(page, "frame-without-cookies", whole=True)
    with page.expect_popup() as opened:
        app.get_by_role("link", name="Open in a new window").click()
    playwright.expect(opened.value.locator("header.pt")).to_contain_text("SYN-0412")


def test_the_frames_cookies_are_the_apps_own_and_no_script_reads_them(demo: Demo, page: Any) -> None:
    page.goto(f"{demo.ehr}/ehr?patient=cidp-adult")
    page.get_by_role("button", name="IVIG order set").click()
    page.frame_locator("#app").locator("header.pt").wait_for()
    cookies = [c for c in page.context.cookies() if c["name"].startswith("ivig_")]
    assert {(c["httpOnly"], c["sameSite"], c["secure"]) for c in cookies} == {(True, "Lax", False)}
    assert len([c for c in cookies if c["path"].startswith("/s/")]) == 1
    assert page.frame(name="app").evaluate("document.cookie") == ""


@pytest.mark.parametrize("patient", ["ivig-allergy", "ra-adult", "no-weight"])
def test_a_stopped_order_shows_why_and_offers_no_button(demo: Demo, page: Any, patient: str) -> None:
    page.goto(f"{demo.ehr}/ehr/launch?patient={patient}&user=prescriber")
    shot(page, f"stopped-{patient}")
    assert "Hard stop" in page.locator("main").inner_text()
    assert page.get_by_role("button", name="Approve order").count() == 0


def test_a_stranger_is_refused_with_a_sentence_and_a_reference(demo: Demo, page: Any) -> None:
    answer = page.request.get(f"{demo.ehr}/ehr/launch?patient=cidp-adult&user=stranger")
    assert answer.status == 403
    assert "Reference" in answer.text()
    assert "Traceback" not in answer.text()


# ── The review page, press by press, and on small screens ────────────────────────────────────────────────────────────


def test_the_review_page_answers_each_press(demo: Demo, page: Any) -> None:
    page.goto(f"{demo.ehr}/ehr/launch?patient=mg-crisis-ckd&user=prescriber")
    page.get_by_label("Or type the dose as you would say it").fill("150 g for 5 days")
    page.get_by_role("button", name="Read dose").click()
    assert "Is 150 g the dose of each day, or that of the whole course?" in page.get_by_role("alert").inner_text()
    shot(page, "dose-question")
    page.get_by_role("button", name="30 g each day, on 5 days").click()
    assert page.locator(".big").inner_text().startswith("30")
    assert "30 g each day, on 5 days" in page.locator("#dif").locator("xpath=../..").inner_text()
    shot(page, "dose-changed")
    page.get_by_role("button", name="Undo").first.click()
    row = page.locator("#f-b02")
    row.locator("summary").first.click()
    row.get_by_label("Cap the rate at, mg/kg/min").fill("2")
    row.get_by_role("button", name="Cap the rate").click()
    assert "The rate is capped" in page.locator("main").inner_text()
    shot(page, "capped")
    page.locator("summary", has_text="Products compared").click()
    page.get_by_role("button", name="Switch to Privigen").click()
    assert "Privigen" in page.locator(".facts").first.inner_text()
    shot(page, "switched")


@pytest.mark.parametrize("patient", ["mg-crisis-ckd", "iga-anti-iga", "ivig-allergy"])
def test_no_page_is_wider_than_the_screen_even_with_everything_open(demo: Demo, page: Any, patient: str) -> None:
    page.goto(f"{demo.ehr}/ehr/launch?patient={patient}&user=prescriber")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for width in (1366, 1024, 390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        shot(page, f"width-{width}-{patient}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert all(tile.evaluate("(e) => e.scrollWidth <= e.clientWidth") for tile in page.locator(".days li").all())
