"""The life of an order: what the table allows, and that nothing else is possible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.errors import StateError
from ivig_fhir.order.states import ENDS, FHIR_STATUS, MOVES, Event, OrderState, allows, fhir_move, move


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
        ("sent", "propose-change", "queried"),
        ("queried", "replace", "cancelled"),
        ("verified", "release", "verified"),
        ("verified", "hold", "on-hold"),
        ("on-hold", "resume", "verified"),
        ("on-hold", "stop", "stopped"),
        ("verified", "complete", "completed"),
        ("sent", "recall", "entered-in-error"),
        ("on-hold", "recall", "entered-in-error"),
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
        ("sent", "hold"),
        ("sent", "replace"),
        ("verified", "resume"),
        ("verified", "replace"),
        ("verified", "cancel"),
        ("on-hold", "hold"),
        ("on-hold", "release"),
        ("on-hold", "complete"),
        ("on-hold", "verify"),
        ("completed", "stop"),
        ("completed", "recall"),
        ("stopped", "resume"),
        ("approved", "recall"),
        ("nowhere", "approve"),
        ("sent", "explode"),
    ],
)
def test_any_other_move_is_refused(state: str, event: str) -> None:
    with pytest.raises(StateError):
        move(state, event)
    assert not allows(state, event)


@given(st.lists(st.sampled_from(list(Event)), max_size=16))
def test_nothing_outside_the_table_is_reachable(events: list[Event]) -> None:
    """From a draft, by any events in any order: only moves of the table, nothing active that was not stored and verified, ends are ends."""
    state, passed = OrderState.PROPOSED, [OrderState.PROPOSED]
    for event in events:
        if not allows(state, event):
            with pytest.raises(StateError):
                move(state, event)
            continue
        assert state not in ENDS
        after = move(state, event)
        assert MOVES[state, event] is after
        if after is OrderState.VERIFIED and event is not Event.RELEASE:
            assert (state, event) in {
                (OrderState.SENT, Event.VERIFY),
                (OrderState.QUERIED, Event.VERIFY),
                (OrderState.ON_HOLD, Event.RESUME),
            }
        state = after
        passed.append(state)
    if {OrderState.VERIFIED, OrderState.ON_HOLD, OrderState.STOPPED, OrderState.COMPLETED} & set(passed):
        assert OrderState.APPROVED in passed
        assert {OrderState.SENT, OrderState.INCOMPLETE} & set(passed)
        assert OrderState.VERIFIED in passed


@pytest.mark.parametrize("state", sorted(ENDS))
def test_an_end_has_no_way_out(state: str) -> None:
    assert not [event for held, event in MOVES if held == state]


def test_every_state_can_be_reached_and_every_state_that_is_no_end_can_be_left() -> None:
    assert {OrderState.PROPOSED, *MOVES.values()} == set(OrderState)
    assert {held for held, _ in MOVES} == set(OrderState) - ENDS


# FHIR R4, by the words of the life cycle: order, group, task, the task's code.
CYCLE = {
    "sent": ("draft", "draft", "requested", "approve"),
    "incomplete": ("draft", "draft", "requested", "approve"),
    "queried": ("draft", "draft", "on-hold", "approve"),
    "verified": ("active", "active", "completed", "approve"),
    "rejected": ("cancelled", "revoked", "rejected", "approve"),
    "cancelled": ("cancelled", "revoked", "cancelled", "approve"),
    "on-hold": ("on-hold", "on-hold", "in-progress", "suspend"),
    "stopped": ("stopped", "revoked", "completed", "abort"),
    "completed": ("completed", "completed", "completed", "approve"),
    "entered-in-error": ("entered-in-error", "entered-in-error", "entered-in-error", "approve"),
}


def test_the_fhir_statuses_of_each_state_in_the_ehr() -> None:
    told = {s.value: (f.medication_request, f.request_group, f.task, f.code) for s, f in FHIR_STATUS.items()}
    assert told == CYCLE


WRITTEN_FROM = {
    Event.VERIFY: {"draft"},
    Event.REJECT: {"draft"},
    Event.REPLACE: {"draft"},
    Event.CANCEL: {"draft", "active", "on-hold"},
    Event.HOLD: {"active"},
    Event.RESUME: {"on-hold"},
    Event.STOP: {"active", "on-hold"},
    Event.COMPLETE: {"active"},
    Event.RECALL: {"draft", "active", "on-hold"},
}
STATUSES = ("active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown", "", "None")


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("now", STATUSES)
def test_an_event_is_written_only_over_the_statuses_that_it_may_leave(now: str, event: Event) -> None:
    if now in WRITTEN_FROM.get(event, set()):
        fhir_move(now, event)
    else:
        with pytest.raises(StateError):
            fhir_move(now, event)
