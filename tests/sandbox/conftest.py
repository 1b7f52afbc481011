"""A sandbox in process with two small charts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox.a_sandbox import ONE, TWO, Clock, Ehr, Fhir

from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import SandboxSettings


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    """A sandbox with two patients."""
    clock = Clock()
    app = create_sandbox(SandboxSettings(cast=None), clock)
    found = Ehr(app, clock)
    assert found.load(*ONE, *TWO).status_code == 201
    yield found
    found.parts.database.close()


@pytest.fixture
def fhir(ehr: Ehr) -> Fhir:
    """The prescriber's client with the first patient in context and everything allowed."""
    return ehr.client(patient="one")
