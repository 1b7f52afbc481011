"""A record full of words that are programs, in a real browser: nothing runs, nothing is even refused, for nothing of it is a program any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from attacks.a_hostile_word import planted
from browser.a_clinician import ARGUMENTS, CHROMIUM, IN_A_BROWSER, playwright
from browser.a_place_over_https import Place, place

from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.sandbox import cast
from ivig_fhir.sandbox.settings import CAST

PATIENT = "mg-crisis-ckd"

pytestmark = IN_A_BROWSER


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """App and EHR, whose record of one patient is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    with place(folder) as made:
        chart = planted(decode(encode(next(m.bundle for m in cast.read(CAST, datetime.now(UTC)) if m.id == PATIENT))))
        assert b"onerror=xss()" in encode(chart)
        told = requests.post(f"{made.ehr}/ehr/patients", data=encode(chart), timeout=30, verify=str(folder / "certificate.pem"))
        assert told.status_code == 201, told.text
        yield made


def test_no_word_of_a_record_runs_or_has_to_be_stopped_by_the_policy(at: Place) -> None:
    said: list[str] = []
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1366, "height": 900})
        context.on("console", lambda m: said.append(m.text) if "Content Security Policy" in m.text or "xss" in m.text else None)
        page: Any = context.new_page()
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.add_init_script("window.ran = 0; window.xss = () => { window.ran += 1; };")
        page.goto(f"{at.ehr}/ehr/launch?patient={PATIENT}&user=prescriber")
        page.locator("header.pt").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert "xss" in page.locator("body").inner_text()
        assert page.evaluate("window.ran") == 0
        for where in ("/ehr?patient=" + PATIENT, "/ehr/launch?target=pharmacy&user=pharmacist"):
            page.goto(at.ehr + where)
            assert page.evaluate("window.ran") == 0
        browser.close()
    assert said == []
