"""Claims in the store: one a run, on either database, whoever is first; every step in the audit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ivig_fhir.errors import Conflict
from ivig_fhir.store import audit, claims, orders
from ivig_fhir.store.claims import Claim
from ivig_fhir.store.database import Database
from tests.store.a_store import HERE, NOW, OTHER, RUN, WARD, approved

FUNKE, MATS = "Practitioner/funke", "Practitioner/mats"


def a_claim(by: str, status: str = "accepted", run: str = RUN) -> Claim:
    return Claim(run, by, by.rpartition("/")[2], status, NOW)


def take(database: Database, claim: Claim, over: bool = False) -> None:
    with database.write() as tx:
        claims.take(tx, HERE, claim, over)


def held(database: Database) -> Claim | None:
    with database.read() as tx:
        return claims.of(tx, RUN)


def words(database: Database) -> list[str]:
    with database.read() as tx:
        assert audit.verify(tx) == ()
        return [row.what for row in audit.rows(tx) if row.what.startswith("order.") and row.what != "order.approved"]


def test_the_first_one_has_it_and_the_second_is_told_who(database: Database) -> None:
    approved(database)
    take(database, a_claim(MATS))
    with pytest.raises(Conflict) as refused:
        take(database, a_claim(FUNKE))
    assert refused.value.message == "mats works on this order."
    assert held(database) == a_claim(MATS)
    take(database, a_claim(MATS, "in-progress"))
    take(database, a_claim(FUNKE, "in-progress"), over=True)
    assert held(database) == a_claim(FUNKE, "in-progress")
    assert words(database) == ["order.claimed", "order.started", "order.taken-over"]


def test_only_who_has_it_hands_it_back(database: Database) -> None:
    approved(database)
    take(database, a_claim(MATS))
    with database.write() as tx:
        claims.drop(tx, HERE, RUN, FUNKE, NOW)
    assert held(database) == a_claim(MATS)
    with database.write() as tx:
        claims.drop(tx, HERE, RUN, MATS, NOW)
    assert held(database) is None
    assert words(database) == ["order.claimed", "order.released"]


@pytest.mark.parametrize("before", [None, a_claim(MATS)])
def test_what_the_ehr_did_not_take_stands_as_it_stood(database: Database, before: Claim | None) -> None:
    approved(database)
    if before:
        take(database, before)
    made = a_claim(FUNKE)
    take(database, made, over=True)
    with database.write() as tx:
        claims.restore(tx, HERE, made, before, NOW + timedelta(seconds=1))
    assert held(database) == before


def test_states_are_those_of_the_tenancy_and_open_ones_alone_where_asked(database: Database) -> None:
    approved(database)
    approved(database, OTHER, WARD)
    with database.write() as tx:
        assert claims.states(tx, HERE, open_only=True) == {RUN: "approved"}
        assert claims.states(tx, WARD, open_only=True) == {OTHER: "approved"}
        orders.claim_for_write(tx, RUN, MATS, NOW)
        orders.record_write(tx, RUN, "sent", "{}", [], MATS, NOW)
        claims.take(tx, HERE, a_claim(MATS))
        orders.record_decision(tx, RUN, ("sent",), "verified", "{}", MATS, NOW)
        assert claims.states(tx, HERE, open_only=True) == {}
        assert claims.states(tx, HERE, open_only=False) == {RUN: "verified"}
        assert claims.of(tx, RUN) is None


def test_many_bodies_are_read_at_once_and_only_of_the_tenancy(database: Database) -> None:
    approved(database)
    approved(database, OTHER, WARD)
    with database.read() as tx:
        assert orders.bodies(tx, HERE, [RUN, OTHER]) == {RUN: '{"dose": 35.50}'}


def test_a_claim_that_is_put_back_does_not_push_out_who_took_it_over_meanwhile(database: Database) -> None:
    approved(database)
    first, mine, theirs = a_claim(MATS), a_claim(FUNKE), a_claim("Practitioner/third")
    for claim in (first, mine, theirs):
        take(database, claim, over=True)
    with database.write() as tx:
        claims.restore(tx, HERE, mine, first, NOW)
    assert held(database) == theirs
