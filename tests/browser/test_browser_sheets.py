"""Printed from the browser, on A4 and on Letter: one page for each infusion and one for the verification, whatever the order holds."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from browser.a_clinician import ARGUMENTS, CHROMIUM, IN_A_BROWSER, playwright
from browser.a_demo import SHOTS, Demo
from browser.test_browser_pharmacist import opened, order

pypdfium2 = pytest.importorskip("pypdfium2")
pytestmark = IN_A_BROWSER
# Patient, choices, infusions: what fills a sheet most.
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "a diluent": ("gbs-adult", {"product": "privigen", "diluent": "d5w"}, 5),
    "three vials and four overrides": ("mg-crisis-ckd", {"dose": {"course_g": "175"}, "days": 5}, 5),
    "premedication": (
        "cidp-adult",
        {
            "companions": {
                "premedication-acetaminophen": True,
                "premedication-diphenhydramine": True,
                "premedication-methylprednisolone": True,
            }
        },
        4,
    ),
    "twelve hours in an infant": ("kawasaki-infant", {}, 1),
    "five vials in a child": ("xla-child", {}, 6),
}


def printed(page: Any, name: str, paper: str) -> Any:
    """What the browser prints of the page that is open."""
    document = pypdfium2.PdfDocument(BytesIO(page.pdf(format=paper)))
    SHOTS.mkdir(parents=True, exist_ok=True)
    document[0].render(scale=1.5).to_pil().save(SHOTS / f"{name}-{paper}.png")
    return document


SAMPLE = ("three vials and four overrides", "twelve hours in an infant")  # the fullest and the longest; the others are part of the proof


@pytest.mark.parametrize("case", [c if c in SAMPLE else pytest.param(c, marks=pytest.mark.proof) for c in CASES])
def test_every_sheet_is_one_page_on_a4_and_on_letter(demo: Demo, case: str) -> None:
    patient, chosen, infusions = CASES[case]
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        run = order(browser.new_context(), demo, patient, chosen)
        page = opened(browser.new_context().new_page(), demo, run)
        page.set_default_timeout(15_000)
        page.get_by_role("button", name="Verify").click()
        page.wait_for_load_state()
        base = page.url
        for name, pages in (("sheet", infusions), ("verification", 1)):
            page.goto(f"{base}{name}")
            for paper in ("A4", "Letter"):
                document = printed(page, f"{name}-{case.replace(' ', '-')}", paper)
                assert len(document) == pages, (name, paper)
                texts = [" ".join(p.get_textpage().get_text_bounded().split()) for p in document]
                assert all("if it is down, this is the copy to work from" in text for text in texts), (name, paper)
                document.close()
        browser.close()
