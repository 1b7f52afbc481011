"""What goes with an order follows it in the EHR: active with it, ended with it, held with it; what does not is named and tried again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from an_ehr_server import Send, Wire
from journey.a_hospital import EHR, Hospital, Tab, hospital
from journey.a_server_of_another_kind import issuers, wired

CIDP = "cidp-adult"
WHY = "Rash on the arms during the first infusion."


def companions(at: Hospital) -> dict[str, dict[str, Any]]:
    """What was written with the order, by what it is."""
    run = {i["value"] for o in at.orders(CIDP) for i in o["identifier"]}
    found = [r for t in ("MedicationRequest", "ServiceRequest") for r in at.held(t, CIDP)]
    ours = [r for r in found if (r.get("groupIdentifier") or r.get("requisition") or {}).get("value") in run]
    return {str((r.get("medicationCodeableConcept") or r["code"])["text"]): r for r in ours if r["identifier"][0]["value"] not in run}


def statuses(at: Hospital) -> set[tuple[str, str]]:
    return {(r["resourceType"], r["status"]) for r in companions(at).values()}


def before_the_order(at: Hospital) -> tuple[Tab, Tab]:
    prescriber = at.tab(CIDP)
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    return prescriber, pharmacist


def both(medication: str, service: str) -> set[tuple[str, str]]:
    return {("MedicationRequest", medication), ("ServiceRequest", service)}


def test_a_verified_order_is_active_with_everything_that_goes_with_it(at: Hospital) -> None:
    _, pharmacist = before_the_order(at)
    assert statuses(at) == both("draft", "draft")
    before = companions(at)
    pharmacist.press("Verify")
    assert statuses(at) == both("active", "active")
    own = ("status", "meta", "text")
    for title, now in companions(at).items():  # nothing but the status
        assert {k: v for k, v in now.items() if k not in own} == {k: v for k, v in before[title].items() if k not in own}
    assert "Not as the order" not in pharmacist.page.text
    pharmacist.go("course")
    assert {c["status"] for c in pharmacist.json["companions"]} == {"active"}


@pytest.mark.parametrize("act", ["reject", "withdraw"])
def test_what_goes_with_an_order_that_is_refused_or_withdrawn_is_ended_with_it(at: Hospital, act: str) -> None:
    prescriber, pharmacist = before_the_order(at)
    if act == "reject":
        pharmacist.press("Reject", code="other", note="Not now.")
    else:
        prescriber.press("Withdraw order", note="Not now.")
    assert statuses(at) == both("cancelled", "revoked")


def dated(resource: dict[str, Any]) -> bool:
    """Whether it belongs to the days of the infusions."""
    return "occurrenceTiming" in resource or any("timing" in d for d in resource.get("dosageInstruction") or ())


def test_a_hold_holds_what_belongs_to_an_infusion_and_leaves_what_is_for_a_reaction(at: Hospital) -> None:
    prescriber = at.tab(CIDP)
    prescriber.post("propose", {"companions": {"premedication-acetaminophen": True}})
    prescriber.go("./")
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    pharmacist.go("course")
    pharmacist.press("Put on hold", code="reaction", note=WHY)

    def found(with_an_infusion: bool) -> set[tuple[str, str]]:
        return {(r["resourceType"], r["status"]) for r in companions(at).values() if dated(r) is with_an_infusion}

    assert (found(True), found(False)) == (both("on-hold", "on-hold"), both("active", "active"))
    assert "What is for a reaction, and what is looked at afterwards, stays active: Epinephrine for anaphylaxis;" in pharmacist.page.text
    pharmacist.press("Go on with the order", note="Antihistamine before each infusion.")
    assert statuses(at) == both("active", "active")
    pharmacist.press("Stop the order", code="reaction", note=WHY)
    assert (found(True), found(False)) == (both("stopped", "revoked"), both("active", "active"))


def test_a_recall_takes_all_of_it_back(at: Hospital) -> None:
    prescriber, pharmacist = before_the_order(at)
    pharmacist.press("Verify")
    prescriber.go("course")
    prescriber.press("Written by mistake", note="Meant for the patient in the next bed.")
    assert statuses(at) == both("entered-in-error", "entered-in-error")


def edited(at: Hospital) -> tuple[str, str]:
    """A companion that somebody changed in the EHR: what it is, and where."""
    title, one = next((t, r) for t, r in sorted(companions(at).items()) if r["resourceType"] == "MedicationRequest")
    dosage = [{**one["dosageInstruction"][0], "patientInstruction": "Half of it."}]
    where = f"MedicationRequest/{one['id']}"
    at.change(where, dosageInstruction=dosage)
    return title, where


def test_a_companion_that_was_changed_in_the_ehr_is_left_as_it_is_and_named_everywhere(at: Hospital) -> None:
    prescriber, pharmacist = before_the_order(at)
    title, where = edited(at)
    pharmacist.press("Verify")
    assert pharmacist.page.status == 409  # it was not on screen
    pharmacist.go("./")
    assert f"{title} was changed in the EHR since it was approved: " in pharmacist.page.text
    assert "Half of it" in pharmacist.page.text
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    found = companions(at)
    assert found[title]["status"] == "draft"
    assert {r["status"] for t, r in found.items() if t != title} == {"active"}
    said = f"{title} was changed in the EHR since it was approved: it is left as it is, draft."
    assert said in pharmacist.page.text
    assert said in pharmacist.go("course").text
    assert "Try again" not in pharmacist.page.buttons
    assert said in pharmacist.go("story").text
    assert said in prescriber.go("receipt").text
    assert "Companion still draft" in listed(pharmacist)
    at.change(where, status="active")  # a person who may looks at it in the EHR
    pharmacist.go("../")
    pharmacist.go(f"{pharmacist.run or prescriber.run}/course")
    pharmacist.press("Try again")
    assert "Companion still draft" not in listed(pharmacist)


def listed(pharmacist: Tab) -> str:
    """The worklist with what is decided."""
    at = pharmacist.page.url.split("/pharmacy/")[0] + "/pharmacy/?status=all"
    page = pharmacist.browser.get(at)
    return str(page.text)


def test_a_companion_that_could_not_be_read_is_named_and_follows_when_it_is_tried_again(at: Hospital) -> None:
    prescriber, pharmacist = before_the_order(at)
    title, one = sorted(companions(at).items())[0]
    where = f"{one['resourceType']}/{one['id']}"
    wire = wired(at)

    def dark(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if where in str(asked.url):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)

    wire.fault = dark
    pharmacist.press("Verify")
    wire.fault = None
    assert (at.orders(CIDP)[0]["status"], companions(at)[title]["status"]) == ("active", "draft")
    assert f"{title} could not be read in the EHR" in pharmacist.page.text
    assert "Companion still draft" in listed(pharmacist)
    pharmacist.go("course")
    pharmacist.press("Try again")
    assert statuses(at) == both("active", "active")
    assert "Try again" not in pharmacist.page.buttons
    assert "Companion still draft" not in listed(pharmacist)
    assert "0 of it do not follow" in pharmacist.go("story").text
    assert "Not as the order" not in prescriber.go("receipt").text


def test_one_that_is_changed_while_the_order_is_verified_stops_it_and_the_next_look_names_it(at: Hospital) -> None:
    _, pharmacist = before_the_order(at)
    wire = wired(at)

    def faster(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/").endswith("/fhir"):
            wire.fault = None
            edited(at)
        return send(asked)

    wire.fault = faster
    pharmacist.press("Verify")
    assert pharmacist.page.status == 409
    assert (at.orders(CIDP)[0]["status"], *statuses(at)) == ("draft", *both("draft", "draft"))
    pharmacist.go("./")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert "was changed in the EHR since it was approved" in pharmacist.page.text


def test_a_nurse_does_not_try_again(at: Hospital) -> None:
    prescriber, pharmacist = before_the_order(at)
    pharmacist.press("Verify")
    nurse = at.tab(CIDP, "nurse")
    nurse.go(f"{prescriber.run}/course")
    assert nurse.post("companions", {}).status == 403


# ── Where one write follows the other ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def one_by_one(tmp_path: Path) -> Iterator[Hospital]:
    """The demo, its EHR taken for one that does not undo a failed transaction."""
    with hospital(tmp_path, issuers=issuers(tmp_path, "medplum")) as made:
        yield made


def put(wire: Wire) -> list[str]:
    """What was written, by type and id."""
    return [str(r.url).removeprefix(f"{EHR}/fhir/") for r in wire.sent if r.method == "PUT"]


@pytest.mark.parametrize("act", ["Verify", "Reject"])
def test_what_becomes_active_ends_with_the_order_and_what_ends_begins_with_it(one_by_one: Hospital, act: str) -> None:
    _, pharmacist = before_the_order(one_by_one)
    wire = wired(one_by_one)
    reason = {} if act == "Verify" else {"code": "other", "note": "Not now."}
    pharmacist.press(act, **reason)
    order, members = f"MedicationRequest/{one_by_one.orders(CIDP)[0]['id']}", len(companions(one_by_one))
    written = [x for x in put(wire) if x.startswith(("MedicationRequest", "ServiceRequest"))]
    assert len(written) == members + 1
    assert written.index(order) == (members if act == "Verify" else 0)


def test_a_companion_that_is_refused_does_not_hold_the_order_up_and_is_named(one_by_one: Hospital) -> None:
    _, pharmacist = before_the_order(one_by_one)
    title, one = sorted(companions(one_by_one).items())[0]
    wire = wired(one_by_one)

    def refused(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "PUT" and one["id"] in str(asked.url):
            one_by_one.change(f"{one['resourceType']}/{one['id']}", priority="urgent")
        return send(asked)

    wire.fault = refused
    pharmacist.press("Verify")
    wire.fault = None
    assert pharmacist.json["state"] == "verified"
    assert f"{title} is not active yet." in pharmacist.page.text
    found = companions(one_by_one)
    assert (found[title]["status"], {r["status"] for t, r in found.items() if t != title}) == ("draft", {"active"})


def test_an_order_that_failed_after_its_companions_is_not_verified_and_the_page_says_what_is_active(one_by_one: Hospital) -> None:
    _, pharmacist = before_the_order(one_by_one)
    order, wire = one_by_one.orders(CIDP)[0], wired(one_by_one)

    def faster(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "PUT" and order["id"] in str(asked.url):
            one_by_one.change(f"MedicationRequest/{order['id']}", priority="urgent")
        return send(asked)

    wire.fault = faster
    assert pharmacist.press("Verify").status == 409
    wire.fault = None
    pharmacist.go("./")
    assert (pharmacist.json["state"], one_by_one.orders(CIDP)[0]["status"], statuses(one_by_one)) == (
        "sent",
        "draft",
        both("active", "active"),
    )
    assert "is active in the EHR, and the order is not verified." in pharmacist.page.text
    pharmacist.press("Reject", code="other", note="Changed under my hands.")
    assert statuses(one_by_one) == both("cancelled", "revoked")


def test_an_app_that_stopped_behind_the_order_finds_it_verified_and_does_the_rest(one_by_one: Hospital) -> None:
    """Its group and its task were not reached: the order is active in the EHR and is not reported as unverified."""
    _, pharmacist = before_the_order(one_by_one)
    case, order, wire = pharmacist.page.url, one_by_one.orders(CIDP)[0], wired(one_by_one)
    gone = []

    def dies(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if gone:
            raise requests.ConnectTimeout(request=asked)
        if asked.method == "PUT" and order["id"] in str(asked.url):
            gone.append(send(asked))
            raise requests.ReadTimeout(request=asked)
        return send(asked)

    wire.fault = dies
    assert pharmacist.press("Verify").status == 504
    wire.fault = None
    pharmacist.go(case)
    assert (pharmacist.json["state"], one_by_one.orders(CIDP)[0]["status"]) == ("verified", "active")
    assert statuses(one_by_one) == both("active", "active")
    assert pharmacist.json["verification"]["companions"] == []
