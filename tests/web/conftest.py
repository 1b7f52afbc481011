"""A hospital for every test of a page: app and EHR in one process, a store of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from journey.a_hospital import Hospital, hospital


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Hospital]:
    """App, EHR and clock."""
    with hospital(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared_at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """The same for tests that leave no trace."""
    with hospital(tmp_path_factory.mktemp("hospital")) as made:
        yield made
