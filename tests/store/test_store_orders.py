"""Runs and orders: nothing lost between launches, one write for any number of clicks, no resend of an unknown fate."""

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from ivig_fhir.errors import Conflict, NotFound, StateError
from ivig_fhir.order.states import ENDS, MOVES, Event, OrderState
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit, flights, kept_charts, orders, outbox, proposals
from ivig_fhir.store.database import Database, Tx
from ivig_fhir.store.orders import LEASE, text_digest
from ivig_fhir.store.tables import FLIGHTS
from tests.store.a_store import DIGEST, DOCTOR, ELSEWHERE, HERE, NOW, OTHER, PHARMACIST, RUN, WARD, approved, begun, state

SECOND = timedelta(seconds=1)


def claimed(database: Database, run: str = RUN) -> None:
    approved(database, run)
    with database.write() as tx:
        assert orders.claim_for_write(tx, run, DOCTOR, NOW)


# ── Drafts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unsent_draft_is_still_there_at_the_next_launch(database: Database) -> None:
    with database.write() as tx:
        run = begun(tx)
        proposals.save(tx, run, '{"days": 4}', '[{"check": "x"}]', "82.0", NOW + SECOND)
    with database.read() as tx:
        (found,) = proposals.open_runs(tx, HERE, "pat-1", DOCTOR)
    assert (found.selections, found.overrides, found.weight, found.version) == ('{"days": 4}', '[{"check": "x"}]', "82.0", 2)


def test_a_run_is_offered_to_its_user_for_its_patient_at_its_ehr_and_tenant_only(database: Database) -> None:
    with database.write() as tx:
        begun(tx)
        assert proposals.open_runs(tx, HERE, "pat-2", DOCTOR) == ()
        assert proposals.open_runs(tx, HERE, "pat-1", PHARMACIST) == ()
        for other in (ELSEWHERE, WARD):
            assert proposals.open_runs(tx, other, "pat-1", DOCTOR) == ()


@pytest.mark.parametrize("given", [{"tenancy": ELSEWHERE}, {"tenancy": WARD}, {"patient": "pat-2"}, {"run": OTHER}])
def test_a_run_of_somebody_else_is_not_found(database: Database, given: dict[str, Any]) -> None:
    with database.write() as tx:
        begun(tx)
        with pytest.raises(NotFound):
            proposals.load(tx, **{"tenancy": HERE, "run": RUN, "patient": "pat-1", **given})


def test_a_run_begins_once(database: Database) -> None:
    with database.write() as tx:
        begun(tx)
    with pytest.raises(IntegrityError), database.write() as tx:
        begun(tx)


def test_two_tabs_do_not_overwrite_each_other(database: Database) -> None:
    with database.write() as tx:
        read = begun(tx)
        proposals.save(tx, read, '{"days": 4}', "[]", "", NOW)
        with pytest.raises(Conflict):
            proposals.save(tx, read, '{"days": 5}', "[]", "", NOW)
        assert proposals.load(tx, HERE, RUN).selections == '{"days": 4}'


@pytest.mark.parametrize("to", ["uncertain", "sent", "incomplete", "queried", "verified", "rejected", "cancelled"])
def test_what_may_have_reached_the_ehr_is_no_draft(database: Database, to: str) -> None:
    with database.write() as tx:
        run = begun(tx)
        with pytest.raises(StateError):
            proposals.save(tx, replace(run, state=to), "{}", "[]", "", NOW)
        assert proposals.move(tx, RUN, ("proposed",), to, NOW)
        with pytest.raises(Conflict):
            proposals.save(tx, run, "{}", "[]", "", NOW)


# ── Approval ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_approval_is_kept_byte_for_byte(database: Database) -> None:
    order = approved(database)
    assert (order.state, order.digest, order.approved_by, order.approved_at) == ("approved", DIGEST, DOCTOR, NOW)
    assert order.body == '{"dose": 35.50}'
    assert order.body_digest == text_digest('{"dose": 35.50}')
    assert order.transaction_digest == text_digest(order.transaction)
    with database.read() as tx:
        assert orders.load(tx, HERE, RUN) == order
        assert [(row.what, row.who, row.digest) for row in audit.rows(tx, RUN)][-1] == ("order.approved", DOCTOR, DIGEST)


