"""A hospital for every test of a journey: app and EHR in one process, a store of its own."""

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
