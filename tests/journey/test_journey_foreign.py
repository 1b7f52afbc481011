"""What is not, or no longer, the order that was approved is shown for what it is, and never verified by accident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from journey.a_hospital import Hospital, Page, Tab

from ivig_fhir.fhir.building import encode

CIDP, OTHER = "cidp-adult", "mg-crisis-ckd"
APPROVE = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "approve"}]}


def waiting(at: Hospital) -> Tab:
    """An order that waits, and the pharmacist before it."""
    at.tab(CIDP).approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    return pharmacist


def order_of(at: Hospital) -> dict[str, Any]:
    [order] = at.orders(CIDP)
    return order


def the_order(at: Hospital, **fields: Any) -> None:
    at.change(f"MedicationRequest/{order_of(at)['id']}", **fields)


def the_task(at: Hospital, **fields: Any) -> None:
    at.change(f"Task/{at.held('Task', CIDP)[0]['id']}", **fields)


def doses(at: Hospital, grams: int) -> list[dict[str, Any]]:
    """The dosage by hand: another dose, in codes and in words, everywhere the same."""
    [dosage] = order_of(at)["dosageInstruction"]
    was = dosage["doseAndRate"][0]["doseQuantity"]["value"]
    for dose in dosage["doseAndRate"]:
        dose["doseQuantity"]["value"] = grams
    return [{**dosage, "text": dosage["text"].replace(f"{was} g", f"{grams} g")}]


@dataclass
class Before:
    """The pharmacist before an order, and what the page held when it was opened."""

    tab: Tab
    csrf: str
    digest: str

    def post(self, act: str, **sent: str) -> Page:
        """What a script sends, with the token and the digest of the page as it was opened."""
        headers = {"X-CSRF-Token": self.csrf, "Accept": "application/json"}
        url = f"{self.tab.page.url.split('/pharmacy/')[0]}/pharmacy/{self.tab.run}/{act}"
        return self.tab.browser.send("POST", url, json={"digest": self.digest, **sent}, headers=headers)


@pytest.fixture
def before(at: Hospital) -> Before:
    tab = waiting(at)
    return Before(tab, tab.json["csrf"], tab.json["digest"])


@pytest.fixture
def pharmacist(before: Before) -> Tab:
    return before.tab


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda at: the_order(at, dosageInstruction=doses(at, 20)), "Dose of one infusion"),
        (lambda at: the_order(at, status="active"), "Status is active order in the EHR; approved was draft order."),
        (lambda at: the_order(at, status="cancelled"), "Status is cancelled order in the EHR"),
        (lambda at: the_order(at, requester={"reference": "Practitioner/stranger"}), "Requester is"),
        (lambda at: the_order(at, medicationCodeableConcept={"text": "Another brand"}), "Product is Another brand in the EHR"),
        (lambda at: the_order(at, subject={"reference": f"Patient/{OTHER}"}), "is for another patient than the order was approved for"),
        (lambda at: the_order(at, groupIdentifier={"system": "urn:ietf:rfc:3986", "value": "urn:uuid:other"}), "is not this order"),
        (lambda at: the_task(at, focus={"reference": "MedicationRequest/elsewhere"}), "points to something else than this order"),
        (lambda at: the_task(at, **{"for": {"reference": f"Patient/{OTHER}"}}), "is of another patient than the order"),
    ],
    ids=["dose", "made active", "cancelled", "requester", "product", "patient", "run", "task elsewhere", "task of another patient"],
)
def test_what_somebody_changed_in_the_ehr_is_named_and_not_verified(
    at: Hospital, before: Before, edit: Callable[[Hospital], None], said: str
) -> None:
    """Neither by the button, nor by a script that names the page as it was, as it is now, or what was approved."""
    edit(at)
    page = before.tab.go("./")
    assert said in page.text, page.text[:500]
    assert "Verify" not in page.buttons
    assert "Traceback" not in page.body
    now = before.tab.json
    named = {before.digest, now.get("digest", ""), (now.get("proposal") or {}).get("digest", "")}
    assert {before.post("verify", digest=digest).status for digest in named} <= {404, 409}
    written = [*at.held("MedicationRequest", CIDP), *at.held("MedicationRequest", OTHER)]
    provenance = [p for p in at.held("Provenance", CIDP) if p["agent"][0]["type"]["coding"][0]["code"] == "verifier"]
    assert [o for o in written if o["status"] == "active"] == (
        [order_of(at)] if "made active" in said or "Status is active" in said else []
    )
    assert provenance == []


def test_an_order_that_was_deleted_is_not_there_and_nothing_is_decided(at: Hospital, before: Before) -> None:
    at.parts.store.delete("MedicationRequest", order_of(at)["id"], at.clock())
    page = before.tab.go("./")
    assert (page.status, "The EHR does not show this order any more." in page.text) == (404, True)
    for act in ("verify", "reject", "query", "hold", "recall"):
        assert before.post(act, code="other", note="x").status == 404
    assert [t["status"] for t in at.held("Task", CIDP)] == ["requested"]


def test_an_order_that_somebody_copied_is_decided_on_by_nobody(at: Hospital, pharmacist: Tab) -> None:
    copy = {k: v for k, v in order_of(at).items() if k != "meta"} | {"id": "copied-order"}
    at.load(encode({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": copy}]}))
    page = pharmacist.go("./")
    assert (page.status, "more than one order of this run" in page.text) == (409, True)
    assert all(o["status"] == "draft" for o in at.orders(CIDP))


def foreign(at: Hospital, **fields: Any) -> None:
    """Another app's order of the same medicine, with a task of its own that asks for approval."""
    order = {
        "resourceType": "MedicationRequest",
        "id": "foreign-order",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{CIDP}"},
        "medicationCodeableConcept": {"text": "Immune globulin 10 %"},
        "dosageInstruction": [{"text": "40 g once"}],
        **fields,
    }
    task = {
        "resourceType": "Task",
        "id": "foreign-task",
        "status": "requested",
        "intent": "order",
        "code": APPROVE,
        "focus": {"reference": "MedicationRequest/foreign-order"},
        "for": {"reference": f"Patient/{CIDP}"},
    }
    at.load({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}, {"resource": task}]})


