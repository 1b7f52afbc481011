"""What a clinician does in a real browser, in a frame or in a window of its own; and the browser."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
IN_A_BROWSER = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; `make test` installs it")]


def give_reasons(view: Any) -> None:
    """A reason for every finding that waits for one."""
    waiting = view.locator("form", has=view.get_by_role("button", name="Save reason"))
    for left in range(waiting.count(), 0, -1):
        form = waiting.first
        form.locator("select").select_option("9")
        form.locator("textarea").fill("Discussed with nephrology; monitoring is in this order.")
        form.get_by_role("button", name="Save reason").click()
        playwright.expect(waiting).to_have_count(left - 1)


def approve(view: Any) -> None:
    """Reasons, what was not assessed, the button, and the draft in the EHR."""
    give_reasons(view)
    if view.locator("#ack").count():
        view.locator("#ack").check()
    view.get_by_role("button", name="Approve order").click()
    playwright.expect(view.locator("h1")).to_contain_text("Stored as a draft")
