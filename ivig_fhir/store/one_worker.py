"""One worker: whether this process is the only one that delivers from this database; the right ends with the process, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from ivig_fhir.store.database import Database

# Of PostgreSQL's advisory locks the number that is ours: the letters "ivig".
_OURS = int.from_bytes(b"ivig", "big")


@contextmanager
def only_worker(database: Database) -> Iterator[bool]:
    """True while no other process holds this; False, and nothing is held, where one does.

    A lock of the operating system beside the SQLite file, or of the PostgreSQL server: either is gone with a process that dies, so that
    the next one need not wait for a lease to run out.
    """
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as conn:
            held = bool(conn.execute(text("SELECT pg_try_advisory_lock(:ours)"), {"ours": _OURS}).scalar_one())
            conn.rollback()  # the lock belongs to the connection, not to a transaction that would stay open meanwhile
            try:
                yield held
            finally:
                if held:
                    conn.execute(text("SELECT pg_advisory_unlock(:ours)"), {"ours": _OURS})
        return
    with Path(f"{database.engine.url.database}.deliver").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
