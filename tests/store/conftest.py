"""A fresh store for each test, on SQLite and on PostgreSQL, and the moments and people the tests speak of."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivig_fhir.store.database import Database, connect, migrate
from ivig_fhir.store.seal import KeyRing


def ring(*kids: str) -> KeyRing:
    """A key ring; the same kid is always the same key."""
    return KeyRing.read((kid, base64.b64encode(kid.encode().ljust(32, b"."))) for kid in kids)  # type: ignore[misc]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Both databases that the app supports; each test runs on either."""
    file = f"sqlite:///{tmp_path / 'store' / 'ivig.sqlite'}"
    engine = connect(file if request.param == "sqlite" else request.getfixturevalue("postgres")())
    migrate(engine)
    yield Database(engine, ring("k1"))
    engine.dispose()
