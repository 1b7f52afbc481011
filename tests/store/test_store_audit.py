"""The audit: whatever is done to its rows is noticed."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ivig_fhir.errors import AuditBroken
from ivig_fhir.store import audit
from ivig_fhir.store.database import Database, Tx
from tests.store.a_store import DIGEST, DOCTOR, ISS, NOW, RUN


@pytest.fixture
def five(database: Database) -> Database:
    with database.write() as tx:
        for number in range(5):
            audit.append(tx, NOW, DOCTOR, ISS, f"step.{number}", RUN, DIGEST)
    return database


TRIGGERS = ("no_update", "no_delete", "no_replace", "head_no_delete", "head_no_insert", "head_no_way_back")


def tampered(database: Database, *statements: str) -> tuple[str, ...]:
    """What the check says after somebody with the database in hand ran these statements, triggers removed."""
    with database.engine.begin() as raw:
        unlocked(database, raw)
        for statement in statements:
            raw.exec_driver_sql(statement)
    with database.read() as tx:
        return audit.verify(tx)


def unlocked(database: Database, raw: Connection) -> None:
    """Takes the triggers away, as whoever owns the file can."""
    if database.engine.dialect.name == "sqlite":
        for trigger in TRIGGERS:
            raw.exec_driver_sql(f"DROP TRIGGER audit_{trigger}")
    else:
        for table in ("audit", "audit_head"):
            raw.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")


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


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'x'",
        "DELETE FROM audit",
        "UPDATE audit_head SET seq = 4",
        "UPDATE audit_head SET seq = 7",
        "UPDATE audit_head SET id = 2",
        "DELETE FROM audit_head",
        "INSERT INTO audit_head VALUES (2, 5, 'x')",
    ],
)
def test_the_database_itself_refuses_to_change_a_row(five: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), five.write() as tx:
        tx.conn.exec_driver_sql(statement)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_row_is_not_replaced_by_another_of_its_number(five: Database) -> None:
    columns = "seq, at, 'Practitioner/forger', iss, what, run, digest, note, previous, hash"
    with pytest.raises(DBAPIError, match="append-only"), five.write() as tx:
        tx.conn.exec_driver_sql(f"INSERT OR REPLACE INTO audit SELECT {columns} FROM audit WHERE seq = 3")
    with five.read() as tx:
        assert audit.verify(tx) == ()


@pytest.mark.parametrize("table", ["audit", "audit_head"])
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_postgresql_does_not_empty_the_audit_either(five: Database, table: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), five.write() as tx:
        tx.conn.exec_driver_sql(f"TRUNCATE {table}")


def test_without_its_head_nothing_is_added(five: Database) -> None:
    with five.write() as tx:
        unlocked(five, tx.conn)
        tx.conn.exec_driver_sql("DELETE FROM audit_head")
        with pytest.raises(AuditBroken):
            audit.append(tx, NOW, DOCTOR, ISS, "x")


# ── Whatever is done at random ───────────────────────────────────────────────────────────────────────────────────────

TEXTS = ("who", "iss", "what", "run", "digest", "note", "previous", "hash")
SEQ = st.integers(1, 5)


@st.composite
def deeds(draw: st.DrawFn) -> tuple[str, ...]:
    """What somebody may do to the rows: change, remove, cut off the end, reorder, double, put in between."""
    kind = draw(st.sampled_from(("change", "redate", "remove", "cut", "swap", "double", "insert", "move")))
    one, other = draw(SEQ), draw(SEQ)
    if kind == "change":
        return (f"UPDATE audit SET {draw(st.sampled_from(TEXTS))} = '{draw(st.text('abc0', max_size=9))}' WHERE seq = {one}",)
    if kind == "redate":
        return (f"UPDATE audit SET at = '2026-03-0{draw(st.integers(3, 9))} 09:00:00.000000' WHERE seq = {one}",)
    if kind == "remove":
        return (f"DELETE FROM audit WHERE seq = {one}",)
    if kind == "cut":
        return (f"DELETE FROM audit WHERE seq >= {one}",)
    if kind == "swap":
        return tuple(f"UPDATE audit SET seq = {to} WHERE seq = {frm}" for frm, to in ((one, 99), (other, one), (99, other)))
    if kind == "move":
        return (f"UPDATE audit SET seq = {draw(st.integers(6, 9))} WHERE seq = {one}",)
    copied = "at, who, iss, what, run, digest, note, previous, hash"
    if kind == "double":
        return (f"INSERT INTO audit (seq, {copied}) SELECT 6, {copied} FROM audit WHERE seq = {one}",)
    later = tuple(f"UPDATE audit SET seq = {n + 1} WHERE seq = {n}" for n in range(5, one - 1, -1))
    return (*later, f"INSERT INTO audit (seq, {copied}) SELECT {one}, {copied} FROM audit WHERE seq = {6 if one == 5 else one + 1}")


def dump(raw: Connection) -> tuple[object, ...]:
    return (
        *map(tuple, raw.exec_driver_sql("SELECT * FROM audit ORDER BY seq")),
        *map(tuple, raw.exec_driver_sql("SELECT * FROM audit_head")),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(deeds(), min_size=1, max_size=3))
def test_no_random_deed_on_the_rows_goes_unnoticed(five: Database, done: list[tuple[str, ...]]) -> None:
    with five.engine.connect() as raw, raw.begin() as undone:
        unlocked(five, raw)
        before = dump(raw)
        for statement in (s for deed in done for s in deed):
            try:
                with raw.begin_nested():
                    raw.exec_driver_sql(statement)
            except DBAPIError:  # two rows of one number, which no database takes
                continue
        changed = dump(raw) != before
        said = audit.verify(Tx(raw, five.ring))
        undone.rollback()
    assume(changed)
    assert said
