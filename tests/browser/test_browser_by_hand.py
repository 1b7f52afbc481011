"""An order that goes by hand, in a real browser: the button that copies the whole of it, in a window and in the EHR's frame; and the paper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.a_clinician import ARGUMENTS, CHROMIUM, IN_A_BROWSER, give_reasons, playwright
from browser.a_place_over_https import Place, by_its_other_name, place

NOT_IN_EHR = "Not in the EHR: enter this order by hand."

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """App and an EHR that is known to take no order from an app."""
    with place(tmp_path_factory.mktemp("by-hand"), profile="oracle") as made:
        yield made


@pytest.mark.parametrize(("framed", "patient"), [(False, "mg-crisis-ckd"), (True, "cidp-adult")])
def test_one_press_copies_the_whole_order_and_the_paper_says_what_it_is_not(at: Place, framed: bool, patient: str) -> None:
    complaints: list[str] = []
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1366, "height": 900})
        context.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        page: Any = context.new_page()
        if framed:
            page.goto(f"{by_its_other_name(at.ehr)}/ehr?patient={patient}")
            page.get_by_role("button", name="IVIG order set").click()
        else:
            page.goto(f"{at.ehr}/ehr/launch?patient={patient}&user=prescriber")
        view = page.frame_locator("#app") if framed else page
        view.locator("header.pt").wait_for()
        give_reasons(view)
        view.get_by_role("button", name="Approve and copy order").click()
        playwright.expect(view.locator("h1")).to_contain_text("Approved, not in the EHR")
        whole = view.locator("#order-text").input_value()
        view.get_by_role("button", name="Copy", exact=True).click()
        playwright.expect(view.locator("#copied")).to_have_text("Copied.")
        assert NOT_IN_EHR in whole
        if framed:  # the EHR's own page takes what was copied
            page.evaluate("document.body.append(document.createElement('textarea'))")
            page.locator("body > textarea").focus()
            page.keyboard.press("Control+V")
            assert page.locator("body > textarea").input_value() == whole
        view.get_by_role("link", name="Print").click()
        playwright.expect(view.locator("article.hand")).to_contain_text(NOT_IN_EHR)
        browser.close()
    assert complaints == []
