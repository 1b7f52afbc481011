"""The pharmacist's decision as writes: read-modify-write of the server's own JSON, always with If-Match."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from an_approved_order import LATER, PHARMACIST, as_stored, written
from an_order import BASE, RUN

from ivig_fhir.errors import Conflict, StateError
from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.bundle import checked
from ivig_fhir.order.decision import Act, Reason, Stored, decision_transaction, verification_transaction
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import Transaction, resolve, without_types

REASON = Reason("weight", "The weight is to be confirmed", "Is 82 kg from this week?")


def stored(**changes: Any) -> Stored:
    held, _ = as_stored(written())
    order = {**held["medication-request"], **changes}
    return Stored(order, held["request-group"], held["task"])


def decided(state: OrderState, held: Stored | None = None, reason: Reason | None = REASON) -> Transaction:
    return decision_transaction(held or stored(), Act(state, PHARMACIST, LATER, "sha256:seen", BASE, "0.1.0", reason))


def by_role(made: Transaction) -> dict[str, Any]:
    return {e.role: e.resource for e in made.entries}


def verified(held: Stored | None = None) -> Transaction:
    return verification_transaction(held or stored(), PHARMACIST, LATER, "sha256:seen", BASE, "0.1.0")


def test_verification_makes_the_order_active_and_completes_the_task() -> None:
    made = checked(verified())
    parts = by_role(made)
    assert parts["medication-request"]["status"] == "active"
    assert parts["request-group"]["status"] == "active"
    task = parts["task"]
    assert (task["status"], task["businessStatus"], task["owner"]["reference"]) == (
        "completed",
        {"text": "verified"},
        "Practitioner/pharmacist",
    )
    provenance = made.entry("provenance-decision")
    assert provenance is not None
    assert task["output"] == [{"type": {"text": "verified"}, "valueReference": {"reference": provenance.full_url}}]


def test_every_update_names_the_version_that_was_read() -> None:
    updates = [e for e in verified().entries if e.method == "PUT"]
    assert [e.if_match for e in updates] == ['W/"1"'] * 3
    assert all(e.url == f"{e.type}/{e.resource['id']}" for e in updates)


def test_the_provenance_names_the_verifier_what_was_seen_and_is_made_before_the_task() -> None:
    made = verified()
    assert [e.role for e in made.entries] == ["medication-request", "request-group", "provenance-decision", "task"]
    provenance = by_role(made)["provenance-decision"]
    agents = {a["type"]["coding"][0]["code"]: a["who"].get("reference") for a in provenance["agent"]}
    assert agents["verifier"] == "Practitioner/pharmacist"
    assert provenance["entity"][0]["what"]["identifier"]["value"] == "sha256:seen"


def test_everything_else_in_the_stored_order_survives_byte_for_byte() -> None:
    foreign = {"url": "https://payer.example.org/coverage-information", "valueDecimal": Decimal("0.10")}
    order = stored(extension=[foreign]).order
    sent = by_role(verified(stored(extension=[foreign])))["medication-request"]
    changed = ("status", "text")
    assert encode({k: v for k, v in sent.items() if k not in changed}) == encode({k: v for k, v in order.items() if k not in changed})
    assert b"0.10" in encode(sent)
    assert decode(encode(sent))["extension"] == [foreign]


def test_a_query_leaves_the_draft_and_holds_the_task_with_reason_and_note() -> None:
    made = checked(decided(OrderState.QUERIED))
    assert {e.role for e in made.entries} == {"provenance-decision", "task"}
    task = by_role(made)["task"]
    assert (task["status"], task["businessStatus"]["text"]) == ("on-hold", "clarification")
    assert task["statusReason"]["coding"][0]["code"] == "weight"
    assert task["note"] == [
        {"authorReference": {"reference": "Practitioner/pharmacist"}, "time": "2026-03-02T08:54:00+00:00", "text": REASON.note}
    ]
    assert "output" not in task


def test_a_second_query_keeps_the_first_note() -> None:
    held = stored()
    once = by_role(decided(OrderState.QUERIED, held))["task"]
    twice = by_role(decided(OrderState.QUERIED, Stored(held.order, held.group, once)))["task"]
    assert [n["text"] for n in twice["note"]] == [REASON.note, REASON.note]


def test_a_rejection_cancels_the_order_and_revokes_the_group() -> None:
    parts = by_role(checked(decided(OrderState.REJECTED)))
    assert parts["medication-request"]["status"] == "cancelled"
    assert parts["medication-request"]["statusReason"]["text"].endswith(REASON.note)
    assert parts["request-group"]["status"] == "revoked"
    assert parts["task"]["status"] == "rejected"


@pytest.mark.parametrize(
    ("now", "then"), [("requested", "rejected"), ("accepted", "rejected"), ("in-progress", "completed"), ("on-hold", "completed")]
)
def test_a_task_that_was_begun_is_completed_with_the_rejection_as_output(now: str, then: str) -> None:
    held = stored()
    task = by_role(decided(OrderState.REJECTED, Stored(held.order, held.group, {**(held.task or {}), "status": now})))["task"]
    assert task["status"] == then
    assert task["output"][0]["type"]["text"] == "rejected"


@pytest.mark.parametrize("status", ["cancelled", "stopped", "completed", "entered-in-error", "active"])
def test_an_order_that_is_no_draft_any_more_is_not_verified(status: str) -> None:
    with pytest.raises(StateError):
        verified(stored(status=status))


def test_a_task_that_is_over_is_not_decided_again() -> None:
    held = stored()
    with pytest.raises(StateError):
        verified(Stored(held.order, held.group, {**(held.task or {}), "status": "completed"}))


def test_a_query_without_reason_is_refused() -> None:
    with pytest.raises(StateError):
        decided(OrderState.QUERIED, reason=None)


def test_a_resource_without_a_version_is_never_overwritten() -> None:
    with pytest.raises(Conflict):
        verified(stored(meta={}))


def test_an_order_that_is_not_ours_is_not_touched() -> None:
    with pytest.raises(StateError):
        verified(stored(groupIdentifier={"system": "urn:other", "value": "1"}))


def test_an_order_alone_can_be_verified_where_the_server_keeps_no_task_and_group() -> None:
    made = checked(verified(Stored(stored().order)))
    assert [e.role for e in made.entries] == ["medication-request", "provenance-decision"]
    assert made.run == RUN


def test_a_server_without_provenance_gets_the_task_without_its_output() -> None:
    made = without_types(verified(), frozenset({"Task"}))
    assert "output" not in by_role(made)["task"]
    checked(made)


def test_the_decision_one_by_one_fills_in_the_provenance() -> None:
    made = verified()
    provenance = made.entry("provenance-decision")
    task = made.entry("task")
    assert provenance is not None and task is not None
    ready = resolve(task, {provenance.full_url: "Provenance/7"}).resource
    assert ready["output"][0]["valueReference"] == {"reference": "Provenance/7"}
