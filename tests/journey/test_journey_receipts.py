"""A server that loses or changes what counts, in every mode of writing: the order is incomplete, and page, worklist and audit say so."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests
from an_ehr_server import Wire
from journey.a_hospital import EHR, Hospital, Tab
from journey.test_journey_outbox import LostAnswer, approved_and_dead, delivered

from ivig_fhir.app import create_database
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.store import audit

CIDP = "cidp-adult"
Change = Callable[[dict[str, Any]], Any]
Send = Callable[[requests.PreparedRequest], requests.Response]


def ordered(order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = order["dosageInstruction"][0]["doseAndRate"][0]
    return found


def half(order: dict[str, Any]) -> None:
    ordered(order)["doseQuantity"]["value"] = Decimal(20)


def twice_a_day(order: dict[str, Any]) -> None:
    order["dosageInstruction"][0]["timing"]["repeat"]["frequency"] = 2


def no_basis(order: dict[str, Any]) -> None:
    order["dosageInstruction"][0]["doseAndRate"][1].pop("extension")


# Each kind that counts: what the server does, what the page calls it, the word in the audit.
HARM: list[tuple[str, Change, str, str]] = [
    ("dose", half, "Dose of one infusion", "lost: dose"),
    ("rate", lambda o: ordered(o).pop("rateRange"), "Pump rate, lowest and highest", "lost: rate"),
    ("weight", no_basis, "Dosing weight and policy", "lost: weight"),
    ("product", lambda o: o["medicationCodeableConcept"].update(text="Immune globulin"), "Product", "lost: product"),
    ("patient", lambda o: o.update(subject={"reference": "Patient/gbs-adult"}), "Patient", "lost: patient"),
    ("timing", twice_a_day, "Dates", "lost: timing"),
    ("identifier", lambda o: o["identifier"][0].update(value="urn:uuid:another"), "Number of the order", "lost: identifier"),
]
# The same fields told otherwise, and fields that do not count.
HARMLESS: list[tuple[str, Change]] = [
    ("dose", lambda o: ordered(o)["doseQuantity"].update(value=Decimal("40.00"), unit="gram")),
    ("rate", lambda o: ordered(o)["rateRange"]["low"].pop("unit")),
    ("weight", lambda o: o["dosageInstruction"][0]["extension"].reverse()),
    ("product", lambda o: o["medicationCodeableConcept"]["coding"].append({"system": "urn:oid:1.2.3", "code": "local"})),
    ("patient", lambda o: o.update(subject={"reference": f"{EHR}/fhir/Patient/{CIDP}/_history/1", "display": "SAMPLETON"})),
    ("timing", lambda o: o["dosageInstruction"][0]["timing"].pop("code", None)),
    ("identifier", lambda o: o["identifier"].insert(0, {"system": "urn:oid:1.2.3", "value": "4711"})),
    ("note", lambda o: o.pop("note")),
]


class Forgetful:
    """Shows every order of ours as if it had been stored with a change."""

    def __init__(self, change: Change) -> None:
        self.change = change

    def __call__(self, asked: requests.PreparedRequest, send: Send) -> requests.Response:
        answer = send(asked)
        if asked.method != "GET" or "/fhir/MedicationRequest" not in str(asked.url) or answer.status_code != 200:
            return answer
        body = decode(answer.content)
        for resource in [body, *(e.get("resource", {}) for e in body.get("entry") or [])]:
            if resource.get("resourceType") == "MedicationRequest" and "dispenseRequest" in resource and _ours(resource):
                self.change(resource)
        answer._content = encode(body)
        return answer


def _ours(order: dict[str, Any]) -> bool:
    return order.get("groupIdentifier", {}).get("value") in {i.get("value") for i in order.get("identifier") or []}


@pytest.fixture
def wire(at: Hospital) -> Wire:
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made


def noted(at: Hospital, run: str) -> tuple[str, str]:
    with create_database(at.settings).read() as tx:
        last = audit.rows(tx, run)[-1]
    return last.what, last.note


def receipt_of(tab: Tab) -> Any:
    tab.go(f"/s/{tab.session}/orders/{tab.run}/receipt")
    return tab.json["receipt"]


@pytest.mark.parametrize(("kind", "change", "field", "note"), HARM, ids=[h[0] for h in HARM])
def test_each_kind_that_is_lost_or_changed_makes_the_order_incomplete_everywhere(
    at: Hospital, wire: Wire, kind: str, change: Change, field: str, note: str
) -> None:
    tab = at.tab(CIDP)
    tab.give_reasons()
    wire.fault = Forgetful(change)
    tab.press("Approve order", acknowledged="yes")
    assert f"Lost or changed: {field}." in tab.page.text
    assert tab.json["state"] == "incomplete"
    assert [x["kind"] for x in tab.json["receipt"]["lines"] if x["essential"] and x["result"] in ("lost", "changed")] == [kind]
    assert noted(at, tab.run) == ("order.incomplete", note)
    wire.fault = None
    assert "Incomplete" in at.tab(CIDP, "pharmacist", target="pharmacy").page.text


@pytest.mark.parametrize(("kind", "change"), HARMLESS, ids=[h[0] for h in HARMLESS])
def test_what_is_only_told_otherwise_or_does_not_count_leaves_the_order_complete(
    at: Hospital, wire: Wire, kind: str, change: Change
) -> None:
    tab = at.tab(CIDP)
    tab.give_reasons()
    wire.fault = Forgetful(change)
    tab.press("Approve order", acknowledged="yes")
    assert tab.json["state"] == "sent", kind
    assert noted(at, tab.run) == ("order.sent", "")


def sequential(at: Hospital, wire: Wire) -> Tab:
    tab = at.tab(CIDP, fault="no-transaction")
    tab.give_reasons()
    wire.fault = Forgetful(half)
    tab.press("Approve order", acknowledged="yes")
    return tab


def reconciled(at: Hospital, wire: Wire) -> Tab:
    tab = at.tab(CIDP)
    wire.fault = LostAnswer()
    tab.approve()
    wire.fault = Forgetful(half)
    tab.go(f"/s/{tab.session}/orders/{tab.run}/receipt")
    tab.press("Look for it in the EHR")
    return tab


def by_deliver(at: Hospital, wire: Wire) -> Tab:
    tab = approved_and_dead(at)
    at.clock.forward(minutes=2)
    wire.fault = Forgetful(half)
    assert [r.state for r in delivered(at)] == ["incomplete"]
    return tab


@pytest.mark.parametrize(
    ("way", "mode"), [(sequential, "sequential"), (reconciled, "transaction"), (by_deliver, "transaction")], ids=["seq", "lost", "deliver"]
)
def test_a_dose_that_was_changed_is_seen_in_every_mode(at: Hospital, wire: Wire, way: Callable[[Hospital, Wire], Tab], mode: str) -> None:
    tab = way(at, wire)
    receipt = receipt_of(tab)
    assert (receipt["mode"], receipt["incomplete"]) == (mode, True)
    [line] = [x for x in receipt["lines"] if x["kind"] == "dose"]
    assert (line["sent"], line["stored"], line["result"]) == ("40 g (calculated 41 g)", "20 g (calculated 41 g)", "changed")
    assert noted(at, tab.run) == ("order.incomplete", "lost: dose")
    assert "Lost or changed: Dose of one infusion." in tab.page.text


# ── The number by which the order is found ───────────────────────────────────────────────────────────────────────────


def test_an_order_without_its_number_is_incomplete_and_the_pharmacist_reads_where_it_stands(at: Hospital, wire: Wire) -> None:
    tab = at.tab(CIDP)
    tab.give_reasons()

    def nameless(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        answer = send(asked)
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            [order] = at.orders(CIDP)
            at.change(f"MedicationRequest/{order['id']}", identifier=[])
        return answer

    wire.fault = nameless
    tab.press("Approve order", acknowledged="yes")
    wire.fault = None
    assert "Lost or changed: Number of the order." in tab.page.text
    assert tab.json["state"] == "incomplete"
    [main] = [p for p in tab.json["receipt"]["parts"] if p["role"] == "medication-request"]
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    assert "Incomplete" in pharmacist.page.text
    page = pharmacist.go(f"{tab.run}/")
    assert page.status == 409
    assert f"The EHR holds this order as {main['reference']} without the number by which it is found" in page.text
    held = at.parts.store.current("MedicationRequest", main["reference"].split("/")[1])
    assert held is not None
    assert held.body is not None
    assert held.body["status"] == "draft"


# ── Part by part ─────────────────────────────────────────────────────────────────────────────────────────────────────


def with_findings(at: Hospital, fault: str = "no-transaction") -> Tab:
    tab = at.tab("mg-crisis-ckd", fault=fault)
    tab.give_reasons()
    tab.press("Approve order", acknowledged="yes")
    return tab


def fields_apart(tab: Tab) -> dict[str, str]:
    return {x["field"]: x["result"] for x in receipt_of(tab)["lines"] if x["result"] not in ("same", "same-meaning")}


def test_part_by_part_nothing_is_called_lost_that_was_never_sent(at: Hospital, wire: Wire) -> None:
    tab = with_findings(at)
    receipt = receipt_of(tab)
    assert (receipt["mode"], receipt["incomplete"]) == ("sequential", False)
    assert fields_apart(tab) == {}
    [order] = at.orders("mg-crisis-ckd")
    findings = at.held("DetectedIssue", "mg-crisis-ckd")
    assert findings
    assert all(f["implicated"] == [{"reference": f"MedicationRequest/{order['id']}"}] for f in findings)
    assert "detectedIssue" not in order
    assert "Other fields that differ" not in tab.page.text


def test_in_one_transaction_findings_that_are_lost_are_called_lost(at: Hospital, wire: Wire) -> None:
    wire.fault = Forgetful(lambda o: o.pop("detectedIssue"))
    tab = with_findings(at, fault="")
    assert fields_apart(tab) == {"detectedIssue": "lost"}


def test_an_order_sent_as_a_whole_stays_one_after_its_missing_part_was_sent_alone(at: Hospital, wire: Wire) -> None:
    wire.fault = Forgetful(half)
    tab = with_findings(at, fault="")
    assert tab.json["state"] == "incomplete"
    wire.fault = None
    tab.press("Send what is missing")
    assert (tab.json["state"], receipt_of(tab)["mode"]) == ("sent", "transaction")
    assert fields_apart(tab) == {}
