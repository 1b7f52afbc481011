"""The audit: whatever is done to its rows is noticed."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import DBAPIError

from ivig_fhir.errors import AuditBroken
from ivig_fhir.store import audit
from ivig_fhir.store.audit import AuditRow
from ivig_fhir.store.database import Database, Tx
from ivig_fhir.store.tables import AUDIT, AUDIT_HEAD
from tests.store.a_store import DIGEST, DOCTOR, ISS, NOW, RUN
from tests.store.conftest import ring


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
            raw.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_{trigger}")
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


@pytest.mark.parametrize("column", ["who", "iss", "what", "run", "digest", "note", "at", "previous", "hash", "mark"])
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
    assert tampered(five, "INSERT INTO audit SELECT 6, at, who, iss, what, run, digest, note, hash, hash, mark FROM audit WHERE seq = 5")


def test_a_row_whose_own_hash_was_made_again_breaks_the_next(five: Database) -> None:
    with five.read() as tx:
        forged = replace(audit.rows(tx)[2], who="Practitioner/forger")
    assert tampered(five, f"UPDATE audit SET who = '{forged.who}', hash = '{forged.computed()}' WHERE seq = 3") == (
        "row 3 does not carry this app's mark",
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
    columns = "seq, at, 'Practitioner/forger', iss, what, run, digest, note, previous, hash, mark"
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


# ── Whoever has the whole database in hand, and not the secret ────────────────────────────────────────────────────────


def rewritten(database: Database, made: list[AuditRow], *, marks: bool) -> None:
    """Puts these rows, with fitting hashes and head, in the place of the chain; their marks as they were, or taken away."""
    with database.engine.begin() as raw:
        unlocked(database, raw)
        raw.exec_driver_sql("DELETE FROM audit")
        previous = audit.GENESIS
        for seq, row in enumerate(made, start=1):
            bare = replace(row, seq=seq, previous=previous, mark=row.mark if marks else "")
            put = replace(bare, hash=bare.computed())
            raw.execute(insert(AUDIT).values({name: getattr(put, name) for name in AuditRow.__slots__}))
            previous = put.hash
        raw.execute(update(AUDIT_HEAD).values(seq=len(made), hash=previous))


def chain(database: Database) -> list[AuditRow]:
    with database.read() as tx:
        return list(audit.rows(tx))


def looked(database: Database, noted: tuple[int, str] | None = None, *kids: str) -> audit.Checked:
    with replace(database, ring=ring(*(kids or ("k1",)))).read() as tx:
        return audit.check(tx, noted)


@pytest.mark.parametrize("marks", [True, False])
def test_a_chain_that_was_rewritten_as_a_whole_is_noticed(five: Database, marks: bool) -> None:
    forged = [replace(row, who="Practitioner/somebody-else") if row.seq == 2 else row for row in chain(five)]
    rewritten(five, forged, marks=marks)
    assert looked(five).faults


def test_rows_of_before_hold_as_they_did_and_the_first_with_a_mark_binds_them(five: Database) -> None:
    rewritten(five, chain(five), marks=False)
    assert looked(five).faults == (
        "no row carries this app's mark: that is so only until the first act after the update that brought marks",
    )
    with five.write() as tx:
        audit.append(tx, NOW, DOCTOR, ISS, "x")
    found = looked(five)
    assert (found.rows, found.marked_from, found.faults, found.unread) == (6, 6, (), "")
    rows = chain(five)
    rewritten(five, [replace(r, who="Practitioner/somebody-else") if r.seq == 2 else r for r in rows], marks=True)
    assert "row 6 does not carry this app's mark" in looked(five).faults


def test_a_row_without_a_mark_among_rows_with_one_is_noticed(five: Database) -> None:
    rows = chain(five)
    rewritten(five, [*rows, replace(rows[4], mark="")], marks=True)
    assert looked(five).faults == ("row 6 does not carry this app's mark",)


def test_a_tail_that_was_cut_off_is_found_by_whoever_noted_the_head(five: Database) -> None:
    whole = looked(five)
    rewritten(five, chain(five)[:-1], marks=True)
    assert looked(five).faults == ()
    assert looked(five, (whole.last, whole.head)).faults == ("row 5 was noted and is gone: the end of the chain was cut off",)
    with five.write() as tx:
        audit.append(tx, NOW, DOCTOR, ISS, "something else")
    assert looked(five, (whole.last, whole.head)).faults == ("row 5 is not the one that was noted",)


def test_a_chain_that_grew_since_the_head_was_noted_holds(five: Database) -> None:
    noted = looked(five)
    with five.write() as tx:
        audit.append(tx, NOW, DOCTOR, ISS, "x")
    assert looked(five, (noted.last, noted.head)).faults == ()


def test_without_the_key_nobody_says_that_the_chain_holds(five: Database) -> None:
    found = looked(five, None, "k2")
    assert (found.faults, found.unread) == ((), "rows 1 to 5 are marked with the key k1, which is not in IVIG_SECRET_KEYS")
    with replace(five, ring=ring("k2")).read() as tx:
        assert audit.verify(tx) == (found.unread,)


def test_a_key_may_leave_once_a_later_row_is_marked_with_another(five: Database) -> None:
    with replace(five, ring=ring("k2", "k1")).write() as tx:
        audit.append(tx, NOW, DOCTOR, ISS, "x")
    assert looked(five, None, "k2", "k1").faults == ()
    assert (looked(five, None, "k2").faults, looked(five, None, "k2").unread) == ((), "")
    assert looked(five, None, "k1").unread == "rows 6 to 6 are marked with the key k2, which is not in IVIG_SECRET_KEYS"
    forged = [replace(row, who="Practitioner/somebody-else", mark="k1." + "0" * 64) if row.seq == 2 else row for row in chain(five)]
    rewritten(five, forged, marks=True)
    assert "row 6 does not carry this app's mark" in looked(five, None, "k2").faults


# ── Whatever is done at random ───────────────────────────────────────────────────────────────────────────────────────

TEXTS = ("who", "iss", "what", "run", "digest", "note", "previous", "hash", "mark")
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
    copied = "at, who, iss, what, run, digest, note, previous, hash, mark"
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
