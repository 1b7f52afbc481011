"""Each fault of the EHR through the whole path: what the user sees, what the EHR holds, exactly one order, nothing lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import EHR, Hospital, Tab

from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.sandbox.faults import FAULTS

MG = "mg-crisis-ckd"
WHOLE = {"MedicationRequest", "ServiceRequest", "DetectedIssue", "RequestGroup", "Provenance", "Task"}


def verified(at: Hospital, patient: str = MG) -> Tab:
    """A pharmacist, whose EHR behaves, verifies the only order there is."""
    pharmacist = at.tab(patient, "pharmacist", target="pharmacy")
    assert "1 order, most urgent first" in pharmacist.page.text
    pharmacist.go(f"{at.orders(patient)[0]['groupIdentifier']['value'].removeprefix('urn:uuid:')}/")
    pharmacist.press("Verify")
    return pharmacist


def the_answer_is_lost_and_the_order_is_found_not_sent_again(at: Hospital) -> None:
    tab = at.tab(MG, fault="timeout-after-commit")
    tab.approve()
    assert "Stored as a draft" in tab.page.text
    assert "Send" not in " ".join(tab.page.buttons)
    assert {p["state"] for p in tab.json["receipt"]["parts"]} == {"stored"}
    assert {t for t in WHOLE if at.held(t, MG)} == WHOLE
    assert all(r["meta"]["versionId"] == "1" for t in WHOLE for r in at.held(t, MG))
    assert verified(at).json["state"] == "verified"


def less_may_be_read_and_written_and_both_are_said(at: Hospital) -> None:
    tab = at.tab(MG, fault="narrowed-scopes")
    assert "Allergies could not be read" in tab.page.text
    assert "The EHR did not grant this app to search AllergyIntolerance." in tab.page.text
    assert "Not stored in the EHR: DetectedIssue, Provenance." in tab.page.text
    proposal = tab.json["proposal"]
    assert "hypersensitivity.severe-reaction" in {n["check"] for n in proposal["not_assessed"] if n["reason"] == "not-permitted"}
    assert not {c for c in proposal["clear"] if c.startswith("hypersensitivity.") and "iga" not in c}
    tab.approve()
    assert "Stored as a draft" in tab.page.text
    assert {t for t in WHOLE if at.held(t, MG)} == WHOLE - {"DetectedIssue", "Provenance"}
    assert verified(at).json["state"] == "verified"


def the_parts_are_written_one_by_one(at: Hospital) -> None:
    tab = at.tab(MG, fault="no-transaction")
    assert "The EHR takes no transactions: the order is stored first, then its parts one by one." in tab.page.text
    tab.approve()
    assert "Stored as a draft" in tab.page.text
    receipt = tab.json["receipt"]
    assert (receipt["mode"], {p["state"] for p in receipt["parts"]}) == ("sequential", {"stored"})
    assert {t for t in WHOLE if at.held(t, MG)} == WHOLE
    assert verified(at).json["state"] == "verified"


def what_the_ehr_drops_is_named_and_the_order_cannot_be_verified(at: Hospital) -> None:
    tab = at.tab(MG, fault="drops-rate")
    tab.approve()
    assert "Lost or changed: Pump rate, lowest and highest, Rate steps, Dosing weight and policy." in tab.page.text
    assert tab.json["state"] == "incomplete"
    lost = {line["field"] for line in tab.json["receipt"]["lines"] if line["result"] == "lost" and line["essential"]}
    assert lost == {"Pump rate, lowest and highest", "Rate steps", "Dosing weight and policy"}
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    pharmacist.go(f"{tab.run}/")
    assert "Verify" not in pharmacist.page.buttons
    refused = pharmacist.post("verify", {"digest": pharmacist.json["digest"]})
    assert (refused.status, "lacks something essential" in refused.json["error"]["message"]) == (409, True)
    assert pharmacist.post("reject", {"digest": pharmacist.json["digest"], "code": "other", "note": "No rate."}).status == 200
    assert [o["status"] for o in at.orders(MG)] == ["cancelled"]
    assert "A pharmacist rejected the order" in tab.go("receipt").text


def every_page_of_the_chart_counts(at: Hospital) -> None:
    whole, paged = at.tab(MG), at.tab(MG, fault="page-size-2")
    assert whole.run == paged.run
    one, two = whole.json["proposal"], paged.json["proposal"]
    assert one["digest"] == two["digest"]
    assert {f["check"] for f in two["findings"]} >= {"renal.reduced-function", "renal.nephrotoxic-drugs"}
    paged.approve()
    assert "Stored as a draft" in paged.page.text
    assert verified(at).json["state"] == "verified"


def a_session_outlives_its_tokens(at: Hospital) -> None:
    tab = at.tab(MG, fault="short-tokens")
    at.clock.forward(minutes=10)
    tab.approve()
    assert "Stored as a draft" in tab.page.text
    at.clock.forward(minutes=10)
    assert tab.go("receipt").status == 200
    assert verified(at).json["state"] == "verified"


JOURNEYS: dict[str, Callable[[Hospital], None]] = {
    "timeout-after-commit": the_answer_is_lost_and_the_order_is_found_not_sent_again,
    "narrowed-scopes": less_may_be_read_and_written_and_both_are_said,
    "no-transaction": the_parts_are_written_one_by_one,
    "drops-rate": what_the_ehr_drops_is_named_and_the_order_cannot_be_verified,
    "page-size-2": every_page_of_the_chart_counts,
    "short-tokens": a_session_outlives_its_tokens,
}


@pytest.mark.parametrize("fault", [f.name for f in FAULTS if f.name != "none"])
def test_with_each_fault_there_is_exactly_one_order_and_the_user_is_told_the_truth(at: Hospital, fault: str) -> None:
    JOURNEYS[fault](at)
    assert len(at.orders(MG)) == 1


# ── The wire, where no fault of the EHR's own does it ────────────────────────────────────────────────────────────────


@pytest.fixture
def wire(at: Hospital) -> Wire:
    """The wire between app and EHR, which a test can cut."""
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


class GoneAfterStoring:
    """Stores what is posted to the base, and from then on answers nothing about orders."""

    def __init__(self) -> None:
        self.stored = False

    def __call__(self, asked: requests.PreparedRequest, send: Callable[[requests.PreparedRequest], requests.Response]) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            send(asked)
            self.stored = True
            raise requests.ReadTimeout(request=asked)
        if self.stored and "/fhir/MedicationRequest" in str(asked.url):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)


def test_an_order_of_unknown_fate_says_so_is_kept_and_is_found_later_without_a_second_order(at: Hospital, wire: Wire) -> None:
    tab = at.tab(MG)
    tab.give_reasons()
    wire.fault = GoneAfterStoring()
    tab.press("Approve order", acknowledged="yes")
    assert "Outcome unknown" in tab.page.text
    assert "never resends blindly" in tab.page.text
    assert tab.json["state"] == "uncertain"
    assert len(at.orders(MG)) == 1
    wire.fault = None
    later = at.tab(MG)
    assert "is in the EHR now, and was read back" in later.page.text
    later.go(f"../{tab.run}/receipt")
    assert "Stored as a draft" in later.page.text
    assert len(at.orders(MG)) == 1
    assert verified(at).json["state"] == "verified"


def test_an_order_that_never_left_is_approved_and_can_be_sent_by_a_later_launch(at: Hospital, wire: Wire) -> None:
    tab = at.tab(MG)
    tab.give_reasons()

    def refusing(asked: requests.PreparedRequest, send: Callable[[requests.PreparedRequest], requests.Response]) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)

    wire.fault = refusing
    tab.press("Approve order", acknowledged="yes")
    assert tab.page.status == 502
    assert "The EHR could not be reached. Your approval is kept." in tab.page.text
    assert re.search(r"Reference [A-Z0-9-]+, E-28", tab.page.text)
    assert at.orders(MG) == []
    wire.fault = None
    tab.go(f"/s/{tab.session}/orders/{tab.run}/receipt")
    assert (tab.json["state"], "Send to the EHR" in tab.page.buttons) == ("approved", True)
    later = at.tab(MG)
    assert "is in the EHR now, and was read back" in later.page.text
    tab.press("Send to the EHR")
    assert "Stored as a draft" in tab.page.text
    assert verified(at).json["state"] == "verified"
    assert len(at.orders(MG)) == 1
