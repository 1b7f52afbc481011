"""A fresh store in a file of its own, and the moments and people the tests speak of."""

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


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    engine = connect(f"sqlite:///{tmp_path / 'store' / 'ivig.sqlite'}")
    migrate(engine)
    yield Database(engine, ring("k1"))
    engine.dispose()
