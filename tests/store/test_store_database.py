"""The database: migrated, transactional, and silent without its key."""

import base64
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text
from sqlalchemy.exc import StatementError

from ivig_fhir.errors import NotFound, SealBroken, SettingsError
from ivig_fhir.store import audit, launches, orders, outbox, sessions
from ivig_fhir.store.database import Database, connect, migrate, migration_config
from ivig_fhir.store.one_worker import only_worker
from ivig_fhir.store.seal import KeyRing, hashed
from ivig_fhir.store.tables import METADATA
from tests.an_ehr import PENDING
from tests.store.a_store import CONTEXT, HERE, ISS, NOW, OTHER, RUN, TOKEN, WARD, approved, begun, state
from tests.store.conftest import ring


def test_migrating_twice_changes_nothing(database: Database) -> None:
    approved(database)
    migrate(database.engine)
    assert state(database) == "approved"


def test_the_revisions_make_exactly_the_tables(database: Database) -> None:
    with database.engine.begin() as conn:
        command.check(migration_config(conn))


def test_the_first_revision_can_be_taken_back(database: Database) -> None:
    with database.engine.begin() as conn:
        command.downgrade(migration_config(conn), "base")
        left = set(inspect(conn).get_table_names())
    assert not left & set(METADATA.tables)


def test_a_store_from_before_there_were_tenants_keeps_its_runs_and_gives_them_to_none(database: Database) -> None:
    approved(database)
    with database.engine.begin() as conn:
        command.downgrade(migration_config(conn), "0004")
        assert "tenant" not in {column["name"] for column in inspect(conn).get_columns("runs")}
    migrate(database.engine)
    assert state(database) == "approved"
    with database.read() as tx:
        assert orders.load(tx, HERE, RUN).body == '{"dose": 35.50}'
        with pytest.raises(NotFound):
            orders.load(tx, WARD, RUN)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sqlite_is_durable_checked_and_does_not_block_readers(database: Database) -> None:
    with database.engine.connect() as conn:
        values = [conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert values == ["wal", 2, 1]


def test_a_failed_block_leaves_nothing(database: Database) -> None:
    def fails() -> None:
        with database.write() as tx:
            begun(tx)
            raise SealBroken("half way")

    with pytest.raises(SealBroken):
        fails()
    with database.read() as tx:
        assert audit.rows(tx) == ()


def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as tx:
        begun(tx)
        with database.read() as other:
            assert audit.rows(other) == ()


def test_writers_wait_for_one_another(database: Database) -> None:
    """Forty approvals at once: none is lost, and the audit chain holds."""
    runs = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(40)]

    def work(mine: list[str]) -> None:
        for run in mine:
            approved(database, run)

    threads = [threading.Thread(target=work, args=(runs[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert len(audit.rows(tx)) == 80
        assert audit.verify(tx) == ()


def test_a_moment_comes_back_aware_and_in_utc(database: Database) -> None:
    with database.write() as tx:
        audit.append(tx, datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1))), "w", ISS, "x")
    with database.read() as tx:
        assert audit.rows(tx)[0].at == datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
        assert audit.rows(tx)[0].at.utcoffset() == timedelta()


def test_a_naive_moment_is_refused(database: Database) -> None:
    with pytest.raises(StatementError), database.write() as tx:
        outbox.put(tx, RUN, "reconcile", datetime(2026, 3, 2))


@pytest.mark.parametrize("url", ["mysql://x/y", "oracle://x/y"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        connect(url)


def test_a_driver_that_is_not_installed_is_named_and_no_trace_is_shown() -> None:
    with pytest.raises(SettingsError) as refused:
        connect("postgresql+pg8000://ivig@/ivig")
    assert "requirements-postgres.lock" in refused.value.message


# ── Sealing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_sealed_opens_at_its_own_place_only() -> None:
    sealed = ring("k1").seal("canary", "orders|1|body")
    assert "canary" not in sealed
    assert ring("k1").open(sealed, "orders|1|body") == "canary"
    for place in ("orders|2|body", "orders|1|receipt", ""):
        with pytest.raises(SealBroken):
            ring("k1").open(sealed, place)


def test_the_same_text_is_never_sealed_the_same() -> None:
    assert ring("k1").seal("x", "p") != ring("k1").seal("x", "p")


@pytest.mark.parametrize("spoiled", ["", "k1.", "k1.!!!", "k1.AAAA", "k9.AAAA", "AAAA"])
def test_a_spoiled_value_does_not_open(spoiled: str) -> None:
    with pytest.raises(SealBroken):
        ring("k1").open(spoiled, "p")


def test_any_changed_byte_is_noticed() -> None:
    kid, _, body = ring("k1").seal("canary", "p").partition(".")
    raw = base64.b64decode(body)
    for position in range(len(raw)):
        changed = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        with pytest.raises(SealBroken):
            ring("k1").open(f"{kid}.{base64.b64encode(changed).decode()}", "p")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old = ring("k1").seal("canary", "p")
    both = ring("k2", "k1")
    assert both.open(old, "p") == "canary"
    assert both.seal("x", "p").startswith("k2.")
    with pytest.raises(SealBroken):
        ring("k2").open(old, "p")


@pytest.mark.parametrize("pairs", [[], [("k", "short")], [("k", base64.b64encode(b"x" * 31).decode())], [("k", "é" * 44)]])
def test_a_ring_without_good_keys_is_refused_without_the_value(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(SettingsError) as refused:
        KeyRing.read(pairs)
    assert all(value not in refused.value.message for _, value in pairs)


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@8", "@9", "@90")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_stolen_database_without_the_key_gives_nothing(database: Database) -> None:
    with database.write() as tx:
        launches.keep(tx, "canary-state", "canary-browser", PENDING)
        sessions.start(tx, "canary-session", "canary-cookie", CONTEXT, "prescriber", TOKEN, NOW)
    approved(database)
    database.engine.dispose()
    folder = Path(str(database.engine.url.database)).parent
    stolen = b"".join(path.read_bytes() for path in folder.iterdir())
    assert hashed("canary-session").encode() in stolen
    for secret in (b"anary", PENDING.verifier.encode(), PENDING.nonce.encode(), b"cidp", b"35.50", b"Bundle"):
        assert secret not in stolen, secret


def test_a_row_moved_to_another_place_does_not_open(database: Database) -> None:
    with database.write() as tx:
        begun(tx)
        begun(tx, OTHER)
        tx.conn.execute(
            text("UPDATE runs SET sealed_selections = (SELECT sealed_selections FROM runs WHERE run = :a) WHERE run = :b"),
            {"a": RUN, "b": OTHER},
        )
    assert state(database) == "proposed"
    with pytest.raises(SealBroken):
        state(database, OTHER)


def test_one_worker_delivers_from_a_database(database: Database) -> None:
    with only_worker(database) as first:
        assert first
        with only_worker(database) as second:
            assert not second
    with only_worker(database) as again:
        assert again
