"""`ivig-fhir audit verify`: rows, faults and the head; with a noted head it sees a tail that was cut off, without the secret it says so."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ivig_fhir.app import create_database
from ivig_fhir.cli import main
from ivig_fhir.settings import Settings
from ivig_fhir.store import audit
from ivig_fhir.store.database import Tx

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VERIFY = ["audit", "verify"]


@pytest.fixture(autouse=True)
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with three rows."""
    monkeypatch.setenv("IVIG_DATABASE_URL", f"sqlite:///{tmp_path / 'ivig.sqlite'}")
    monkeypatch.setenv("IVIG_SECRET_KEYS", key("k1"))
    with create_database(Settings.from_env()).write() as tx:
        for _ in range(3):
            audit.append(tx, NOW, "Practitioner/doctor", "https://ehr.example.org/fhir", "run.started")


def key(kid: str) -> str:
    return f"{kid}:{base64.b64encode(kid.encode() * 16).decode()}"


def cut(tx: Tx) -> None:
    """Takes the last row off, and puts the head back to the one before."""
    for name in ("no_delete", "head_no_way_back"):
        tx.conn.exec_driver_sql(f"DROP TRIGGER audit_{name}")
    tx.conn.exec_driver_sql("DELETE FROM audit WHERE seq = 3")
    tx.conn.exec_driver_sql("UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)")


def head(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(VERIFY) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first == "3 rows, 0 faults; marked from row 1"
    assert last.startswith("head 3:")
    return last.removeprefix("head ")


def test_a_noted_head_holds_and_finds_a_tail_that_was_cut_off(capsys: pytest.CaptureFixture[str]) -> None:
    noted = head(capsys)
    assert main([*VERIFY, "--head", noted]) == 0
    with create_database(Settings.from_env()).write() as tx:
        cut(tx)
    capsys.readouterr()
    assert main(VERIFY) == 0
    assert "2 rows, 0 faults" in capsys.readouterr().out
    assert main([*VERIFY, "--head", noted]) == 1
    assert "row 3 was noted and is gone: the end of the chain was cut off" in capsys.readouterr().err


def test_another_hash_than_the_one_that_was_noted_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*VERIFY, "--head", f"2:{'0' * 64}"]) == 1
    assert "row 2 is not the one that was noted" in capsys.readouterr().err


@pytest.mark.parametrize("noted", ["3", "x:y", f"0:{'0' * 64}", "3:abc"])
def test_a_head_that_was_not_printed_by_the_check_is_wrong_usage(capsys: pytest.CaptureFixture[str], noted: str) -> None:
    assert main([*VERIFY, "--head", noted]) == 2
    assert "--head is ROW:HASH" in capsys.readouterr().err


def test_without_the_secret_nothing_is_called_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IVIG_SECRET_KEYS")
    assert main(VERIFY) == 2
    said = capsys.readouterr()
    assert "IVIG_SECRET_KEYS is not set: the marks of the audit cannot be verified." in said.err
    assert said.out == ""
    monkeypatch.setenv("IVIG_SECRET_KEYS", key("k2"))
    assert main(VERIFY) == 2
    said = capsys.readouterr()
    assert "rows 1 to 3 are marked with the key k1, which is not in IVIG_SECRET_KEYS" in said.err
    assert "3 rows, 0 faults, not verified to the end" in said.out


def test_another_secret_under_the_same_name_is_a_fault(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVIG_SECRET_KEYS", f"k1:{base64.b64encode(b'x' * 32).decode()}")
    assert main(VERIFY) == 1
    assert "row 1 does not carry this app's mark" in capsys.readouterr().err