def held(at: Hospital, reference: str) -> dict[str, Any]:
    found = at.parts.store.current(*reference.split("/"))
    assert found is not None
    assert found.body is not None
    return found.body


def test_an_order_that_is_not_from_here_is_no_work_of_this_list(at: Hospital) -> None:
    foreign(at)
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    assert pharmacist.json["orders"] == []
    for where in ("foreign-order/", "none/"):
        assert pharmacist.browser.get(pharmacist.page.url + where).status == 404
    assert held(at, "MedicationRequest/foreign-order")["status"] == "draft"


def test_an_order_that_only_claims_to_be_from_here_opens_nothing(at: Hospital) -> None:
    run = "00000000-0000-4000-8000-000000000000"
    named = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{run}"}
    foreign(at, identifier=[named], groupIdentifier=named)
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    csrf = pharmacist.json["csrf"]
    url = pharmacist.page.url + f"{run}/"
    assert pharmacist.browser.get(url).status == 404
    for act in ("verify", "query", "reject", "change", "hold", "resume", "stop", "complete", "recall"):
        sent = {"digest": "x", "code": "other", "note": "x", "kind": "start", "start": "2026-03-09", "send": "1"}
        answer = pharmacist.browser.send("POST", url + act, json=sent, headers={"X-CSRF-Token": csrf, "Accept": "application/json"})
        assert answer.status == 404, act
    assert held(at, "MedicationRequest/foreign-order")["status"] == "draft"


def test_a_task_of_another_app_on_our_order_changes_nothing_of_it(at: Hospital, pharmacist: Tab) -> None:
    focus = {"reference": f"MedicationRequest/{order_of(at)['id']}"}
    foreign(at)
    at.change("Task/foreign-task", focus=focus)
    pharmacist.go("./")
    assert "Verify" not in pharmacist.page.buttons  # its order is another immunoglobulin order, which nobody knew of at the approval
    assert "waits: MedicationRequest/foreign-order" in pharmacist.page.text
    at.change("MedicationRequest/foreign-order", status="cancelled")
    pharmacist.go("./")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert held(at, "Task/foreign-task")["status"] == "requested"


# ── Changed since it was opened: the difference, and then the new one ────────────────────────────────────────────────


@pytest.mark.parametrize(("button", "given"), [("Verify", {}), ("Reject", {"note": "No."}), ("Ask prescriber", {"note": "Why?"})])
def test_a_change_in_the_ehr_is_shown_field_by_field_and_nothing_is_decided(
    at: Hospital, pharmacist: Tab, button: str, given: dict[str, str]
) -> None:
    the_order(at, priority="stat", reasonCode=[{"text": "Another reason"}])
    page = pharmacist.press(button, **given)
    assert page.status == 409
    for said in ("The order changed since you opened it", "When you opened it", "priority", "stat", "Another reason"):
        assert said in page.text
    assert order_of(at)["status"] == "draft"
    pharmacist.follow("Review the order as it is now")
    for said in (
        "Different in the EHR from what was approved",
        "Priority is stat in the EHR; approved was routine.",
        "Reason is Another reason in the EHR; approved was Chronic",
    ):
        assert said in pharmacist.page.text
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"


def test_a_dose_that_was_changed_since_is_shown_and_cannot_be_verified_afterwards(at: Hospital, pharmacist: Tab) -> None:
    the_order(at, dosageInstruction=doses(at, 20))
    page = pharmacist.press("Verify")
    for said in ("Dose of one infusion", "40 g", "20 g", "Nobody signed this"):
        assert said in page.text
    pharmacist.follow("Review the order as it is now")
    assert "Verify" not in pharmacist.page.buttons
    pharmacist.press("Reject", code="dose", note="Changed by hand.")
    assert pharmacist.json["state"] == "rejected"
    assert order_of(at)["status"] == "cancelled"


def test_a_process_that_was_started_anew_compares_with_what_was_on_screen(at: Hospital, pharmacist: Tab) -> None:
    the_order(at, priority="stat")
    at.start()
    page = pharmacist.press("Verify")
    assert (page.status, "When you opened it" in page.text, "stat" in page.text) == (409, True, True)


def test_a_record_that_changed_the_second_calculation_is_shown_too(at: Hospital, pharmacist: Tab) -> None:
    weight = {"value": 60, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    at.change("Observation/cidp-adult-obs-1", valueQuantity=weight)
    page = pharmacist.press("Verify")
    assert (page.status, "What the second calculation says otherwise" in page.text) == (409, True)
    assert order_of(at)["status"] == "draft"
