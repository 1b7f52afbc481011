"""A key of the ring is replaced: everything that was kept opens under the new key alone, and the old one may leave."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from ivig_fhir.errors import AuditBroken, SealBroken
from ivig_fhir.smart.client_keys import make_key
from ivig_fhir.store import audit, client_keys, launches, orders, sessions
from ivig_fhir.store.database import Database
from ivig_fhir.store.reseal import SEALED, reseal
from ivig_fhir.store.sessions import Limits
from ivig_fhir.store.tables import METADATA
from tests.an_ehr import PENDING
from tests.store.a_store import CONTEXT, NOW, RUN, TOKEN, approved
from tests.store.conftest import ring

KEY = make_key("ES384")


def fill(database: Database) -> None:
    """Something in every table that seals."""
    with database.write() as tx:
        launches.keep(tx, "state", "browser", PENDING)
        sessions.start(tx, "sid", "cookie", CONTEXT, "prescriber", TOKEN, NOW)
        client_keys.add(tx, KEY, NOW, NOW - NOW)
    approved(database)


def kids(database: Database) -> set[str]:
    """The keys under which anything is sealed."""
    with database.read() as tx:
        columns = [c for table in METADATA.sorted_tables for c in table.columns if c.name.startswith(SEALED)]
        found = (row[0] for column in columns for row in tx.conn.execute(select(column)) if row[0])
        return {value.partition(".")[0] for value in found}


def test_everything_opens_under_the_new_key_alone(database: Database) -> None:
    fill(database)
    assert kids(database) == {"k1"}
    both = replace(database, ring=ring("k2", "k1"))
    with both.write() as tx:
        moved = reseal(tx, NOW)
    assert set(moved) == {"k1"}
    assert moved["k1"] >= 8
    assert kids(database) == {"k2"}
    alone = replace(database, ring=ring("k2"))
    with alone.write() as tx:
        assert sessions.load(tx, "sid", "cookie", NOW, Limits()).access_token == TOKEN.access_token
        assert client_keys.signing(tx, "ES384", NOW) == KEY
        assert orders.load(tx, CONTEXT.tenancy, RUN).body
        assert launches.take(tx, "state", "browser", NOW) == PENDING
        assert reseal(tx, NOW) == {}


def test_what_does_not_open_stops_it_and_nothing_is_changed(database: Database) -> None:
    fill(database)
    with database.write() as tx:
        tx.conn.execute(text("UPDATE sessions SET sealed_context = sealed_access_token"))
    with pytest.raises(SealBroken), replace(database, ring=ring("k2", "k1")).write() as tx:
        reseal(tx, NOW)
    assert kids(database) == {"k1"}


def test_every_table_that_seals_has_one_column_as_its_key() -> None:
    for table in METADATA.sorted_tables:
        if any(c.name.startswith(SEALED) for c in table.columns):
            assert len(list(table.primary_key)) == 1, table.name


def test_an_audit_that_does_not_hold_keeps_its_keys(database: Database) -> None:
    fill(database)
    with database.engine.begin() as raw:
        for_all = "DROP TRIGGER audit_no_update" if database.engine.dialect.name == "sqlite" else "ALTER TABLE audit DISABLE TRIGGER ALL"
        raw.exec_driver_sql(for_all)
        raw.exec_driver_sql("UPDATE audit SET who = 'x' WHERE seq = 1")
    with pytest.raises(AuditBroken, match="row 1 was changed"), replace(database, ring=ring("k2", "k1")).write() as tx:
        reseal(tx, NOW)
    assert kids(database) == {"k1"}


def test_the_audit_holds_under_the_new_key_alone(database: Database) -> None:
    fill(database)
    with replace(database, ring=ring("k2", "k1")).write() as tx:
        reseal(tx, NOW)
    with replace(database, ring=ring("k2")).read() as tx:
        assert audit.verify(tx) == ()
