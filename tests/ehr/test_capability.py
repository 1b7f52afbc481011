"""What a server declares, read leniently; what it does not say is not declared."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import responses
from an_ehr_server import BASE, outcome
from ehr.a_statement import ALL, declared

from ivig_fhir.ehr.capability import from_statement, read_capabilities
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.modes import write_mode
from ivig_fhir.ehr.profiles import profile, recognised


def test_what_is_declared_is_known_and_nothing_else() -> None:
    found = declared(("Task",))
    assert found.known
    assert found.fhir_version == "4.0.1"
    assert found.can("Task", "create")
    assert not found.can("Task", "delete")
    assert not found.can("Basic", "read")
    assert found.searches("Task", "identifier")
    assert not found.searches("Task", "owner")
    assert found.transaction
    assert not found.batch


@pytest.mark.parametrize(
    "statement",
    [None, [], "x", {}, {"resourceType": "Bundle"}, outcome("exception", "x")],
)
def test_what_is_no_capability_statement_tells_nothing(statement: Any) -> None:
    assert not from_statement(statement).known


@pytest.mark.parametrize(
    "rest",
    [
        None,
        {},
        "x",
        [None],
        [{"resource": "x"}],
        [{"resource": [None, {"type": 3}, {"interaction": [{"code": "read"}]}]}],
        [{"mode": "client"}],
    ],
)
def test_malformed_parts_are_passed_over(rest: Any) -> None:
    found = from_statement({"resourceType": "CapabilityStatement", "rest": rest})
    assert found.known
    assert found.types == {}


@pytest.mark.parametrize("answer", [{"status": 401}, {"status": 404, "body": "<html/>"}, {"status": 200, "body": "<html/>"}])
def test_metadata_that_cannot_be_read_make_the_server_read_only(
    client: FhirClient, fake: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    fake.get(f"{BASE}/metadata", **answer)
    found = read_capabilities(client)
    assert not found.known
    how = write_mode(found, ALL, profile("generic"))
    assert (how.mode, how.writes) == ("read-only", False)
    assert "could not be read" in how.reason


@pytest.mark.parametrize("vendor", ["epic", "cerner"])
def test_the_recorded_statements_of_two_vendors_let_no_order_be_written(shared: Path, vendor: str) -> None:
    files = sorted((shared / "data" / "vendor" / vendor / "server").glob("*apability*"))
    assert files
    for file in files:
        raw = json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
        found = from_statement(raw.get("body", raw))
        assert found.known
        assert found.can("MedicationRequest", "search-type")
        assert recognised(found.software) == {"epic": "epic", "cerner": "oracle"}[vendor]
        assert write_mode(found, ALL, profile("generic")).mode in ("hand-off", "read-only")
