"""Dispensing through the web: four orders that each break a condition, a fifth with a reason, and the list that it stands on until reconciled."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from journey.a_hospital import ISS, Hospital, Tab

from ivig_fhir.app import create_database
from ivig_fhir.store import audit

CIDP = "cidp-adult"
LOT = {"lot-1": "LOT-A1", "expiry-1": "2027-01-31"}


def authorized(at: Hospital, patient: str, **changes: Any) -> None:
    """A payer's answer for Gamunex-C, as a chart would hold it."""
    paper: dict[str, Any] = {
        "resourceType": "ClaimResponse", "id": f"pa-{patient}", "status": "active", "use": "preauthorization", "outcome": "complete",
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "institutional"}]},
        "patient": {"reference": f"Patient/{patient}"}, "created": "2026-02-20", "insurer": {"display": "Payer"},
        "addItem": [{
            "productOrService": {"text": "Gamunex-C"}, "servicedPeriod": {"start": "2026-02-01", "end": "2026-12-31"},
            "adjudication": [{"category": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/adjudication", "code": "benefit"}]}}],
        }],
    }  # fmt: skip
    at.parts.store.put({**paper, **changes}, at.clock(), "PUT")


def counter(at: Hospital, patient: str = CIDP) -> Tab:
    """The pharmacist at the counter of a verified order."""
    prescriber = at.tab(patient)
    prescriber.approve()
    tab = at.tab(patient, "pharmacist", target="pharmacy")
    tab.go(f"{prescriber.run}/")
    tab.press("Verify")
    tab.go(f"/s/{tab.session}/pharmacy/{prescriber.run}/dispense")
    assert tab.page.status == 200, tab.page.text
    return tab


def test_vials_go_for_each_infusion_once_with_lot_and_expiry(at: Hospital) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    assert tab.page.text.count("Holds for the next infusion as planned.") == 4
    tab.press("Dispense", **LOT)
    assert tab.page.status == 200
    for words in ("Mon 2 Mar 2026, dispensed", "lot LOT-A1, until Sun 31 Jan 2027", "Mats Sample-Lindqvist"):
        assert words in tab.page.text.replace("\u00a0", " ")
    tab.press("Dispense", infusion="2026-03-02", **LOT)
    assert (tab.page.status, "40 g, with the 40 g dispensed for it before, are more than the 40 g of one infusion." in tab.page.text) == (
        409,
        True,
    )
    tab.go("./dispense")
    tab.press("Dispense", **LOT)
    assert "Tue 3 Mar 2026, dispensed" in tab.page.text
    assert words_of(at)[-2:] == [("order.dispensed", ""), ("order.dispensed", "")]


def words_of(at: Hospital) -> list[tuple[str, str]]:
    with create_database(at.settings).read() as tx:
        return [(r.what, r.note) for r in audit.rows(tx) if r.what.startswith("order.dispensed") or r.what == "order.reconciled"]


BREAKS: list[tuple[str, dict[str, str], str]] = [
    ("A current authorization", {}, "No authorization for Gamunex-C is on file."),
    ("The product that was ordered", {"product": "privigen"}, "The order is for Gamunex-C. Another product needs another order."),
    (
        "No more than was ordered",
        {"lot-2": "LOT-A2", "expiry-2": "2027-01-31", "grams-2": "10"},
        "50 g are more than the 40 g of one infusion.",
    ),
    ("The interval since the last infusion", {}, "The last infusion is 5 days before; the order puts 14 between them."),
]


@pytest.mark.parametrize(("condition", "typed", "said"), BREAKS)
def test_an_order_that_breaks_one_condition_is_refused_with_its_name(
    at: Hospital, condition: str, typed: dict[str, str], said: str
) -> None:
    if condition != "A current authorization":
        authorized(at, CIDP)
    tab = counter(at)
    if condition.startswith("The interval"):
        at.parts.store.put(given(CIDP, "2026-02-25"), at.clock(), "PUT")
    tab.press("Dispense", **LOT, **typed)
    assert tab.page.status == 409
    assert said in tab.page.text
    assert tab.page.text.count("Holds.") == 3
    assert [d["infusion"] for d in json_of(tab)] == []
    excusable = condition != "The product that was ordered"
    assert ("Dispense with this reason" in tab.page.buttons) == excusable


def given(patient: str, day: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration", "id": f"given-{patient}", "status": "completed", "effectiveDateTime": day,
        "medicationCodeableConcept": {"text": "Gamunex-C immune globulin intravenous"}, "subject": {"reference": f"Patient/{patient}"},
    }  # fmt: skip


def json_of(tab: Tab) -> list[dict[str, Any]]:
    where = tab.page.url.split("/dispense")[0] + "/dispense"
    found: list[dict[str, Any]] = tab.browser.get(where, headers={"Accept": "application/json"}).json["dispensed"]
    return found


def test_with_a_reason_the_vials_go_and_stand_on_the_list_until_somebody_reconciles(at: Hospital) -> None:
    tab = counter(at)
    tab.press("Dispense", **LOT)
    assert "With a reason the vials go" in tab.page.text
    tab.press("Dispense with this reason", code="authorization-pending", note="Payer was called, answer tomorrow.")
    assert (tab.page.status, "A current authorization" in tab.page.text) == (200, True)
    tab.follow("Discrepancies")
    for words in (
        "A current authorization",
        "Authorization is asked for and not answered yet: Payer was called, answer tomorrow.",
        "lot LOT-A1",
    ):
        assert words in tab.page.text.replace("\u00a0", " ")
    assert "A second person reconciles it" in tab.page.text
    assert "Reconcile" not in tab.page.buttons
    tab = second(at)
    tab.press("Reconcile", note="Authorization 123 came on 3 March.")
    assert "Nothing to reconcile." in tab.page.text
    tab.follow("All")
    assert "Authorization 123 came on 3 March." in tab.page.text
    assert words_of(at) == [("order.dispensed-with-reason", "authorization"), ("order.reconciled", "")]


GRAMS = {"system": "http://unitsofmeasure.org", "code": "g"}


@pytest.mark.parametrize(
    ("quantity", "status"), [({"value": 40, **GRAMS}, 200), ({"value": 39, **GRAMS}, 409), ({"value": 4, "unit": "vials"}, 409)]
)
def test_no_more_leaves_than_the_payer_authorized_unless_somebody_says_why(at: Hospital, quantity: dict[str, Any], status: int) -> None:
    item = {"productOrService": {"text": "Gamunex-C"}, "servicedPeriod": {"start": "2026-02-01", "end": "2026-12-31"}, "quantity": quantity}
    authorized(at, CIDP, addItem=[item])
    tab = counter(at)
    tab.press("Dispense", **LOT)
    assert tab.page.status == status
    if status == 409:
        assert "authorization" in tab.page.text
        tab.press("Dispense with this reason", code="authorization-pending", note="More was asked for.")
        assert tab.page.status == 200
    tab.press("Dispense", infusion="2026-03-03", **LOT)
    assert tab.page.status == 409
    if "system" in quantity:
        assert "40 g, with the 40 g dispensed under it before, are more than the" in tab.page.text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "Gamunex-C, active, complete, to Thu 31 Dec 2026"),
        ({"error": [{"code": {"text": "x"}}]}, "Gamunex-C, not granted: answered with an error"),
    ],
)
def test_the_pharmacists_page_says_what_the_payer_granted(at: Hospital, changes: dict[str, Any], said: str) -> None:
    authorized(at, CIDP, **changes)
    prescriber = at.tab(CIDP)
    prescriber.approve()
    tab = at.tab(CIDP, "pharmacist", target="pharmacy")
    assert said in tab.go(f"{prescriber.run}/").text.replace("\u00a0", " ")


