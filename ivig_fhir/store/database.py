"""The database: SQLite or PostgreSQL behind one engine, short transactions with the key ring, migrations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from ivig_fhir.errors import SettingsError
from ivig_fhir.store.seal import KeyRing

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Tx:
    """One open transaction: the connection and the key ring. Keep it short, and never across a request to an EHR."""

    conn: Connection
    ring: KeyRing = field(repr=False)


@dataclass(frozen=True)
class Database:
    """Where transactions come from."""

    engine: Engine
    ring: KeyRing = field(repr=False)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that commits when the block ends, and leaves nothing when it raises. Writers wait for one another."""
        with self.engine.begin() as conn:
            yield Tx(conn, self.ring)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A transaction that only reads: it waits for nobody, and nobody waits for it."""
        with self.engine.connect().execution_options(ivig_reads=True) as conn, conn.begin():
            yield Tx(conn, self.ring)


def connect(url: str) -> Engine:
    """An engine for this address; a SQLite file's folder is made. Raises SettingsError for other databases."""
    address = make_url(url)
    kind = address.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise SettingsError("IVIG_DATABASE_URL must be a SQLite or a PostgreSQL address.")
    if kind == "postgresql":
        try:
            return create_engine(address, pool_pre_ping=True)
        except ModuleNotFoundError as error:
            raise SettingsError("The PostgreSQL driver is not installed; its pins are in requirements-postgres.lock.") from error
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address)
    event.listen(engine, "connect", _sqlite_pragmas)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    """WAL, so that readers do not wait; FULL, because an approval that was confirmed must survive a power cut."""
    connection.isolation_level = None  # the driver would begin transactions late, and by its own rules
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(conn: Connection) -> None:
    """Takes the write lock at once: two writers then wait, instead of one failing half way."""
    reads = conn.get_execution_options().get("ivig_reads", False)
    conn.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def migrate(engine: Engine, revision: str = "head") -> None:
    """Brings the tables to a revision, in one transaction; nothing happens where they are there already."""
    with engine.begin() as conn:
        command.upgrade(migration_config(conn), revision)


def migration_config(conn: Connection) -> Config:
    """Alembic's configuration for this connection, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config
