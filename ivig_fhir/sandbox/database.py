"""One SQLite connection behind one lock, with transactions that join when nested."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists resource (
    type text not null, id text not null, version integer not null, updated text not null, method text not null,
    deleted integer not null, current integer not null, body text, seq integer primary key autoincrement,
    unique (type, id, version));
create index if not exists resource_current on resource (type, current, seq);
create table if not exists link (type text not null, id text not null, target text not null, primary key (type, id, target));
create index if not exists link_target on link (target, type);
create table if not exists handle (kind text not null, id text not null, expires text not null, body text not null, primary key (kind, id));
create table if not exists patient_note (id text primary key, story text not null, fault text);
create table if not exists meta (key text primary key, value text not null);
"""


class Database:
    """The sandbox's only SQL connection; a writer holds the lock until its transaction ends, so readers never see half of it."""

    def __init__(self, place: str) -> None:
        if place != ":memory:":
            Path(place).parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(place, check_same_thread=False, isolation_level=None)
        self._lock = threading.RLock()
        self._depth = 0
        with self._lock:
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("pragma synchronous = normal")
            self._connection.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing for the statements inside; an exception undoes them and goes on."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("begin immediate")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("rollback")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("commit")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a statement."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of a statement, or None."""
        found = self.rows(sql, *values)
        return found[0] if found else None

    def run(self, sql: str, *values: Any) -> None:
        """A statement without an answer."""
        with self._lock:
            self._connection.execute(sql, values)

    def recall(self, key: str) -> str | None:
        """A remembered text, such as the signing key."""
        found = self.row("select value from meta where key = ?", key)
        return str(found[0]) if found else None

    def remember(self, key: str, value: str) -> None:
        """Keeps a text under a key."""
        self.run("insert or replace into meta (key, value) values (?, ?)", key, value)

    def close(self) -> None:
        """Closes the connection; nothing works afterwards."""
        with self._lock:
            self._connection.close()
