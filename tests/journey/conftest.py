"""A hospital for every test of a journey: app and EHR in one process, a store of its own; the journeys named here on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from journey.a_hospital import Hospital, hospital

# The modules whose journeys stand or fall with what the store keeps.
BOTH = ("test_journey_faults", "test_journey_lost_decisions", "test_journey_once", "test_journey_reply")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each journey of these modules twice."""
    if "at" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in BOTH:
        metafunc.parametrize("at", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hospital]:
    """App, EHR and clock; the app's store is a file of SQLite unless PostgreSQL is asked for."""
    on_postgres = getattr(request, "param", "sqlite") == "postgresql"
    with hospital(tmp_path, **({"IVIG_DATABASE_URL": request.getfixturevalue("postgres")()} if on_postgres else {})) as made:
        yield made