def second(at: Hospital) -> Tab:
    """Another pharmacist, at the list of discrepancies."""
    tab = at.tab(CIDP, "second-pharmacist", target="pharmacy")
    tab.go(f"/s/{tab.session}/pharmacy/discrepancies/")
    return tab


def test_whoever_dispensed_with_a_reason_does_not_reconcile_it(at: Hospital) -> None:
    tab = counter(at)
    tab.press("Dispense", **LOT)
    tab.press("Dispense with this reason", code="emergency", note="Crisis.")
    kept = json_of(tab)[0]
    assert "who" not in kept
    page = tab.post(f"../discrepancies/{kept['id']}/reconcile", {"note": "Fine."}, json_csrf(tab))
    assert (page.status, "A second person reconciles it" in page.json["error"]["message"]) == (403, True)
    page = second(at).post(f"{kept['id']}/reconcile", {"note": "Authorization came."})
    assert page.status == 200


def test_a_reason_needs_a_code_and_a_note_and_a_reconciliation_a_note(at: Hospital) -> None:
    tab = counter(at)
    tab.press("Dispense", **LOT)
    for code, note in (("made-up", "because"), ("emergency", "  ")):
        tab.press("Dispense with this reason", code=code, note=note)
        assert tab.page.status == 409
    assert json_of(tab) == []
    tab.press("Dispense with this reason", code="emergency", note="Crisis.")
    tab = second(at)
    tab.press("Reconcile", note=" ")
    assert (tab.page.status, "a discrepancy is not closed without a note" in tab.page.text) == (409, True)


