"""Every resource that the app writes, read by somebody who reads only its narrative."""

from __future__ import annotations

from typing import Any

import pytest
from a_narrative import faults, paragraphs
from an_approved_order import LATER, OVERRIDE, PHARMACIST, PRESCRIBER, as_stored, signed, written
from an_order import BASE, content, finding, proposal

from ivig_fhir.order.bundle import Abilities, transaction
from ivig_fhir.order.claim import Step, claimed_task
from ivig_fhir.order.course import Step as CourseStep
from ivig_fhir.order.course_writes import course_transaction
from ivig_fhir.order.decision import Act, Reason, Stored, answer_transaction, decision_transaction
from ivig_fhir.order.states import MOVES, Event, OrderState
from ivig_fhir.order.transaction import sequential
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.resources import proposal_bundle

REASON = Reason("weight", "The weight is to be confirmed", "Was it < 80 kg & dry?")


def wrong(resources: Any) -> dict[str, list[str]]:
    """The faults of each narrative by type and number."""
    found = {f"{r['resourceType']} {i}": faults(r) for i, r in enumerate(resources)}
    return {name: what for name, what in found.items() if what}


def overridden() -> list[dict[str, Any]]:
    made = proposal(findings=(finding("renal.reduced-function", "override"), finding("renal.risk-factors", "warning")))
    done = transaction(made, signed(made, (OVERRIDE,)), content(), proposal_context(made, BASE, "0.1.0"), Abilities())
    return [e.resource for e in done.entries]


def test_every_part_of_an_approved_order_tells_what_it_codes() -> None:
    assert wrong(e.resource for e in written().entries) == {}
    assert wrong(overridden()) == {}


def test_every_part_of_a_proposal_tells_what_it_codes_and_that_it_is_no_order() -> None:
    made = [
        e["resource"]
        for e in proposal_bundle(proposal(findings=(finding("renal.risk-factors", "warning"),)), content(), BASE, "0.1.0")["entry"]
    ]
    assert wrong(made) == {}
    assert {paragraphs(r)[0] for r in made if r.get("intent")} == {"Proposal, draft"}


def test_a_finding_that_was_overridden_tells_the_reason_and_who_gave_it() -> None:
    [issue] = [r for r in overridden() if r["resourceType"] == "DetectedIssue" and "renal.reduced-function" in str(r["code"])]
    assert any(OVERRIDE.note in line and PRESCRIBER.display in line for line in paragraphs(issue))


@pytest.mark.parametrize(
    ("state", "order", "group", "task"),
    [
        (OrderState.VERIFIED, "Order, active", "Order, active", "Order, completed, verified"),
        (OrderState.QUERIED, None, None, "Order, on-hold, clarification"),
        (OrderState.REJECTED, "Order, cancelled", "Order, revoked", "Order, rejected, rejected"),
        (OrderState.CANCELLED, "Order, cancelled", "Order, revoked", "Order, cancelled, cancelled"),
    ],
)
def test_after_a_decision_no_narrative_says_what_was_true_before(
    state: OrderState, order: str | None, group: str | None, task: str
) -> None:
    held, _ = as_stored(written())
    stored = Stored(held["medication-request"], held["request-group"], held["task"])
    reason = None if state == OrderState.VERIFIED else REASON
    made = decision_transaction(stored, Act(state, PHARMACIST, LATER, "sha256:seen", BASE, "0.1.0", reason))
    assert wrong(e.resource for e in made.entries) == {}
    first = {e.role: paragraphs(e.resource)[0] for e in made.entries}
    for role, said in (("medication-request", order), ("request-group", group), ("task", task)):
        assert (role in first) == (said is not None)
        assert said is None or first[role].startswith(said)


def test_an_answer_is_told_among_the_notes_of_the_task() -> None:
    held, _ = as_stored(written())
    made = answer_transaction(Stored(held["medication-request"], None, held["task"]), PRESCRIBER, LATER, "Weighed again: 82 kg.")
    assert wrong(e.resource for e in made.entries) == {}
    assert "Weighed again: 82 kg." in paragraphs(made.entries[0].resource)[-1]


def test_whoever_works_on_an_order_is_told_and_whoever_gave_it_back_is_not() -> None:
    held, _ = as_stored(written())
    claimed = claimed_task(held["task"], Step.CLAIM, PHARMACIST, LATER)
    assert paragraphs(claimed)[0] == "Order, accepted, awaiting-verification"
    assert f"Owner: {PHARMACIST.display}" in paragraphs(claimed)
    back = claimed_task(claimed, Step.RELEASE, PHARMACIST, LATER)
    assert wrong([claimed, back]) == {}
    assert PHARMACIST.display not in " ".join(paragraphs(back))


@pytest.mark.parametrize("event", [Event.HOLD, Event.STOP, Event.RECALL])
def test_the_course_of_a_verified_order_is_told_by_all_that_changes(event: Event) -> None:
    held, _ = as_stored(written())
    order, group = ({**held[role], "status": "active"} for role in ("medication-request", "request-group"))
    step = CourseStep(event, MOVES[OrderState.VERIFIED, event], PRESCRIBER, LATER, REASON)
    made = course_transaction(Stored(order, group, {**held["task"], "status": "completed"}), step, BASE, "0.1.0")
    assert wrong(e.resource for e in made.entries) == {}
    assert not any("Order, active" in paragraphs(e.resource)[0] for e in made.entries)


def test_a_group_tells_only_of_actions_that_the_server_takes() -> None:
    whole = written()
    part = written(Abilities(creates=frozenset({"MedicationRequest", "RequestGroup", "Task"})))
    for made, labs in ((whole, True), (part, False)):
        group = made.entry("request-group")
        assert group is not None
        assert faults(group.resource) == []
        assert ("lood count" in " ".join(paragraphs(group.resource))) is labs


def test_parts_sent_one_by_one_tell_what_they_code() -> None:
    assert wrong(e.resource for e in sequential(written())) == {}


def test_a_narrative_that_was_left_behind_is_found() -> None:
    [order, *_] = [e.resource for e in written().entries]
    assert faults(order) == []
    assert "status is not told: stopped" in faults({**order, "status": "stopped"})
    assert faults({k: v for k, v in order.items() if k != "text"}) == ["it has no generated narrative"]
    assert faults({**order, "note": []}) != []
