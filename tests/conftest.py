"""What all tests share: where the reference data lies, and a PostgreSQL server, where there is one."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from a_cluster import missing, server

from ivig_fhir.store.database import connect

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_collection_finish() -> None:
    """Thousands of collected tests and all modules stay to the end: the collector need not walk them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data: SHARED_DATA, or `shared` beside the checkout; a test that needs it skips where there is none."""
    folder = Path(os.environ.get("SHARED_DATA") or CHECKOUT.parent / "shared")
    if not folder.is_dir():
        pytest.skip("needs the shared reference data (set SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Addresses of stores of their own, each without tables; skips where PostgreSQL is not installed."""
    if missing():
        pytest.skip(missing())
    with server() as folder:

        def address(name: str) -> str:
            return f"postgresql://ivig@/{name}?host={folder}"

        ready = connect(address("postgres")).execution_options(isolation_level="AUTOCOMMIT")
        numbers = itertools.count(1)

        def fresh() -> str:  # a schema is made in no time, a database takes half a second
            name = f"t{next(numbers)}"
            with ready.connect() as conn:
                conn.exec_driver_sql(f"CREATE SCHEMA {name}")
            return f"{address('postgres')}&options=-csearch_path%3D{name}"

        yield fresh
        ready.dispose()
