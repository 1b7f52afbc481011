"""The content of this checkout, and copies of it in which a test may plant a fault."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content

ORDER_SETS = Path(__file__).resolve().parents[2] / "order_sets"


@pytest.fixture(scope="session")
def content() -> Content:
    """The content as shipped."""
    return load_content(ORDER_SETS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the content folder, without the releases: what was released may not change."""
    return Path(shutil.copytree(ORDER_SETS, tmp_path / "order_sets", ignore=shutil.ignore_patterns("releases")))


@pytest.fixture
def change(folder: Path) -> Callable[[str, str, str], Path]:
    """Replaces a text that stands in a file of the copy, and gives the copy's folder."""

    def replace(name: str, old: str, new: str) -> Path:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text, f"{name} does not hold {old!r}"
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
        return folder

    return replace


@pytest.fixture(scope="session")
def reference(shared: Path) -> Callable[[str], dict[str, Any]]:
    """A file of the shared reference by name, parsed once."""
    parsed: dict[str, dict[str, Any]] = {}

    def read(name: str) -> dict[str, Any]:
        if name not in parsed:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            parsed[name] = yaml.load((shared / "reference" / name).read_text(encoding="utf-8"), Loader=loader)
        return parsed[name]

    return read
