"""The audit: whatever is done to its rows is noticed."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from ivig_fhir.errors import AuditBroken
from ivig_fhir.store import audit
from ivig_fhir.store.database import Database
from tests.store.a_store import DIGEST, DOCTOR, ISS, NOW, RUN


@pytest.fixture
def five(database: Database) -> Database:
    with database.write() as tx:
        for number in range(5):
            audit.append(tx, NOW, DOCTOR, ISS, f"step.{number}", RUN, DIGEST)
    return database


def tampered(database: Database, *statements: str) -> tuple[str, ...]:
    """What the check says after somebody with the database in hand ran these statements, triggers removed."""
    with database.engine.begin() as raw:
        sqlite = database.engine.dialect.name == "sqlite"
        for trigger in ("audit_no_update", "audit_no_delete") if sqlite else ("audit_append_only ON audit",):
            raw.exec_driver_sql(f"DROP TRIGGER {trigger}")
        for statement in statements:
            raw.exec_driver_sql(statement)
    with database.read() as tx:
        return audit.verify(tx)


def test_an_untouched_chain_holds(five: Database) -> None:
    with five.read() as tx:
        assert audit.verify(tx) == ()
        assert [row.seq for row in audit.rows(tx)] == [1, 2, 3, 4, 5]
        assert audit.rows(tx, "another run") == ()


def test_an_empty_chain_holds(database: Database) -> None:
    with database.read() as tx:
        assert audit.verify(tx) == ()


@pytest.mark.parametrize("column", ["who", "iss", "what", "run", "digest", "note", "at", "previous", "hash"])
def test_a_changed_row_is_noticed(five: Database, column: str) -> None:
    value = "2020-01-01 00:00:00.000000" if column == "at" else "changed"
    assert tampered(five, f"UPDATE audit SET {column} = '{value}' WHERE seq = 3")


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_removed_row_is_noticed_at_the_end_too(five: Database, seq: int) -> None:
    assert tampered(five, f"DELETE FROM audit WHERE seq = {seq}")


def test_reordered_rows_are_noticed(five: Database) -> None:
    swap = [f"UPDATE audit SET seq = {to} WHERE seq = {frm}" for frm, to in ((2, 99), (3, 2), (99, 3))]
    assert tampered(five, *swap)


def test_an_added_row_is_noticed(five: Database) -> None:
    assert tampered(five, "INSERT INTO audit SELECT 6, at, who, iss, what, run, digest, note, hash, hash FROM audit WHERE seq = 5")


def test_a_row_whose_own_hash_was_made_again_breaks_the_next(five: Database) -> None:
    with five.read() as tx:
        forged = replace(audit.rows(tx)[2], who="Practitioner/forger")
    assert tampered(five, f"UPDATE audit SET who = '{forged.who}', hash = '{forged.computed()}' WHERE seq = 3") == (
        "row 4 does not follow row 3",
    )


@pytest.mark.parametrize("head", ["DELETE FROM audit_head", "UPDATE audit_head SET seq = 4"])
def test_a_changed_head_is_noticed(five: Database, head: str) -> None:
    assert tampered(five, head)


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'x'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_a_row(five: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), five.write() as tx:
        tx.conn.exec_driver_sql(statement)


def test_without_its_head_nothing_is_added(five: Database) -> None:
    with five.write() as tx:
        tx.conn.exec_driver_sql("DELETE FROM audit_head")
        with pytest.raises(AuditBroken):
            audit.append(tx, NOW, DOCTOR, ISS, "x")
