"""What counts as a call: malformed ones are refused by name, whatever is not used is ignored, recorded ones are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.cds.requests import body_of, hook_request
from ivig_fhir.errors import BadRequest

NEEDED = ("userId", "patientId")
Json = dict[str, Any]


def test_a_complete_call_is_read(firing: Callable[..., Json]) -> None:
    asked = hook_request(firing("cidp-adult", {"patient": None}), "patient-view", NEEDED)
    assert (asked.patient_id, asked.user, str(asked.instance)) == ("cidp-adult", "Practitioner/1", "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea")
    assert asked.prefetch == {"patient": None}


def test_unknown_members_and_extensions_are_ignored(firing: Callable[..., Json]) -> None:
    more = {"extension": {"com.example.version": "1"}, "somethingNew": [1]}
    assert hook_request(firing("p1", **more), "patient-view", NEEDED).patient_id == "p1"


def test_a_call_without_prefetch_has_an_empty_one(firing: Callable[..., Json]) -> None:
    assert hook_request(firing("p1"), "patient-view", NEEDED).prefetch == {}


def test_an_access_token_is_not_kept(firing: Callable[..., Json]) -> None:
    given = {"access_token": "a-secret", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.rs", "subject": "cds"}
    asked = hook_request(firing("p1", fhirAuthorization=given, fhirServer="https://ehr.example.org/fhir"), "patient-view", NEEDED)
    assert "a-secret" not in repr([getattr(asked, name) for name in asked.__slots__])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hook": "order-sign"}, "hook"),
        ({"hook": None}, "hook"),
        ({"hookInstance": "d1577c69"}, "hookInstance"),
        ({"hookInstance": None}, "hookInstance"),
        ({"hookInstance": 7}, "hookInstance"),
        ({"context": None}, "context"),
        ({"context": []}, "context"),
        ({"context": {"userId": "Practitioner/1"}}, "patientId"),
        ({"context": {"patientId": "p1"}}, "userId"),
        ({"context": {"patientId": "../metadata", "userId": "Practitioner/1"}}, "patientId"),
        ({"context": {"patientId": 12, "userId": "Practitioner/1"}}, "patientId"),
        ({"context": {"patientId": "p1", "userId": "Dr Who"}}, "userId"),
        ({"prefetch": [1]}, "prefetch"),
        ({"fhirAuthorization": "token"}, "fhirAuthorization"),
        ({"fhirAuthorization": {"access_token": "x", "token_type": "Bearer"}}, "fhirServer"),
        ({"fhirAuthorization": {"access_token": "x", "token_type": "Bearer"}, "fhirServer": "http://ehr.example.org"}, "fhirServer"),
    ],
)
def test_a_malformed_call_is_refused_and_the_member_named(firing: Callable[..., Json], change: Json, named: str) -> None:
    with pytest.raises(BadRequest) as refused:
        hook_request(firing("p1", **change), "patient-view", NEEDED)
    assert named in refused.value.message


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest):
        body_of(data)


def test_recorded_calls_of_other_hooks_are_read_by_the_same_rules(shared: Path) -> None:
    read = 0
    for file in sorted((shared / "data/cds-hooks").glob("*.json")):
        try:
            recorded = body_of(file.read_bytes())
        except BadRequest:
            continue
        if "hookInstance" not in recorded or not isinstance(recorded.get("prefetch", {}), dict):
            continue
        if "patientId" not in recorded["context"] or "userId" not in recorded["context"]:
            continue
        assert hook_request(recorded, recorded["hook"], NEEDED).patient_id == recorded["context"]["patientId"]
        with pytest.raises(BadRequest):
            hook_request(recorded, "patient-view", NEEDED)
        read += 1
    assert read >= 3


def test_numbers_of_a_body_keep_their_digits() -> None:
    assert str(body_of(json.dumps({"value": 0}).replace("0", "82.0").encode())["value"]) == "82.0"
