"""The shared vignettes through `ivig-fhir propose`: every case whose product, indication and checks are built must pass whole."""

from __future__ import annotations

import importlib
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from shipped_content import ORDER_SETS, read_once

from ivig_fhir.cli import main


@pytest.fixture(scope="module")
def runner(shared: Path) -> Any:
    """The runner's own modules, and what is built of the content."""
    pytest.importorskip("yaml")
    folder = str(shared / "vignettes" / "runner")
    sys.path.insert(0, folder)
    try:
        modules: dict[str, ModuleType] = {name: importlib.import_module(name) for name in ("cases", "contract", "run")}
    finally:
        sys.path.remove(folder)
    content = read_once(ORDER_SETS)
    return SimpleNamespace(**modules, content=content, built={c.ref for c in content.checks.values()})


def built_cases(runner: Any, kind: str) -> list[Any]:
    """Cases of a kind whose product, indication and every check under `fire` and `unknown` are built."""
    found = []
    for case in runner.cases.load_all():
        chosen = case.selections
        known = (
            case.kind == kind
            and not case.never
            and chosen["indication"] in runner.content.order_sets
            and chosen["product"] in runner.content.products
        )
        if known and {*(case.expect.get("fire") or {}), *(case.expect.get("unknown") or [])} <= runner.built:
            found.append(case)
    return found


def command(arguments: list[str], stdin: bytes = b"") -> tuple[int, str, str]:
    """The command in this process, as the runner's subprocess caller answers."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
    try:
        with redirect_stdout(out), redirect_stderr(err), patch("ivig_fhir.cli.inputs.load_content", read_once):
            code = main(arguments)
    finally:
        sys.stdin = before
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(("kind", "at_least"), [("dosing", 29), ("blocks", 8), ("checks", 238)])
def test_every_vignette_of_what_is_built_passes(runner: Any, tmp_path: Path, kind: str, at_least: int) -> None:
    todo = built_cases(runner, kind)
    failed = {}
    for case in todo:
        bad, shape = runner.run.run_case(case, command, tmp_path)
        if bad or shape:
            failed[case.id] = [*bad, *shape]
    assert failed == {}
    assert len(todo) >= at_least


def test_the_product_that_is_no_longer_made_is_checked_and_stopped(runner: Any, tmp_path: Path) -> None:
    """The judge leaves these two out, because the product cannot be ordered; its checks hold all the same."""
    gone = [c for c in runner.cases.load_all() if c.selections.get("product") == "carimune-nf"]
    assert len(gone) == 2
    for case in gone:
        case.never = None
        assert runner.run.run_case(case, command, tmp_path) == ([], []), case.id


def test_the_judge_notices_a_wrong_dose(runner: Any, tmp_path: Path) -> None:
    case = built_cases(runner, "dosing")[0]
    case.selections["dose"] = {"per_kg": "1.1", "unit": "g/kg"}
    assert runner.run.run_case(case, command, tmp_path)[0]
