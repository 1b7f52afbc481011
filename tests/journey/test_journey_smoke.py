"""`ivig-fhir smoke`: the journey on a server that may be written to; what held is said, what was made is gone, and a fault is seen."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journey.a_hospital import EHR, ISS, Hospital

from ivig_fhir.app import create_runtime
from ivig_fhir.cli import main
from ivig_fhir.sandbox.cast import read
from ivig_fhir.sandbox.server import bind
from ivig_fhir.sandbox.settings import CAST, SandboxSettings
from ivig_fhir.sandbox.store import LOADED
from ivig_fhir.workflow.smoke import Step, smoke
from ivig_fhir.workflow.smoke_steps import STEPS


def chart(at: Hospital, patient: str = "cidp-adult") -> list[dict[str, Any]]:
    """The patient whom the command loads, as of the hospital's clock."""
    member = next(m for m in read(CAST, at.clock()) if m.id == patient)
    return [entry["resource"] for entry in member.bundle["entry"]]


def visit(at: Hospital, fault: str = "", scope: str = "", patient: str = "cidp-adult", keep: bool = False) -> dict[str, Step]:
    """Every step of one visit by its id."""
    asked = {"user": "prescriber", "fault": fault, "scope": scope}
    token = at.http.get(f"{EHR}/ehr/token", params={k: v for k, v in asked.items() if v}).json()["access_token"]
    runtime = create_runtime(at.settings, at.http, at.clock)
    return {step.id: step for step in smoke(runtime, ISS, token, chart(at, patient), keep)}


def left(at: Hospital) -> list[str]:
    """What clients have made and not taken away."""
    types = (
        "Patient",
        "Practitioner",
        "Observation",
        "Condition",
        "MedicationRequest",
        "Task",
        "Provenance",
        "DetectedIssue",
        "RequestGroup",
    )
    return [h.reference for t in types for h in at.parts.store.candidates(t) if h.method != LOADED and h.body]


def test_on_the_sandbox_everything_holds_and_nothing_is_left(at: Hospital) -> None:
    steps = visit(at)
    assert list(steps) == [*(id_ for id_, _, _ in STEPS), "clear"]
    assert [step for step in steps.values() if not step.held] == []
    assert "32 of 32 fields are as they were sent." in steps["compare"].said
    assert steps["active"].said == "order active, group active, task completed."
    assert left(at) == []


def test_what_is_kept_is_a_verified_order_that_says_it_is_test_data(at: Hospital) -> None:
    steps = visit(at, keep=True)
    assert "clear" not in steps
    made = [h.body for h in at.parts.store.candidates("Patient") if h.method != LOADED and h.body]
    assert [p["meta"]["tag"][0]["code"] for p in made] == ["HTEST"]
    assert [o["status"] for o in at.orders(made[0]["id"])] == ["active"]


def test_a_server_without_transactions_holds_too(at: Hospital) -> None:
    steps = visit(at, fault="no-transaction")
    assert all(steps[id_].held for id_, _, _ in STEPS)
    assert "takes no transactions" in steps["write"].said


def test_a_server_that_loses_the_rate_is_found_out_and_cleared(at: Hospital) -> None:
    steps = visit(at, fault="drops-rate")
    assert steps["write"].held is False
    assert "Pump rate, lowest and highest lost" in steps["write"].said
    assert (steps["verify"].held, steps["verify"].said) == (None, "Not tried.")
    assert steps["clear"].held
    assert left(at) == []


def test_a_server_that_lets_nothing_be_written_says_so_before_anything_is_read(at: Hospital) -> None:
    steps = visit(at, scope="user/*.rs")
    assert steps["load"].held is False
    assert "E-22" in steps["load"].said
    assert "clear" not in steps
    assert left(at) == []


def test_what_could_be_loaded_before_a_refusal_is_taken_away(at: Hospital) -> None:
    steps = visit(at, scope="user/*.rs user/Practitioner.cruds user/Patient.cruds user/Encounter.cruds")
    assert steps["load"].held is False
    assert steps["clear"].held
    assert left(at) == []


