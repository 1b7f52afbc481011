"""A server that does not undo a failed transaction: a decision puts the order first and alone, so that nothing stands beside a draft."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from an_ehr_server import Send, Wire
from journey.a_hospital import EHR, ROOT, Hospital, Tab, hospital

from ivig_fhir.sandbox.adapter import SandboxAdapter

CIDP = "cidp-adult"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Hospital]:
    """The demo, its EHR taken for one that keeps what a failed transaction stored."""
    table = tmp_path / "issuers.toml"
    text = (ROOT / "issuers.toml").read_text(encoding="utf-8")
    assert '\nprofile = "generic"\n' in text
    table.write_text(text.replace('\nprofile = "generic"\n', '\nprofile = "medplum"\n'), encoding="utf-8")
    with hospital(tmp_path, issuers=table) as made:
        yield made


@pytest.fixture
def wire(at: Hospital) -> Wire:
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


def before_the_order(at: Hospital) -> Tab:
    at.tab(CIDP).approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    return pharmacist


def statuses(at: Hospital) -> tuple[str, ...]:
    return tuple(str(at.held(type_, CIDP)[0]["status"]) for type_ in ("RequestGroup", "Task"))


def test_the_order_is_the_first_thing_that_a_decision_writes(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    wire.sent.clear()
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    written = [str(r.url).removeprefix(f"{EHR}/fhir/").split("/")[0] for r in wire.sent if r.method in ("PUT", "POST")]
    assert written == ["MedicationRequest", "RequestGroup", "Provenance", "Task"]
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("active", "active", "completed")


def test_an_order_that_changed_in_the_last_moment_leaves_its_task_open(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    reference = f"MedicationRequest/{at.orders(CIDP)[0]['id']}"

    def faster(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "PUT" and reference in str(asked.url):
            at.change(reference, priority="urgent")
        return send(asked)

    wire.fault = faster
    pharmacist.press("Verify")
    wire.fault = None
    assert pharmacist.page.status == 409
    assert "changed in the EHR" in pharmacist.page.text
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("draft", "draft", "requested")
    pharmacist.go("./")
    pharmacist.press("Verify")
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("active", "active", "completed")
