"""One order on one screen: at 1366 x 768 everything named stands inside the window; nothing overlaps; small, dark and forced screens work."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from browser.a_clinician import ARGUMENTS, CHROMIUM, IN_A_BROWSER, playwright
from browser.a_demo import Demo, shot

pytestmark = IN_A_BROWSER

# Patient and choices; the number of dates, steps and findings differs much between them.
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "overrides in CIDP": ("thrombosis-history", {}),
    "an infant": ("kawasaki-infant", {}),
    "a long name and a long authorization": ("xla-child", {}),
    "laboratory of several years": ("cvid-adult", {}),
    "a diluent and a series of courses": ("sle-adult", {"product": "privigen", "diluent": "d5w"}),
    "adjusted weight": ("cvid-obese", {}),
    "a series": ("cidp-adult", {"regimen": "cidp-maint", "days": 1, "interval_weeks": 3, "cycles": 8}),
    "one rate over hours": ("gbs-adult", {"rate": {"mode": "hours", "hours": "12"}}),
    "many findings": ("mg-crisis-ckd", {}),
}
ESSENTIALS = (
    "order", "dose", "product", "indication", "weights", "supply", "receipt", "overrides", "not-assessed", "warnings", "before", "pump",
    "second", "laboratory", "blood",
)  # fmt: skip
NOTE = "Discussed with haematology on the round; creatinine each morning and enoxaparin are in this order."
RIGHT_OF = (
    "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll'))"
)
BOX = "(e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; }"
OPEN_ALL = "document.querySelectorAll('details').forEach((d) => { d.open = true; })"


@dataclass(frozen=True)
class Box:
    """Where something stands, in pixels of the window."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


def box(locator: Any) -> Box:
    return Box(*locator.evaluate(BOX))


def order(context: Any, demo: Demo, patient: str, chosen: dict[str, Any]) -> str:
    """An order that waits for the pharmacist, made as a script makes it; its run."""
    launched = context.request.get(f"{demo.ehr}/ehr/launch?patient={patient}&user=prescriber")
    session = re.search(r"/s/([^/]+)/", launched.url)
    token = re.search(r'name="csrf_token" value="([^"]+)"', launched.text())
    assert session
    assert token
    base = f"{demo.app}/s/{session[1]}/orders/"
    made = context.request.post(base, form={"csrf_token": token[1]}, headers={"Origin": demo.app})
    run = re.search(r"/orders/([0-9a-f-]{36})/", made.url)
    assert run
    headers = {"Content-Type": "application/json", "Accept": "application/json", "X-CSRF-Token": token[1]}
    proposal = context.request.post(f"{base}{run[1]}/propose", data=json.dumps(chosen), headers=headers).json()["proposal"]
    reasons = [{"check": f["check"], "code": "9", "note": NOTE} for f in proposal["findings"] if f["severity"] == "override"]
    body = json.dumps({"digest": proposal["digest"], "overrides": reasons})
    assert context.request.post(f"{base}{run[1]}/approve", data=body, headers=headers).json()["state"] == "sent"
    return run[1]


@pytest.fixture(scope="module")
def orders(demo: Demo) -> dict[str, str]:
    """Every case as an order, each by a browser of its own."""
    made = {}
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, (patient, chosen) in CASES.items():
            context = browser.new_context()
            made[name] = order(context, demo, patient, chosen)
            context.close()
        browser.close()
    return made


def opened(page: Any, demo: Demo, run: str) -> Any:
    page.goto(f"{demo.ehr}/ehr/launch?user=pharmacist&target=pharmacy")
    page.goto(f"{page.url}{run}/")
    return page


