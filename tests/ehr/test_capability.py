"""What a server declares, and how an order is therefore written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses
from an_ehr_server import BASE, outcome

from ivig_fhir.ehr import profiles
from ivig_fhir.ehr.capability import Capabilities, from_statement, read_capabilities
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.profiles import WRITTEN, Mode, ServerProfile, names, profile, recognised, write_mode
from ivig_fhir.errors import SettingsError

ALL = {(type_, letter): "yes" for type_ in WRITTEN for letter in "crus"}


def declared(
    types: Any = WRITTEN, system: tuple[str, ...] = ("transaction",), parameters: tuple[str, ...] = ("identifier",)
) -> Capabilities:
    interactions = [{"code": c} for c in ("read", "create", "search-type")]
    rows = [
        {"type": t, "interaction": interactions, "conditionalCreate": True, "searchParam": [{"name": p} for p in parameters]} for t in types
    ]
    rest = {"mode": "server", "resource": rows, "interaction": [{"code": c} for c in system]}
    return from_statement({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]})


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


def test_the_sandbox_declares_what_it_takes_to_write_in_one_transaction(connect: Callable[..., FhirClient]) -> None:
    how = write_mode(read_capabilities(connect()), ALL, profile("sandbox"))
    assert how.mode == "transaction"
    assert how.abilities.creates == frozenset(WRITTEN)
    assert how.abilities.finds == frozenset(WRITTEN) - {"Provenance"}


def test_a_server_that_takes_no_transactions_is_written_to_one_by_one(connect: Callable[..., FhirClient]) -> None:
    how = write_mode(read_capabilities(connect(fault="no-transaction")), ALL, profile("sandbox"))
    assert (how.mode, how.atomic) == ("sequential", False)


def without(type_: str, letter: str, verdict: str | None = None) -> dict[tuple[str, str], str]:
    return {**{k: v for k, v in ALL.items() if k != (type_, letter)}, **({(type_, letter): verdict} if verdict else {})}


@pytest.mark.parametrize(
    ("capabilities", "granted", "mode"),
    [
        (declared(), ALL, "transaction"),
        (declared(system=()), ALL, "sequential"),
        (declared(system=("batch",)), ALL, "sequential"),
        (declared(set(WRITTEN) - {"MedicationRequest"}), ALL, "hand-off"),
        (declared(), without("MedicationRequest", "c"), "hand-off"),
        (declared(), without("MedicationRequest", "c", "partial"), "hand-off"),
        (declared(()), ALL, "read-only"),
        (declared(), {}, "read-only"),
        (Capabilities(), ALL, "read-only"),
    ],
)
def test_the_way_of_writing_follows_what_is_declared_and_granted(
    capabilities: Capabilities, granted: dict[tuple[str, str], str], mode: Mode
) -> None:
    how = write_mode(capabilities, granted, profile("generic"))
    assert how.mode == mode
    assert how.reason.endswith(".")


def test_a_type_that_cannot_be_created_is_left_out_and_named() -> None:
    how = write_mode(declared(set(WRITTEN) - {"Task"}), without("Provenance", "c"), profile("generic"))
    assert how.mode == "transaction"
    assert how.abilities.creates == frozenset(WRITTEN) - {"Task", "Provenance"}
    assert how.reason.endswith("Not stored in the EHR: Provenance, Task.")


def test_without_a_right_to_read_the_order_it_is_said_that_nothing_can_be_read_back() -> None:
    assert "cannot be read back" in write_mode(declared(), without("MedicationRequest", "r"), profile("generic")).reason


@pytest.mark.parametrize(
    ("choice", "parameters", "finds"),
    [("declared", ("identifier",), True), ("declared", ("status",), False), ("yes", (), True), ("no", ("identifier",), False)],
)
def test_only_what_is_found_by_identifier_is_created_conditionally(choice: Any, parameters: tuple[str, ...], finds: bool) -> None:
    known = replace(profile("generic"), found_by_identifier=choice)
    how = write_mode(declared(parameters=parameters), ALL, known)
    assert ("MedicationRequest" in (how.abilities.finds or ())) is finds
    assert "Provenance" not in (how.abilities.finds or ())


@pytest.mark.parametrize(
    ("changes", "mode"),
    [
        ({"transaction": "no"}, "sequential"),
        ({"conditional_limit": 8}, "sequential"),
        ({"never_created": frozenset({"MedicationRequest"})}, "hand-off"),
    ],
)
def test_what_a_server_is_known_for_counts_more_than_what_it_declares(changes: dict[str, Any], mode: Mode) -> None:
    assert write_mode(declared(), ALL, replace(profile("generic"), **changes)).mode == mode


def test_a_known_transaction_needs_no_declaration() -> None:
    assert write_mode(declared(system=()), ALL, replace(profile("generic"), transaction="yes")).mode == "transaction"


@pytest.mark.parametrize(
    ("software", "name"),
    [
        ("HAPI FHIR Server 8.8.0", "hapi"),
        ("Epic February 2026", "epic"),
        ("Oracle Health implementation of FHIR on top of Millennium", "oracle"),
        ("medplum 4.5.2", "medplum"),
        ("Sandbox EHR", None),
        ("Another server 1.0", None),
        ("", None),
    ],
)
def test_a_server_is_recognised_by_what_it_calls_itself(software: str, name: str | None) -> None:
    assert recognised(software) == name


@pytest.mark.parametrize("name", ["epic", "oracle"])
def test_no_order_goes_to_a_server_that_would_make_something_else_of_it(name: str) -> None:
    assert write_mode(declared(), ALL, profile(name)).mode == "hand-off"


def test_a_server_that_limits_its_transactions_is_written_to_one_by_one() -> None:
    assert write_mode(declared(), ALL, profile("medplum")).mode == "sequential"


@pytest.mark.parametrize("name", names())
def test_every_profile_is_complete_and_says_where_each_line_is_known_from(name: str) -> None:
    found: ServerProfile = profile(name)
    assert found.name == name
    assert all(len(text) > 10 for text in found.evidence.values())


def test_a_profile_that_does_not_exist_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError) as caught:
        profile("../generic")
    assert "hapi" in caught.value.message


FULL = (profiles.FOLDER / "generic.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "generic"', 'name = "other"'), ("[atomic]", "[surprise]"), ("value = true", 'value = "true"'), ('["bare"]', '["odd"]'),
        ('["bare"]', "[]"), ('"declared"', '"perhaps"'), ("value = 0", "value = true"),
    ],
)  # fmt: skip
def test_a_profile_with_a_fault_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    assert old in FULL
    (tmp_path / "broken.toml").write_text(
        FULL.replace('name = "generic"', 'name = "broken"', 1).replace(old.replace("generic", "broken"), new, 1)
    )
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    with pytest.raises(SettingsError):
        profile("broken")


def test_a_profile_line_without_evidence_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line if not line.startswith("evidence") else 'evidence = ""' for line in FULL.splitlines()]
    (tmp_path / "bare.toml").write_text("\n".join(lines).replace('name = "generic"', 'name = "bare"'))
    monkeypatch.setattr(profiles, "FOLDER", tmp_path)
    with pytest.raises(SettingsError) as caught:
        profile("bare")
    assert "evidence" in caught.value.message


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
