"""A pharmacist's decision: kept before it is sent, one at a time, and never forgotten while its fate is open."""

from datetime import timedelta

import pytest

from ivig_fhir.store import orders, outbox
from ivig_fhir.store.database import Database
from ivig_fhir.store.orders import LEASE
from tests.store.a_store import DOCTOR, ELSEWHERE, HERE, NOW, PHARMACIST, RUN, WARD, approved, state

SECOND = timedelta(seconds=1)


@pytest.fixture
def sent(database: Database) -> Database:
    approved(database)
    with database.write() as tx:
        assert orders.claim_for_write(tx, RUN, DOCTOR, NOW)
        orders.record_write(tx, RUN, "sent", "{}", (), DOCTOR, NOW)
    return database


def held(database: Database, expected: str = "sent") -> bool:
    with database.write() as tx:
        return orders.hold_decision(tx, RUN, (expected,), '{"to": "canary"}', PHARMACIST, NOW)


def test_one_decision_is_under_way_at_a_time(sent: Database) -> None:
    assert held(sent)
    assert not held(sent)
    with sent.read() as tx:
        assert orders.load(tx, HERE, RUN).decision == '{"to": "canary"}'
    assert state(sent) == "sent"


def test_an_order_in_another_state_than_the_decision_was_made_on_is_not_decided(sent: Database) -> None:
    assert not held(sent, expected="queried")
    with sent.read() as tx:
        assert orders.load(tx, HERE, RUN).decision == ""


def test_nobody_looks_for_a_decision_that_is_still_being_sent(sent: Database) -> None:
    held(sent)
    with sent.read() as tx:
        assert orders.undecided(tx, HERE, NOW + LEASE - SECOND) == ()
        assert orders.undecided(tx, HERE, NOW + LEASE) == (RUN,)
        for other in (ELSEWHERE, WARD):
            assert orders.undecided(tx, other, NOW + LEASE) == ()


def test_a_lost_answer_makes_it_free_to_look_for_at_once_and_the_outbox_lists_it(sent: Database) -> None:
    held(sent)
    with sent.write() as tx:
        orders.release(tx, RUN, NOW, kind="decision")
        assert orders.undecided(tx, HERE, NOW) == (RUN,)
        assert [(d.run, d.kind) for d in outbox.waiting(tx)] == [(RUN, "decision")]


def test_a_recorded_decision_is_no_longer_open(sent: Database) -> None:
    held(sent)
    with sent.write() as tx:
        made = orders.record_decision(tx, RUN, ("sent",), "verified", '{"decision": "verified"}', PHARMACIST, NOW)
        assert (made.state, made.decision, made.lease_until) == ("verified", "", None)
        assert orders.undecided(tx, HERE, NOW + LEASE) == ()
        assert outbox.waiting(tx) == ()


def test_a_decision_that_is_not_in_the_ehr_leaves_the_order_as_it_stood(sent: Database) -> None:
    held(sent)
    with sent.write() as tx:
        orders.drop_decision(tx, RUN, NOW)
        assert orders.load(tx, HERE, RUN).decision == ""
        assert outbox.waiting(tx) == ()
    assert state(sent) == "sent"
    assert held(sent)


def test_what_a_decision_says_is_sealed_at_rest(sent: Database) -> None:
    held(sent)
    with sent.read() as tx:
        assert "canary" not in str(tx.conn.exec_driver_sql("SELECT sealed_decision FROM orders").scalar())


def test_one_at_a_time_looks_for_a_decision_and_only_once_its_sender_is_gone(sent: Database) -> None:
    with sent.write() as tx:
        assert not orders.claim_decision(tx, RUN, NOW)
    held(sent)
    with sent.write() as tx:
        assert not orders.claim_decision(tx, RUN, NOW + LEASE - SECOND)
        assert orders.claim_decision(tx, RUN, NOW + LEASE)
        assert not orders.claim_decision(tx, RUN, NOW + LEASE)
        orders.end_claim(tx, RUN)
        assert orders.claim_decision(tx, RUN, NOW + LEASE)


def test_a_claim_lasts_as_long_as_its_writes_go_on(sent: Database) -> None:
    held(sent)
    with sent.write() as tx:
        orders.keep_claim(tx, RUN, NOW + LEASE - SECOND)
        assert not orders.claim_decision(tx, RUN, NOW + LEASE)
        assert outbox.claim(tx, NOW + LEASE) is None
        assert orders.claim_decision(tx, RUN, NOW + 2 * LEASE - SECOND)


def test_what_nobody_writes_is_not_claimed_by_going_on(sent: Database) -> None:
    with sent.write() as tx:
        orders.keep_claim(tx, RUN, NOW)
        assert orders.load(tx, HERE, RUN).lease_until is None


def test_one_at_a_time_sends_what_an_incomplete_order_lacks(database: Database) -> None:
    approved(database)
    with database.write() as tx:
        assert orders.claim_for_write(tx, RUN, DOCTOR, NOW)
        assert not orders.claim_for_completion(tx, RUN, DOCTOR, NOW + LEASE)
        orders.record_write(tx, RUN, "incomplete", "{}", (), DOCTOR, NOW)
        assert orders.claim_for_completion(tx, RUN, DOCTOR, NOW)
        assert not orders.claim_for_completion(tx, RUN, PHARMACIST, NOW + LEASE - SECOND)
        assert orders.claim_for_completion(tx, RUN, PHARMACIST, NOW + LEASE)