def test_approving_twice_is_one_approval(database: Database) -> None:
    approved(database)
    with database.write() as tx:
        run = replace(proposals.load(tx, HERE, RUN), version=1, state="proposed")
        with pytest.raises(Conflict):
            orders.approve(tx, run, DIGEST, "another body", "", "{}", PHARMACIST, NOW)
    with database.read() as tx:
        assert orders.load(tx, HERE, RUN).approved_by == DOCTOR
        assert [row.what for row in audit.rows(tx)].count("order.approved") == 1


def test_what_changed_since_it_was_on_screen_is_not_approved(database: Database) -> None:
    with database.write() as tx:
        read = begun(tx)
        proposals.save(tx, read, '{"days": 5}', "[]", "", NOW)
    with pytest.raises(Conflict), database.write() as tx:
        orders.approve(tx, read, DIGEST, "b", "", "{}", DOCTOR, NOW)
    assert state(database) == "proposed"


def test_revising_an_approval_that_never_left_makes_it_a_draft_that_can_be_approved_again(database: Database) -> None:
    approved(database)
    with database.write() as tx:
        run = proposals.save(tx, proposals.load(tx, HERE, RUN), '{"days": 5}', "[]", "", NOW)
        assert run.state == "proposed"
        assert not orders.claim_for_write(tx, RUN, DOCTOR, NOW)
        assert orders.approve(tx, run, DIGEST, "new body", "", "{}", DOCTOR, NOW).body == "new body"
        assert "order.revised" in [row.what for row in audit.rows(tx)]


@pytest.mark.parametrize("other", [ELSEWHERE, WARD])
def test_an_order_of_another_ehr_or_tenant_is_not_found(database: Database, other: Tenancy) -> None:
    approved(database)
    with database.read() as tx, pytest.raises(NotFound):
        orders.load(tx, other, RUN)


