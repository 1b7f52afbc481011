"""The terminal: a command as a person types it, in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ivig_fhir.cli import main

ORDER_SETS = Path(__file__).resolve().parents[2] / "order_sets"


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@pytest.fixture
def ivig(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs `ivig-fhir` with these words."""

    def run(*words: str) -> Said:
        code = main(words)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the content without its releases, which the commands take for the content."""
    copy = Path(shutil.copytree(ORDER_SETS, tmp_path / "order_sets", ignore=shutil.ignore_patterns("releases")))
    monkeypatch.setenv("IVIG_CONTENT", str(copy))
    return copy


@pytest.fixture
def change(folder: Path) -> Callable[[str, str, str], None]:
    """Replaces a text that stands in a file of the copy."""

    def replace(name: str, old: str, new: str) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text, f"{name} does not hold {old!r}"
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace
