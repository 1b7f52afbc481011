"""A server that does not undo a failed transaction: a decision's record and task come after the order, never beside a draft."""

from __future__ import annotations

import json
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


def test_the_task_of_a_decision_follows_the_order_and_what_goes_with_it(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    wire.sent.clear()
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    written = [str(r.url).removeprefix(f"{EHR}/fhir/") for r in wire.sent if r.method in ("PUT", "POST")]
    assert written[-4] == f"MedicationRequest/{at.orders(CIDP)[0]['id']}"
    assert [w.split("/")[0] for w in written[-3:]] == ["RequestGroup", "Provenance", "Task"]
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


class Killed(BaseException):
    """The process ends here."""


def is_the_order(asked: requests.PreparedRequest) -> bool:
    """Whether the order itself is written, and not a medicine that goes with it."""
    if asked.method != "PUT" or "/MedicationRequest/" not in str(asked.url):
        return False
    sent = json.loads(asked.body or b"{}")
    return bool(sent["identifier"][0]["value"] == sent["groupIdentifier"]["value"])


def dies_after_the_order(asked: requests.PreparedRequest, send: Send) -> requests.Response:
    answer = send(asked)
    if is_the_order(asked):
        raise Killed
    return answer


class Dark:
    """The order's own answer gets lost, after it was stored or before; from then on the order cannot be seen."""

    def __init__(self, stores: bool) -> None:
        self.stores, self.lost = stores, False

    def __call__(self, asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if is_the_order(asked):
            self.lost = True
            if self.stores:
                send(asked)
            raise requests.ReadTimeout(request=asked)
        if self.lost and "/MedicationRequest" in str(asked.url):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)


def looked_at_again(at: Hospital, run: str) -> Tab:
    at.clock.forward(minutes=10)
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.go(f"{run}/")
    return pharmacist


def test_a_death_between_the_order_and_its_parts_loses_no_verification(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    wire.fault = dies_after_the_order
    with pytest.raises(Killed):
        pharmacist.press("Verify")
    wire.fault = None
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("active", "draft", "requested")
    at.start()
    again = looked_at_again(at, pharmacist.run)
    assert again.json["state"] == "verified"
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("active", "active", "completed")


def test_a_lost_answer_of_the_order_alone_loses_no_verification(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)
    wire.fault = Dark(stores=True)
    assert pharmacist.press("Verify").status == 504
    wire.fault = None
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("active", "draft", "requested")
    assert looked_at_again(at, pharmacist.run).json["state"] == "verified"
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("active", "active", "completed")


def test_an_order_that_somebody_else_made_active_is_not_taken_for_verified(at: Hospital, wire: Wire) -> None:
    pharmacist = before_the_order(at)

    wire.fault = Dark(stores=False)
    assert pharmacist.press("Verify").status == 504
    wire.fault = None
    at.change(f"MedicationRequest/{at.orders(CIDP)[0]['id']}", status="active")
    again = looked_at_again(at, pharmacist.run)
    assert again.json["state"] == "sent"
    assert "Verify" not in again.page.buttons
    assert statuses(at) == ("draft", "requested")
