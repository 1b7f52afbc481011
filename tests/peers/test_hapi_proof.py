"""Proof: the commands for integrators, run against a real HAPI FHIR server, which nobody here wrote."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from peers.a_peer import Peer

from ivig_fhir.cli import main

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


def count(base: str, type_: str) -> int:
    """How many of a type the server holds, asked past its cache."""
    asked = urllib.request.Request(f"{base}/{type_}?_summary=count", headers={"Cache-Control": "no-cache"})
    with urllib.request.urlopen(asked) as answer:
        return int(json.load(answer)["total"])


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    """Exit code and JSON of a command."""
    code = main([*arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("patient", ["cidp-adult", "cvid-obese"])
def test_the_whole_journey_holds_on_hapi_and_nothing_is_left(hapi: Peer, patient: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, whole = told(capsys, "smoke", hapi.base, "--patient", patient)
    assert [step for step in whole["steps"] if not step["held"]] == []
    assert (code, whole["held"]) == (0, True)
    for type_ in ("Patient", "Practitioner", "MedicationRequest", "Task", "Provenance", "DetectedIssue", "Observation"):
        assert count(hapi.base, type_) == 0


def test_the_doctor_finds_hapi_open_and_as_the_app_needs_it(hapi: Peer, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "smoke", hapi.base, "--keep")[0] == 0
    code, found = told(capsys, "doctor", hapi.base)
    states = {remark["id"]: remark["state"] for remark in found["remarks"]}
    assert {id_: state for id_, state in states.items() if state != "ok"} == {"table": "note", "discovery": "unseen"}
    assert (code, found["profile"], found["write_mode"]["mode"]) == (3, "hapi", "transaction")
    assert "[issuer.development]" in found["entry"]


def test_as_a_development_entry_of_the_table_it_needs_nothing_more(
    hapi: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "issuers.toml"
    table.write_text(told(capsys, "doctor", hapi.base)[1]["entry"], encoding="utf-8")
    monkeypatch.setenv("IVIG_ISSUERS", str(table))
    code, found = told(capsys, "doctor")
    assert (code, found["iss"], found["listed"], found["outcome"]) == (0, hapi.base, True, "note")