# ── The write ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_double_click_sends_one(database: Database) -> None:
    approved(database)
    won: list[bool] = []
    together = threading.Barrier(8)

    def click() -> None:
        together.wait()
        with database.write() as tx:
            won.append(orders.claim_for_write(tx, RUN, DOCTOR, NOW))

    threads = [threading.Thread(target=click) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_nothing_is_sent_without_an_approval(database: Database) -> None:
    with database.write() as tx:
        begun(tx)
        assert not orders.claim_for_write(tx, RUN, DOCTOR, NOW)
        assert outbox.waiting(tx) == ()


def test_from_the_claim_on_the_fate_is_uncertain_so_a_dead_process_leaves_the_truth(database: Database) -> None:
    claimed(database)
    assert state(database) == "uncertain"
    with database.read() as tx:
        assert [(d.run, d.kind, d.tenancy) for d in outbox.waiting(tx)] == [(RUN, "reconcile", HERE)]


@pytest.mark.parametrize(("after", "free"), [(LEASE - SECOND, False), (LEASE, True)])
def test_nobody_looks_for_an_order_that_may_still_be_on_its_way(database: Database, after: timedelta, free: bool) -> None:
    claimed(database)
    with database.write() as tx:
        assert orders.claim_for_reconcile(tx, RUN, PHARMACIST, NOW + after) is free
        assert not orders.claim_for_reconcile(tx, RUN, DOCTOR, NOW + after)


def test_a_lost_reply_can_be_looked_into_at_once_when_the_write_gave_up(database: Database) -> None:
    claimed(database)
    with database.write() as tx:
        orders.release(tx, RUN, NOW)
        assert orders.claim_for_reconcile(tx, RUN, DOCTOR, NOW)
        assert not orders.claim_for_write(tx, RUN, DOCTOR, NOW), "never resent before it was looked for"
        assert outbox.claim(tx, NOW) is not None


def test_what_is_found_is_settled_and_what_is_not_found_may_be_sent_again(database: Database) -> None:
    claimed(database)
    claimed(database, OTHER)
    with database.write() as tx:
        orders.record_write(tx, RUN, "sent", '{"stored": 9}', ["Task/2", "MedicationRequest/1"], DOCTOR, NOW)
        orders.record_unsent(tx, OTHER, DOCTOR, NOW, "not-found")
        assert [(d.run, d.kind, d.state) for d in outbox.waiting(tx)] == [(OTHER, "send", "waiting")]
        assert orders.load(tx, HERE, OTHER).lease_until is None
        assert orders.claim_for_write(tx, OTHER, DOCTOR, NOW)
    with database.read() as tx:
        order = orders.load(tx, HERE, RUN)
    assert (order.state, order.receipt, order.resources) == ("sent", '{"stored": 9}', ("MedicationRequest/1", "Task/2"))


def test_what_was_sent_by_another_path_replaces_what_was_prepared(database: Database) -> None:
    claimed(database)
    with database.write() as tx:
        order = orders.record_write(tx, RUN, "incomplete", "{}", [], DOCTOR, NOW, transaction="[1, 2]")
    assert (order.state, order.transaction, order.transaction_digest) == ("incomplete", "[1, 2]", text_digest("[1, 2]"))


def test_a_write_that_nobody_claimed_or_approved_cannot_be_settled(database: Database) -> None:
    with database.write() as tx:
        begun(tx)
        with pytest.raises(StateError):
            orders.record_write(tx, RUN, "sent", "{}", [], DOCTOR, NOW)
        with pytest.raises(StateError):
            orders.record_unsent(tx, RUN, DOCTOR, NOW)


def test_two_pharmacists_decide_once(database: Database) -> None:
    claimed(database)
    with database.write() as tx:
        orders.record_write(tx, RUN, "sent", "{}", [], DOCTOR, NOW)
        order = orders.record_decision(tx, RUN, ("sent", "queried"), "verified", '{"by": "x"}', PHARMACIST, NOW)
        assert (order.state, order.verification) == ("verified", '{"by": "x"}')
        with pytest.raises(Conflict):
            orders.record_decision(tx, RUN, ("sent", "queried"), "rejected", "{}", "Practitioner/second", NOW)
    with database.read() as tx:
        story = [(row.what, row.who) for row in audit.rows(tx, RUN)]
        assert proposals.open_runs(tx, HERE, "pat-1", DOCTOR) == ()
    assert story == [
        ("run.started", DOCTOR),
        ("order.approved", DOCTOR),
        ("order.sending", DOCTOR),
        ("order.sent", DOCTOR),
        ("order.verified", PHARMACIST),
    ]


def test_the_worklist_of_our_own_lists_the_oldest_first(database: Database) -> None:
    claimed(database)
    claimed(database, OTHER)
    with database.read() as tx:
        assert [run.run for run in proposals.in_state(tx, HERE, ("uncertain",))] == sorted([RUN, OTHER])
        assert proposals.in_state(tx, HERE, ("sent",)) == ()


def test_two_tenants_of_one_ehr_keep_their_orders_apart_through_the_whole_life_of_one(database: Database) -> None:
    """The same base, patient and person; each order is settled where it belongs, and found nowhere else."""
    approved(database)
    approved(database, OTHER, WARD)
    with database.write() as tx:
        assert [[run.run for run in proposals.open_runs(tx, place, "pat-1", DOCTOR)] for place in (HERE, WARD)] == [[RUN], [OTHER]]
        assert orders.claim_for_write(tx, OTHER, DOCTOR, NOW)
        assert [(d.run, str(d.tenancy)) for d in outbox.waiting(tx)] == [(OTHER, "https://ehr.example.org/fhir tenant ward-7")]
        due = outbox.claim(tx, NOW + LEASE)
        assert due is not None
        assert due.tenancy == WARD
        orders.record_write(tx, OTHER, "sent", "{}", [], DOCTOR, NOW)
        assert orders.hold_decision(tx, OTHER, ("sent",), "{}", PHARMACIST, NOW)
        assert [orders.undecided(tx, place, NOW + LEASE) for place in (HERE, WARD)] == [(), (OTHER,)]
        assert orders.record_decision(tx, OTHER, ("sent",), "verified", "{}", PHARMACIST, NOW).state == "verified"
        assert [[run.run for run in proposals.in_state(tx, place, ("approved", "verified"))] for place in (HERE, WARD)] == [[RUN], [OTHER]]
        assert [(place, run) for place, run, _ in kept_charts.pending(tx)] == [(HERE, RUN)]


def test_the_moves_of_the_store_are_moves_of_the_core() -> None:
    """The claim is a write whose answer may get lost; what settles it is in the table of states too."""
    assert MOVES[OrderState.APPROVED, Event.LOSE_ANSWER] == "uncertain"
    assert MOVES[OrderState.UNCERTAIN, Event.FIND_NOTHING] == "approved"
    assert MOVES[OrderState.UNCERTAIN, Event.STORE] == "sent"
    assert MOVES[OrderState.UNCERTAIN, Event.STORE_IN_PART] == "incomplete"
    assert MOVES[OrderState.APPROVED, Event.REVISE] == "proposed"
    assert set(proposals.OPEN) | {OrderState.SENT, OrderState.VERIFIED} == set(OrderState) - ENDS


# ── One order of a patient at a time, by the keys of a table ─────────────────────────────────────────────────────────


def second_run(database: Database, user: str = PHARMACIST) -> None:
    """Another run for the patient of the first, of another person."""
    with database.write() as tx:
        proposals.start(tx, OTHER, HERE, "pat-1", user, NOW)


def approve_second(tx: Tx) -> orders.Order:
    return orders.approve(tx, proposals.load(tx, HERE, OTHER), DIGEST, "b", "t", "{}", PHARMACIST, NOW, to_send=True)


def test_an_approval_its_text_its_place_in_the_outbox_and_its_audit_row_are_one_commit(database: Database) -> None:
    with database.write() as tx:
        run = begun(tx)
    with suppress(ZeroDivisionError), database.write() as tx:
        orders.approve(tx, run, DIGEST, "b", "t", "{}", DOCTOR, NOW, to_send=True)
        raise ZeroDivisionError
    with database.read() as tx:
        assert (outbox.waiting(tx), flights.aloft(tx, HERE, "pat-1"), state(database)) == ((), None, "proposed")
        assert "order.approved" not in [row.what for row in audit.rows(tx)]
    with database.write() as tx:
        orders.approve(tx, run, DIGEST, "b", "t", "{}", DOCTOR, NOW, to_send=True)
    with database.read() as tx:
        assert [(d.run, d.kind, d.patient, d.due) for d in outbox.waiting(tx)] == [(RUN, "send", "pat-1", NOW + LEASE)]
        assert orders.load(tx, HERE, RUN).transaction == "t"
        assert [row.what for row in audit.rows(tx, RUN)][-1] == "order.approved"


def test_the_database_itself_refuses_a_second_order_of_a_patient_that_is_on_its_way(database: Database) -> None:
    approved(database, to_send=True)
    second_run(database)
    row = {"run": OTHER, "iss": HERE.iss, "tenant": HERE.tenant, "patient": "pat-1"}
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.conn.execute(insert(FLIGHTS).values(row))
    with pytest.raises(IntegrityError), database.write() as tx:
        tx.conn.execute(insert(FLIGHTS).values({**row, "run": RUN, "patient": "pat-9"}))


def test_two_people_who_approve_at_one_moment_for_one_patient_approve_one_order(database: Database) -> None:
    with database.write() as tx:
        begun(tx)
    second_run(database)
    won: list[str] = []
    refused: list[str] = []
    together = threading.Barrier(2)

    def approve(run: str, by: str) -> None:
        with database.read() as tx:
            read = proposals.load(tx, HERE, run)
        together.wait()
        try:
            with database.write() as tx:
                orders.approve(tx, read, DIGEST, "b", "t", "{}", by, NOW, to_send=True)
            won.append(run)
        except Conflict as error:
            refused.append(error.message)

    threads = [threading.Thread(target=approve, args=pair) for pair in ((RUN, DOCTOR), (OTHER, PHARMACIST))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert refused == [orders.ON_ITS_WAY]
    with database.read() as tx:
        assert [d.run for d in outbox.waiting(tx)] == won
        assert flights.aloft(tx, HERE, "pat-1") == won[0]


@pytest.mark.parametrize("how", ["stored", "revised", "unknown", "left to a person"])
def test_the_next_order_may_follow_once_the_first_is_no_longer_on_its_way(database: Database, how: str) -> None:
    approved(database, to_send=True)
    second_run(database)
    with pytest.raises(Conflict), database.write() as tx:
        approve_second(tx)
    with database.write() as tx:
        if how == "revised":
            proposals.save(tx, proposals.load(tx, HERE, RUN), "{}", "[]", "", NOW)
            assert outbox.waiting(tx) == ()
        elif how == "left to a person":
            orders.leave(tx, RUN, "expired", "late")
        else:
            assert orders.claim_for_write(tx, RUN, DOCTOR, NOW)
    if how in ("stored", "unknown"):
        with pytest.raises(Conflict), database.write() as tx:
            approve_second(tx)
    with database.write() as tx:
        if how == "stored":
            orders.record_write(tx, RUN, "sent", "{}", [], DOCTOR, NOW)
        if how == "unknown":
            orders.release(tx, RUN, NOW)
        assert approve_second(tx).state == "approved"


def test_what_is_found_not_to_be_there_does_not_set_out_again_while_another_one_is_on_its_way(database: Database) -> None:
    claimed(database)
    second_run(database)
    with database.write() as tx:
        orders.release(tx, RUN, NOW)
        approve_second(tx)
        orders.record_unsent(tx, RUN, DOCTOR, NOW, "not found")
        assert not orders.claim_for_write(tx, RUN, DOCTOR, NOW)
        assert {d.run: d.state for d in outbox.waiting(tx)} == {RUN: "stuck", OTHER: "waiting"}


# ── The outbox ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_worker_has_it_until_its_lease_is_over(database: Database) -> None:
    claimed(database)
    due = NOW + LEASE
    with database.write() as tx:
        assert outbox.claim(tx, due - SECOND) is None
        first = outbox.claim(tx, due)
        assert first is not None
        assert (first.run, first.attempts) == (RUN, 1)
        assert outbox.claim(tx, due + outbox.LEASE - SECOND) is None
        again = outbox.claim(tx, due + outbox.LEASE)
        assert again is not None
        assert again.attempts == 2


def test_attempts_wait_longer_and_longer_and_then_for_a_person(database: Database) -> None:
    claimed(database)
    now = NOW + LEASE
    for minutes in (1, 2, 4, 8, 16, 32, 60):
        with database.write() as tx:
            delivery = outbox.claim(tx, now)
            assert delivery is not None
            outbox.later(tx, delivery, now, "E-28")
            assert outbox.claim(tx, now + timedelta(minutes=minutes) - SECOND) is None
        now += timedelta(minutes=minutes)
    with database.write() as tx:
        last = outbox.claim(tx, now)
        assert last is not None
        assert last.attempts == outbox.MOST_ATTEMPTS
        outbox.later(tx, last, now, "E-28")
        assert outbox.claim(tx, now + timedelta(days=1)) is None
        assert [(d.run, d.state) for d in outbox.waiting(tx)] == [(RUN, "stuck")]


def test_what_nobody_may_settle_waits_without_a_failed_attempt(database: Database) -> None:
    approved(database, to_send=True)
    for _ in range(2 * outbox.MOST_ATTEMPTS):
        with database.write() as tx:
            delivery = outbox.claim(tx, NOW + LEASE)
            assert delivery is not None
            assert (delivery.kind, delivery.attempts) == ("send", 1)
            outbox.wait(tx, delivery, NOW + LEASE, "no-token")
            assert [(d.state, d.error) for d in outbox.waiting(tx)] == [("waiting", "no-token")]


def test_an_order_keeps_its_attempts_from_sending_to_looking_and_back(database: Database) -> None:
    """Else one that the EHR refuses to answer would be sent for ever, and never wait for a person."""
    approved(database, to_send=True)
    with database.write() as tx:
        assert outbox.claim(tx, NOW + LEASE)
        assert orders.claim_for_write(tx, RUN, DOCTOR, NOW + LEASE)
        orders.release(tx, RUN, NOW + LEASE)
        orders.record_unsent(tx, RUN, DOCTOR, NOW + LEASE)
        again = outbox.claim(tx, NOW + LEASE)
    assert again is not None
    assert (again.kind, again.attempts) == ("send", 2)


def test_the_outbox_of_one_patient_shows_nobody_elses(database: Database) -> None:
    approved(database, to_send=True)
    with database.read() as tx:
        assert [d.run for d in outbox.waiting(tx, HERE, "pat-1")] == [RUN]
        assert outbox.waiting(tx, HERE, "pat-2") == outbox.waiting(tx, WARD, "pat-1") == ()


def test_the_oldest_due_comes_first(database: Database) -> None:
    claimed(database)
    claimed(database, OTHER)
    with database.write() as tx:
        outbox.put(tx, OTHER, "reconcile", NOW)
        first, second = outbox.claim(tx, NOW + LEASE), outbox.claim(tx, NOW + LEASE)
    assert first is not None
    assert second is not None
    assert (first.run, second.run) == (OTHER, RUN)
