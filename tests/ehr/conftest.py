"""A sandbox EHR in process, the wire to it that can be cut, and a fake server for answers that no real one gives on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from an_ehr_server import BASE, SANDBOX, TOKEN, Hours, Wire

from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import SandboxSettings


@pytest.fixture(scope="module")
def sandbox() -> Any:
    """A sandbox EHR with its cast, shared by the tests of a module; each writes runs of its own."""
    return create_sandbox(SandboxSettings())


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def wire(sandbox: Any) -> Wire:
    return Wire(SandboxAdapter(sandbox))


@pytest.fixture
def connect(wire: Wire, hours: Hours) -> Callable[..., FhirClient]:
    """A client of the sandbox for one user, patient, fault and scope."""
    http = pooled_session()
    http.mount(SANDBOX, wire)

    def made(user: str = "prescriber", patient: str = "cidp-adult", fault: str = "", scope: str = "") -> FhirClient:
        asked = {"user": user, "patient": patient, "fault": fault, "scope": scope}
        token = http.get(f"{SANDBOX}/ehr/token", params={k: v for k, v in asked.items() if v}).json()["access_token"]
        wire.sent.clear()
        return FhirClient(f"{SANDBOX}/fhir", http, lambda: token, patience=hours.patience())

    return made


@pytest.fixture
def client(hours: Hours) -> FhirClient:
    """A client of the fake server."""
    return FhirClient(BASE, pooled_session(), lambda: TOKEN, patience=hours.patience())


@pytest.fixture
def fake() -> Iterator[responses.RequestsMock]:
    """A server that answers only what a test registers."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as server:
        yield server
