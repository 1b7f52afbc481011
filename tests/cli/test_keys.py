"""`ivig-fhir keys`: a key is made, shown and ended from the terminal."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ivig_fhir.cli import main


@pytest.fixture(autouse=True)
def _installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVIG_DATABASE_URL", f"sqlite:///{tmp_path / 'ivig.sqlite'}")
    monkeypatch.setenv("IVIG_SECRET_KEYS", "k1:" + base64.b64encode(b"k" * 32).decode())


def listed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    assert main(["keys", "list", "--format", "json"]) == 0
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@22", "@290", "@298", "@299")
@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_key_is_made_and_the_address_to_register_is_said(capsys: pytest.CaptureFixture[str], algorithm: str) -> None:
    assert main(["keys", "new", "--algorithm", algorithm]) == 0
    said = capsys.readouterr().out
    assert "http://127.0.0.1:5000/.well-known/jwks.json" in said
    assert "PRIVATE" not in said
    [key] = listed(capsys)
    assert (key["algorithm"], key["state"]) == (algorithm, "signing")
    assert key["kid"] in said


def test_a_key_is_replaced_without_a_gap(capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "new"])
    main(["keys", "new"])
    capsys.readouterr()
    first, second = sorted(listed(capsys), key=lambda key: key["created"] + key["signs_from"])
    assert [first["state"], second["state"]] == ["signing", "announced"]
    assert main(["keys", "retire", first["kid"]]) == 2
    assert "No other key signs with ES384 yet." in capsys.readouterr().err
    assert main(["keys", "retire", first["kid"], "--at-once"]) == 0
    assert "gone" in capsys.readouterr().out
    assert main(["keys", "list"]) == 0
    assert "0 of 2 keys sign now" in capsys.readouterr().out


@pytest.mark.parametrize("asked", [["keys"], ["keys", "retire"], ["keys", "new", "--algorithm", "RS256"]])
def test_wrong_usage_is_2(asked: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 2


def test_an_unknown_kid_is_2_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "retire", "nothing"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_key_ring_is_rotated_and_the_old_key_may_leave(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    main(["keys", "new"])
    old, new = (f"{kid}:{base64.b64encode(byte * 32).decode()}" for kid, byte in (("k1", b"k"), ("k2", b"n")))
    monkeypatch.setenv("IVIG_SECRET_KEYS", f"{new},{old}")
    assert main(["keys", "reseal"]) == 0
    said = capsys.readouterr().out
    assert "1 values sealed anew; everything is under k2" in said
    assert "k1: 1 values moved; it may leave IVIG_SECRET_KEYS" in said
    monkeypatch.setenv("IVIG_SECRET_KEYS", new)
    assert main(["keys", "reseal"]) == 0
    assert "0 values sealed anew" in capsys.readouterr().out
