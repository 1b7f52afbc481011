"""The whole journey in a real browser, against the demo as anybody starts it: chart page, review, approval, receipt, verification."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api")
ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "var" / "screenshots"
CHROMIUM = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; `make test` installs it")]


@dataclass(frozen=True)
class Demo:
    app: str
    ehr: str


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`ivig-fhir demo` as a process of its own; it says when both servers listen."""
    app, ehr, var = free_port(), free_port(), tmp_path_factory.mktemp("var")
    command = [sys.executable, "-m", "ivig_fhir.cli", "demo", "--app-port", str(app), "--ehr-port", str(ehr), "--var", str(var)]
    env = {k: v for k, v in os.environ.items() if not k.startswith("IVIG_")}
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
    assert process.stdout is not None
    said = [process.stdout.readline(), process.stdout.readline()]
    assert said[0].split() == ["App", f"http://127.0.0.1:{app}"], said
    yield Demo(f"http://127.0.0.1:{app}", f"http://127.0.0.1:{ehr}")
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=20)


@pytest.fixture
def page(demo: Demo) -> Iterator[object]:
    """A page of a fresh browser; anything that it complains about fails the test."""
    complaints: list[str] = []
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        opened = browser.new_context(viewport={"width": 1024, "height": 700}).new_page()
        opened.on("console", lambda m: complaints.append(m.text) if m.type == "error" and "favicon" not in str(m.location) else None)
        opened.on("pageerror", lambda e: complaints.append(str(e)))
        yield opened
        browser.close()
    assert complaints == []


def shot(page: object, name: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")  # type: ignore[attr-defined]


def test_from_the_chart_page_to_an_active_order(demo: Demo, page) -> None:  # type: ignore[no-untyped-def]
    page.goto(f"{demo.ehr}/ehr/launch?patient=mg-crisis-ckd&user=prescriber")
    assert "g" in page.locator(".big").first.inner_text()
    before = page.locator(".big").first.inner_text()
    shot(page, "review")
    _change_the_dose(page, "2")
    assert page.locator(".big").first.inner_text() != before
    assert "2 g/kg" in page.locator(".eq").first.inner_text()
    _give_reasons(page)
    shot(page, "ready")
    if page.locator("#ack").count():
        page.check("#ack")
    page.get_by_role("button", name="Approve order").click()
    page.wait_for_url("**/receipt")
    assert "Stored as a draft" in page.locator("h1").inner_text()
    shot(page, "receipt")
    run = page.url.split("/orders/")[1].split("/")[0]
    page.goto(f"{demo.ehr}/ehr/launch?patient=mg-crisis-ckd&user=pharmacist&target=pharmacy")
    shot(page, "worklist")
    page.set_viewport_size({"width": 1366, "height": 768})
    page.locator(f"a[href='{run}/']").click()
    assert "Second calculation agrees" in page.locator("#sc").inner_text()
    shot(page, "pharmacist")
    page.get_by_role("button", name="Verify").click()
    page.get_by_role("link", name="Infusion sheet").click()
    shot(page, "sheet")
    assert "Infusion sheet" in page.locator("h1").first.inner_text()
    orders = page.request.get(f"{demo.ehr}/ehr/token?user=prescriber&patient=mg-crisis-ckd").json()
    found = page.request.get(
        f"{demo.ehr}/fhir/MedicationRequest?patient=mg-crisis-ckd&identifier=urn:uuid:{run}",
        headers={"Authorization": f"Bearer {orders['access_token']}"},
    ).json()
    assert [e["resource"]["status"] for e in found["entry"] if e["resource"]["resourceType"] == "MedicationRequest"] == ["active"]


def _change_the_dose(page, per_kg: str) -> None:  # type: ignore[no-untyped-def]
    page.locator("#choices summary", has_text="Dose").click()
    page.fill("#x-per_kg", per_kg)
    with page.expect_navigation():
        page.locator("#choices details[open]", has=page.locator("#x-per_kg")).get_by_role("button", name="Recalculate").click()


def _give_reasons(page) -> None:  # type: ignore[no-untyped-def]
    while page.locator("article.f.need form").count():
        form = page.locator("article.f.need form").first
        form.locator("select").select_option("9")
        form.locator("textarea").fill("Discussed with nephrology; monitoring is in this order.")
        with page.expect_navigation():
            form.get_by_role("button", name="Save reason").click()


@pytest.mark.parametrize(("patient", "said"), [("ivig-allergy", "Hard stop"), ("ra-adult", "Hard stop"), ("no-weight", "Hard stop")])
def test_a_stopped_order_shows_why_and_offers_no_button(demo: Demo, page, patient: str, said: str) -> None:  # type: ignore[no-untyped-def]
    page.goto(f"{demo.ehr}/ehr/launch?patient={patient}&user=prescriber")
    shot(page, f"stopped-{patient}")
    assert said in page.locator("main").inner_text()
    assert page.get_by_role("button", name="Approve order").count() == 0


def test_a_stranger_is_refused_with_a_sentence_and_a_reference(demo: Demo, page) -> None:  # type: ignore[no-untyped-def]
    answer = page.request.get(f"{demo.ehr}/ehr/launch?patient=cidp-adult&user=stranger")
    assert answer.status == 403
    assert "Reference" in answer.text()
    assert "Traceback" not in answer.text()
