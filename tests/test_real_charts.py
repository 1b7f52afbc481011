"""Every chart of the shared data goes through a proposal, and the published table says what came of it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("real_charts", ROOT / "scripts" / "real_charts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["real_charts"] = module
    spec.loader.exec_module(module)
    return module


def test_the_table_of_real_charts_is_fresh(script: ModuleType, shared: Path) -> None:
    assert script.PAGE.read_text(encoding="utf-8") == script.page(shared / "data" / "patients")


def test_no_weight_of_a_real_chart_is_taken_without_a_date_or_from_elsewhere(script: ModuleType, shared: Path) -> None:
    content = script.load_content(ROOT / "order_sets")
    seen = 0
    for row in script.rows(shared / "data" / "patients", content):
        for proposal in row.proposals:
            used = proposal.weight
            seen += 1
            if used.dosing_kg is None:
                assert proposal.outcome == "data-required"
            else:
                assert used.source is not None
                assert used.effective is not None
                assert used.dosing_kg <= used.actual_kg
    assert seen > 150