@pytest.mark.parametrize("case", CASES)
def test_every_essential_stands_inside_the_window_nothing_overlaps_and_no_column_scrolls(
    demo: Demo, orders: dict[str, str], page: Any, case: str
) -> None:
    """The list of warnings may, where there are many; the column around it does not, so that nothing else slides out of sight."""
    opened(page, demo, orders[case])
    shot(page, f"pharmacist-{case.replace(' ', '-')}")
    bar = box(page.locator("form.bar"))
    assert bar.bottom <= 768
    for name in ESSENTIALS:
        there = box(page.locator(f"[data-essential='{name}']").first)
        assert there.left >= 0, name
        assert there.top >= 0, name
        assert there.right <= 1366, name
        assert there.bottom <= bar.top + 1, name
    banner = page.locator("header.pt").inner_text()
    for word in ("Born", "MRN", "Weight", "Allergies"):
        assert word in banner
    cards = [box(c) for c in page.locator(".whole .card").all()]
    assert [(a, b) for i, a in enumerate(cards) for b in cards[i + 1 :] if a.overlaps(b)] == []
    assert page.evaluate("scrollY") == 0
    for column in page.locator(".whole > .stack").all():
        assert column.evaluate("(e) => e.scrollHeight - e.clientHeight") <= 1
    for name in ("overrides", "not-assessed", "weights", "supply", "receipt", "pump", "laboratory", "blood", "before", "order"):
        part = page.locator(f"[data-essential='{name}']").first
        assert part.evaluate("(e) => e.scrollHeight - e.clientHeight") <= 1, name


@pytest.mark.parametrize("case", ["many findings", "a series"])
@pytest.mark.parametrize("beside", ["", "steps", "story", "double"])
def test_no_width_needs_scrolling_sideways_even_with_everything_open(
    demo: Demo, orders: dict[str, str], page: Any, case: str, beside: str
) -> None:
    """683 x 384 is the window of 1366 x 768 at 200 %, 320 that of 1280 at 400 %."""
    opened(page, demo, orders[case])
    if beside:
        page.goto(f"{page.url}{beside}")
    page.evaluate(OPEN_ALL)
    for width, height in ((1366, 768), (1024, 768), (390, 844), (320, 640), (683, 384)):
        page.set_viewport_size({"width": width, "height": height})
        shot(page, f"pharmacist-{width}-{beside or case.replace(' ', '-')}", whole=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert beside or page.evaluate(f"{RIGHT_OF}.map((e) => e.outerHTML.slice(0, 120))") == []


def test_the_keyboard_goes_through_the_page_in_the_order_in_which_it_is_read_and_ends_at_verify(
    demo: Demo, orders: dict[str, str], page: Any
) -> None:
    opened(page, demo, orders["many findings"])
    places: list[tuple[int, str]] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "(() => { const e = document.activeElement; if (e === document.body) return null; const all = [...document.querySelectorAll('*')];"
            " const r = e.getBoundingClientRect(); return [all.indexOf(e), e.innerText || e.name || e.tagName, r.bottom > 0 && r.top < innerHeight]; })()"
        )
        if here is None:
            break
        assert here[2], f"focus is out of sight: {here[1]}"
        places.append((here[0], here[1]))
    assert all(a[0] < b[0] for a, b in pairwise(places))
    assert [name for _, name in places][-4:] == ["Reject", "Ask prescriber", "Propose a change", "Verify"]
    assert "Skip to content" in places[0][1]


@pytest.mark.parametrize("setting", [{"color_scheme": "dark"}, {"forced_colors": "active"}, {"contrast": "more"}])
def test_dark_forced_and_strong_colours_keep_every_word(demo: Demo, orders: dict[str, str], setting: dict[str, str]) -> None:
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1366, "height": 768}, **setting).new_page()
        opened(page, demo, orders["many findings"])
        shot(page, f"pharmacist-{next(iter(setting.values()))}")
        for name in ESSENTIALS:
            assert box(page.locator(f"[data-essential='{name}']").first).bottom <= 768, name
        ground, ink = page.evaluate("(() => { const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]; })()")
        assert ground != ink
        browser.close()


def test_pages_and_style_stay_small(demo: Demo, orders: dict[str, str], page: Any) -> None:
    """Style sheets below 14 kB each; the page below 25 kB and 0.75 kB for each finding, which it shows with its evidence."""
    for name in ("style.css", "pharmacist.css"):
        assert len(page.request.get(f"{demo.app}/static/{name}").body()) < 14_336
    for case in CASES:
        opened(page, demo, orders[case])
        findings = page.locator("details[id^='f-']").count()
        assert len(page.content().encode()) < 25_600 + 768 * findings, case
