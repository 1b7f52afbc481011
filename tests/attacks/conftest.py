"""A hospital for every attack, and the wire between app and EHR, on which whatever passes can be seen and bent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from an_ehr_server import Wire
from journey.a_hospital import EHR, Hospital, hospital

from ivig_fhir.sandbox.adapter import SandboxAdapter


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Hospital]:
    """App, EHR and clock."""
    with hospital(tmp_path) as made:
        yield made


@pytest.fixture
def wire(at: Hospital) -> Wire:
    """The wire between app and EHR."""
    made = Wire(SandboxAdapter(at.ehr))
    at.http.mount(EHR, made)
    return made
