"""The demo for every test in a browser, and a page that fails its test when the browser complains."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.a_clinician import ARGUMENTS, CHROMIUM, playwright
from browser.a_demo import Demo, running


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, started once for a module."""
    with running(tmp_path_factory.mktemp("var")) as made:
        yield made


@pytest.fixture
def page(demo: Demo) -> Iterator[Any]:
    """A page of a fresh browser; anything that it or a window of it complains about fails the test."""
    complaints: list[str] = []

    def listen(opened: Any) -> None:
        opened.set_default_timeout(15_000)
        opened.on("console", lambda m: complaints.append(m.text) if m.type == "error" and "favicon" not in str(m.location) else None)
        opened.on("pageerror", lambda e: complaints.append(str(e)))

    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        context.on("page", listen)
        yield context.new_page()
        browser.close()
    assert complaints == []
