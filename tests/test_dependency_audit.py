"""The dependency audit: green only when every pinned package was looked up and none is vulnerable."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script with a lock file of two packages and a search path of its own."""
    spec = importlib.util.spec_from_file_location("audit_script", ROOT / "scripts" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements.lock").write_text("flask==3.1.3 \\\n    --hash=sha256:aa\ntyping_extensions==4.15.0\n")
    monkeypatch.setattr(module, "LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(module, "OUT", tmp_path / "var" / "bill.json")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    return module


def answering(folder: Path, said: str) -> None:
    """A pip-audit that says this and, like the real one, ends with 0 when it skipped everything."""
    tool = folder / "pip-audit"
    tool.write_text(f"#!/bin/sh\n/bin/cat <<'EOF'\n{said}\nEOF\n")
    tool.chmod(0o755)


def package(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1", "vulns": [], **more}


def test_every_package_looked_up_and_none_vulnerable_is_green(script: ModuleType, tmp_path: Path) -> None:
    answering(tmp_path, json.dumps({"dependencies": [package("flask"), package("typing-extensions")]}))
    assert script.audit() == (True, "2 packages audited, none with a known vulnerability")


@pytest.mark.parametrize(
    "said",
    [
        json.dumps({"dependencies": [package("flask"), {"name": "typing-extensions", "skip_reason": "not found"}]}),
        json.dumps({"dependencies": [{"name": "flask", "skip_reason": "x"}, {"name": "typing-extensions", "skip_reason": "x"}]}),
        json.dumps({"dependencies": [package("flask")]}),
        json.dumps({"dependencies": []}),
        "{}",
        "Connection refused",
        "",
    ],
)
def test_a_package_that_was_not_audited_is_never_green(script: ModuleType, tmp_path: Path, said: str) -> None:
    answering(tmp_path, said)
    passed, words = script.audit()
    assert (passed, words.startswith("not audited")) == (False, True)


def test_a_known_vulnerability_is_named_and_fails(script: ModuleType, tmp_path: Path) -> None:
    flask = package("flask", vulns=[{"id": "PYSEC-2026-1"}])
    answering(tmp_path, json.dumps({"dependencies": [flask, package("typing-extensions")]}))
    assert script.audit() == (False, "flask 1: PYSEC-2026-1")


def test_without_the_tool_nothing_was_audited(script: ModuleType) -> None:
    assert script.audit() == (False, "not audited: pip-audit is not installed")


def test_the_bill_of_materials_names_every_pin_with_its_licence(script: ModuleType) -> None:
    made = json.loads(script.bill_of_materials().read_text(encoding="utf-8"))
    assert [(part["name"], part["version"]) for part in made["components"]] == [("flask", "3.1.3"), ("typing_extensions", "4.15.0")]
    assert all(part["licenses"] for part in made["components"])


def test_the_bill_alone_is_written_without_an_audit(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "ivig-fhir"\nversion = "0.1.0"\n', encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["audit.py", "--bill"])
    assert script.main() == 0
    bill = json.loads((tmp_path / "var" / "bill.json").read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "ivig-fhir")
    assert {part["purl"] for part in bill["components"]} == {"pkg:pypi/flask@3.1.3", "pkg:pypi/typing-extensions@4.15.0"}


def test_no_lock_file_holds_an_address_and_every_pin_has_a_hash() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text(encoding="utf-8")
        assert "http" not in text
        pins = [block for block in text.split("\n") if block and not block.startswith((" ", "#"))]
        assert len(pins) > 10
        assert all(line.endswith("\\") for line in pins), lock.name