def test_no_reason_lets_another_product_or_an_expired_vial_go(at: Hospital) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    body = {"infusion": "2026-03-02", "product": "privigen", "code": "emergency", "note": "Crisis.", "vials": [vial()]}
    page = tab.post("dispense", body, json_csrf(tab))
    assert (page.status, [r["condition"] for r in page.json["refused"]]) == (409, ["product"])
    body |= {"product": "gamunex-c", "vials": [vial(expiry="2026-03-01")]}
    page = tab.post("dispense", body, json_csrf(tab))
    assert (page.status, [(r["condition"], r["excusable"]) for r in page.json["refused"]]) == (409, [("vials", False)])


def vial(**changes: str) -> dict[str, str]:
    return {"grams": "40", "lot": "LOT-A1", "expiry": "2027-01-31", **changes}


def json_csrf(tab: Tab) -> str:
    where = tab.page.url.split("/dispense")[0] + "/dispense"
    return str(tab.browser.get(where, headers={"Accept": "application/json"}).json["csrf"])


@pytest.mark.parametrize("bad", [{"grams": "forty"}, {"grams": "NaN"}, {"grams": "1e9"}, {"expiry": "01/2027"}])
def test_what_is_no_number_or_no_day_is_refused_in_words(at: Hospital, bad: dict[str, str]) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    page = tab.post("dispense", {"infusion": "2026-03-02", "product": "gamunex-c", "vials": [vial(**bad)]}, json_csrf(tab))
    assert page.status == 400
    assert json_of(tab) == []


def test_before_verification_and_after_a_change_in_the_ehr_nothing_is_dispensed(at: Hospital) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    at.change(f"MedicationRequest/{at.orders(CIDP)[0]['id']}", status="on-hold")
    tab.press("Dispense", **LOT)
    assert (tab.page.status, "The order is on-hold in the EHR, not active." in tab.page.text) == (409, True)
    assert "No reason lets these vials go." in tab.page.text


def test_authorizations_that_cannot_be_read_authorize_nothing(at: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    ask = at.http.request

    def request(method: str, url: str, **more: Any) -> Any:
        if url.endswith("/ClaimResponse"):
            return ask("GET", f"{ISS}/Basic", **{k: v for k, v in more.items() if k != "params"})  # no scope for it: 403
        return ask(method, url, **more)

    monkeypatch.setattr(at.http, "request", request)
    tab.press("Dispense", **LOT)
    assert (tab.page.status, "Prior authorizations could not be read." in tab.page.text) == (409, True)


def test_pressed_twice_at_the_same_moment_one_dispense_is_kept(at: Hospital) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    csrf, where = json_csrf(tab), tab.page.url
    body = {"infusion": "2026-03-02", "product": "gamunex-c", "vials": [vial()]}
    start, statuses = threading.Barrier(3), []

    def press() -> None:
        twin = tab.browser.twin()
        start.wait()
        statuses.append(twin.send("POST", where, json=body, headers={"X-CSRF-Token": csrf, "Accept": "application/json"}).status)

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409]
    assert len(json_of(tab)) == 1


def test_what_a_nurse_holds_is_not_dispensed_although_the_ehr_was_not_told(at: Hospital) -> None:
    authorized(at, CIDP)
    tab = counter(at)
    clot = {"coding": [{"system": "http://snomed.info/sct", "code": "128053003"}], "text": "Deep venous thrombosis"}
    at.clock.forward(minutes=5)
    new = {
        "resourceType": "Condition",
        "id": "clot",
        "subject": {"reference": f"Patient/{CIDP}"},
        "code": clot,
        "recordedDate": "2026-03-02T09:04:00Z",
    }
    at.parts.store.put(new, at.clock(), "PUT")
    nurse = at.tab(CIDP, "nurse")
    nurse.follow("Course")
    nurse.follow("Re-check before infusion 1")
    nurse.press("Hold the order")
    assert at.orders(CIDP)[0]["status"] == "active"
    tab.press("Dispense", **LOT)
    assert (tab.page.status, "This order is on hold" in tab.page.text) == (409, True)
    assert json_of(tab) == []