def test_an_answer_that_was_lost_while_loading_is_admitted(at: Hospital) -> None:
    steps = visit(at, fault="timeout-after-commit")
    assert steps["load"].said == "The server did not answer; a resource with the tag HTEST may be left there."


def test_a_chart_without_a_weight_stops_at_the_proposal(at: Hospital) -> None:
    steps = visit(at, patient="no-weight")
    assert steps["propose"].held is False
    assert "data-required" in steps["propose"].said
    assert left(at) == []


def test_a_chart_that_forbids_an_order_stops_at_the_proposal_and_says_why(at: Hospital) -> None:
    steps = visit(at, patient="ivig-allergy")
    assert steps["propose"].said.startswith("The proposal is stopped. ")
    assert len(steps["propose"].said) > len("The proposal is stopped. ")
    assert left(at) == []


def test_a_server_that_is_not_there_is_said_in_the_first_step(at: Hospital) -> None:
    runtime = create_runtime(at.settings, None, at.clock)
    steps = list(smoke(runtime, "http://127.0.0.1:9/fhir", "", chart(at)))
    assert [s.held for s in steps] == [False, *[None] * (len(STEPS) - 1)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox EHR that listens."""
    made = bind(SandboxSettings(database=str(tmp_path_factory.mktemp("ehr") / "ehr.sqlite")), "127.0.0.1", 0)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def token(server: str, tmp_path: Path, at: Hospital) -> Path:
    """A token response as curl keeps it."""
    path = tmp_path / "token.json"
    path.write_bytes(at.http.get(f"{server}/ehr/token?user=prescriber").content)
    return path


def test_the_command_prints_each_step_and_ends_with_0(server: str, token: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", f"{server}/fhir", "--token-file", str(token)]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["held"] * (len(STEPS) + 1)
    assert lines[-1] == f"13 of 13 held on {server}/fhir."
    assert said.err == ""


def test_a_server_that_asks_for_a_token_says_that_none_was_given(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", f"{server}/fhir"]) == 1
    said = capsys.readouterr().out
    assert "The server asks for a token, and none was given: --token-file gives one. (E-21)" in said


def test_the_command_as_json_and_the_exit_code_of_what_did_not_hold(server: str, token: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", f"{server}/fhir", "--token-file", str(token), "--patient", "no-weight", "--format", "json"]) == 1
    whole = json.loads(capsys.readouterr().out)
    assert (whole["schema"], whole["base"], whole["held"]) == ("ivig-fhir/smoke/1", f"{server}/fhir", False)
    assert [set(step) for step in whole["steps"]] == [{"id", "claim", "held", "said"}] * len(whole["steps"])
    assert token.read_text() not in json.dumps(whole)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http://ehr.example.org/fhir"], "BASE must be an https address"),
        (["https://u:p@ehr.example.org/fhir"], "BASE must be an https address"),
        (["ehr.example.org"], "BASE must be an https address"),
        (["http://127.0.0.1:9/fhir", "--token-file", "/nowhere"], "cannot be read"),
        (["http://127.0.0.1:9/fhir", "--patient", "nobody"], "There is no patient nobody in the cast; there are cidp-adult"),
    ],
)
def test_wrong_usage_is_one_line_and_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["smoke", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("text", ["", "two words", "{", '{"error":"x"}', "é"])
def test_a_file_that_holds_no_token_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    assert main(["smoke", "http://127.0.0.1:9/fhir", "--token-file", str(path)]) == 2
    assert "holds no bearer token" in capsys.readouterr().err


def test_a_production_installation_writes_no_test_data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("IVIG_ENVIRONMENT", "production")
    monkeypatch.setenv("IVIG_BASE_URL", "https://ivig.example.org")
    monkeypatch.setenv("IVIG_SECRET_KEYS", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    assert main(["smoke", "http://127.0.0.1:9/fhir"]) == 2
    assert "not for a production installation" in capsys.readouterr().err
