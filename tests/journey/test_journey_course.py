"""A verified order as it runs: on hold, gone on with, stopped, completed, taken back; each role, each status in the EHR, the audit."""

from __future__ import annotations

from typing import Any

import pytest
from journey.a_hospital import APP, Hospital, Tab

from ivig_fhir.store import audit
from ivig_fhir.store.database import Database, connect
from ivig_fhir.store.seal import KeyRing

CIDP = "cidp-adult"
WHY = "Rash on the arms during the first infusion."


def verified(at: Hospital) -> tuple[Tab, Tab]:
    """A verified order: the prescriber on its receipt, the pharmacist on its course."""
    prescriber = at.tab(CIDP)
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    pharmacist.follow("Course of this order")
    prescriber.go("receipt")
    return prescriber, pharmacist


def statuses(at: Hospital) -> tuple[Any, ...]:
    """Order, group, and each task with its code."""
    tasks = sorted((t["code"]["coding"][0]["code"], t["status"], t["businessStatus"]["text"]) for t in at.held("Task", CIDP))
    return ([o["status"] for o in at.orders(CIDP)], [g["status"] for g in at.held("RequestGroup", CIDP)], tasks)


APPROVED = ("approve", "completed", "verified")


def test_a_reaction_puts_the_order_on_hold_with_a_task_that_says_so(at: Hospital) -> None:
    prescriber, pharmacist = verified(at)
    pharmacist.press("Put on hold", code="reaction", note=WHY)
    assert statuses(at) == (["on-hold"], ["on-hold"], [APPROVED, ("suspend", "in-progress", "on-hold")])
    [order] = at.orders(CIDP)
    assert order["statusReason"]["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason",
        "code": "sintol",
    }
    assert order["statusReason"]["text"] == f"A reaction to an infusion: {WHY}"
    task = next(t for t in at.held("Task", CIDP) if t["code"]["coding"][0]["code"] == "suspend")
    assert (task["focus"]["reference"], task["note"][0]["text"]) == (f"MedicationRequest/{order['id']}", WHY)
    assert "On hold" in prescriber.go("receipt").text
    assert WHY in prescriber.page.text
    assert prescriber.json["state"] == "on-hold"


def test_no_sheet_is_offered_while_the_order_is_on_hold(at: Hospital) -> None:
    _, pharmacist = verified(at)
    assert "Infusion sheet" in pharmacist.page.text
    pharmacist.press("Put on hold", code="reaction", note=WHY)
    assert "Infusion sheet" not in pharmacist.page.text
    assert pharmacist.go("sheet").status == 409


def test_a_prescriber_decides_that_it_goes_on_and_the_hold_ends(at: Hospital) -> None:
    prescriber, pharmacist = verified(at)
    pharmacist.press("Put on hold", code="reaction", note=WHY)
    later = at.tab(CIDP)
    assert later.run == prescriber.run
    later.follow("Course of this order")
    later.press("Go on with the order", note="Antihistamine before each infusion.")
    assert statuses(at) == (["active"], ["active"], [APPROVED, ("suspend", "completed", "resumed")])
    [order] = at.orders(CIDP)
    assert "statusReason" not in order
    assert pharmacist.go("sheet").status == 200
    assert "decided that it goes on" in pharmacist.go("course").text


@pytest.mark.parametrize("held", [False, True])
def test_a_course_that_is_stopped_is_stopped_for_good(at: Hospital, held: bool) -> None:
    _, pharmacist = verified(at)
    tasks = [APPROVED]
    if held:
        pharmacist.press("Put on hold", code="reaction", note=WHY)
        tasks.append(("suspend", "completed", "stopped"))
    pharmacist.press("Stop the order", code="reaction", note=WHY)
    assert statuses(at) == (["stopped"], ["revoked"], sorted([*tasks, ("abort", "completed", "stopped")]))
    assert pharmacist.json["state"] == "stopped"
    for act in ("hold", "resume", "stop", "complete", "recall"):
        assert pharmacist.post(act, {"code": "reaction", "note": WHY}).status == 409
    assert statuses(at)[0] == ["stopped"]


