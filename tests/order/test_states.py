"""The life of an order: what the table allows, and that nothing else is possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.errors import StateError
from ivig_fhir.order.states import FHIR_STATUS, MOVES, Event, OrderState, allows, fhir_move, move


def test_the_straight_way_from_proposal_to_verification() -> None:
    state = OrderState.PROPOSED
    for event in (Event.APPROVE, Event.STORE, Event.VERIFY):
        state = move(state, event)
    assert state is OrderState.VERIFIED


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        ("approved", "lose-answer", "uncertain"),
        ("uncertain", "find-nothing", "approved"),
        ("uncertain", "store", "sent"),
        ("approved", "refuse", "approved"),
        ("approved", "store-in-part", "incomplete"),
        ("incomplete", "store", "sent"),
        ("sent", "query", "queried"),
        ("queried", "answer", "sent"),
        ("queried", "verify", "verified"),
        ("sent", "reject", "rejected"),
        ("sent", "cancel", "cancelled"),
    ],
)
def test_a_move_of_the_table(state: str, event: str, after: str) -> None:
    assert move(state, event) == after
    assert allows(state, event)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("proposed", "verify"),
        ("proposed", "store"),
        ("approved", "approve"),
        ("approved", "verify"),
        ("uncertain", "revise"),
        ("uncertain", "cancel"),
        ("uncertain", "verify"),
        ("incomplete", "verify"),
        ("sent", "approve"),
        ("sent", "revise"),
        ("verified", "reject"),
        ("rejected", "verify"),
        ("cancelled", "approve"),
        ("nowhere", "approve"),
        ("sent", "explode"),
    ],
)
def test_any_other_move_is_refused(state: str, event: str) -> None:
    with pytest.raises(StateError):
        move(state, event)
    assert not allows(state, event)


@given(st.lists(st.sampled_from(list(Event)), max_size=12))
def test_nothing_is_verified_that_was_not_approved_and_stored(events: list[Event]) -> None:
    state, passed = OrderState.PROPOSED, set()
    for event in events:
        if (state, event) in MOVES:
            state = move(state, event)
            passed.add(state)
    if state is OrderState.VERIFIED:
        assert {OrderState.APPROVED, OrderState.SENT} <= passed or {
            OrderState.APPROVED,
            OrderState.INCOMPLETE,
            OrderState.QUERIED,
        } <= passed


@pytest.mark.parametrize("state", ["verified", "rejected", "cancelled"])
def test_an_end_has_no_way_out(state: str) -> None:
    assert not [event for held, event in MOVES if held == state]


def test_the_fhir_statuses_of_each_state_in_the_ehr() -> None:
    told = {s.value: (f.medication_request, f.request_group, f.task) for s, f in FHIR_STATUS.items()}
    assert told["sent"] == ("draft", "draft", "requested")
    assert told["queried"] == ("draft", "draft", "on-hold")
    assert told["verified"] == ("active", "active", "completed")
    assert told["rejected"] == ("cancelled", "revoked", "rejected")
    assert "proposed" not in told and "approved" not in told


@pytest.mark.parametrize(
    ("now", "to"), [("completed", "active"), ("cancelled", "active"), ("stopped", "draft"), ("active", "draft"), ("on-hold", "active")]
)
def test_a_medication_request_never_returns_from_its_end_or_to_draft(now: str, to: str) -> None:
    with pytest.raises(StateError):
        fhir_move(now, to)


def test_a_draft_becomes_active_or_cancelled() -> None:
    fhir_move("draft", "active")
    fhir_move("draft", "cancelled")