def test_an_order_is_completed_from_its_last_day_on(at: Hospital) -> None:
    _, pharmacist = verified(at)
    early = pharmacist.press("Complete the order")
    assert (early.status, "The last infusion is not reached yet." in early.text) == (409, True)
    pharmacist.go("course")
    last, where = pharmacist.json["infusions"][-1], f"{pharmacist.run}/course"
    while at.clock.time.date().isoformat() < last:
        at.clock.forward(days=1)
    later = at.tab(CIDP, "nurse")
    assert "Course" in later.page.text
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.go(where)
    pharmacist.press("Complete the order")
    assert statuses(at) == (["completed"], ["completed"], [APPROVED])


@pytest.mark.parametrize("state", ["sent", "queried", "verified", "on-hold"])
def test_an_order_written_by_mistake_is_entered_in_error_with_its_task(at: Hospital, state: str) -> None:
    prescriber = at.tab(CIDP)
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    if state == "queried":
        pharmacist.press("Ask prescriber", code="weight", note="Right patient?")
    if state in ("verified", "on-hold"):
        pharmacist.press("Verify")
    if state == "on-hold":
        pharmacist.go("course")
        pharmacist.press("Put on hold", code="reaction", note=WHY)
    prescriber.go("course")
    prescriber.press("Written by mistake", note="Meant for the patient in the next bed.")
    wrong = ("entered-in-error", "entered-in-error")
    tasks = [("approve", *wrong), *([("suspend", *wrong)] if state == "on-hold" else [])]
    assert statuses(at) == (["entered-in-error"], ["entered-in-error"], tasks)
    assert prescriber.json["state"] == "entered-in-error"


@pytest.mark.parametrize(
    ("act", "body", "said"),
    [
        ("hold", {"code": "reaction", "note": " "}, "The reason needs a note."),
        ("hold", {"code": "because", "note": "x"}, "The reason is not one of the coded reasons."),
        ("hold", {"code": "ended", "note": "x"}, "The reason is not one of the coded reasons."),
        ("stop", {"note": "x"}, "The reason is not one of the coded reasons."),
        ("recall", {}, "The reason needs a note."),
        ("resume", {"note": "x"}, "An order that is verified cannot be gone on with."),
        ("hold", {"code": "reaction", "note": "x", "version": "1"}, "The order changed in the EHR since this page was opened."),
    ],
)
def test_a_step_without_its_reason_or_out_of_turn_changes_nothing(at: Hospital, act: str, body: dict[str, str], said: str) -> None:
    _, pharmacist = verified(at)
    refused = pharmacist.post(act, body)
    assert (refused.status, said in refused.json["error"]["message"]) == (409, True)
    assert statuses(at) == (["active"], ["active"], [APPROVED])


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ("prescriber", {"hold", "resume", "stop", "complete", "recall"}),
        ("pharmacist", {"hold", "resume", "stop", "complete", "recall"}),
        ("nurse", {"hold", "complete"}),
    ],
)
def test_each_role_may_take_its_own_steps(at: Hospital, user: str, may: set[str]) -> None:
    prescriber, _ = verified(at)
    tab = at.tab(CIDP, user)
    tab.go(f"{APP}/s/{tab.session}/orders/{prescriber.run}/course")
    for act in ("hold", "resume", "stop", "complete", "recall"):
        assert tab.post(act, {}).status == (409 if act in may else 403), act
    assert statuses(at)[0] == ["active"]


def test_a_stranger_sees_no_course(at: Hospital) -> None:
    prescriber, _ = verified(at)
    tab = at.tab(CIDP, "stranger")
    assert tab.go(f"{APP}/s/{tab.session}/orders/{prescriber.run}/course").status == 403


def test_every_step_is_in_the_audit(at: Hospital) -> None:
    prescriber, pharmacist = verified(at)
    pharmacist.press("Put on hold", code="reaction", note=WHY)
    pharmacist.press("Go on with the order", note="Seen by Dr X.")
    pharmacist.press("Stop the order", code="ended", note="Enough.")
    database = Database(connect(at.settings.database_url), KeyRing.read(at.settings.secret_keys))
    with database.read() as tx:
        said = [r.what for r in audit.rows(tx, prescriber.run)]
    assert [w for w in said if w in ("order.on-hold", "order.verified", "order.stopped")] == [
        "order.verified",
        "order.on-hold",
        "order.verified",
        "order.stopped",
    ]
