"""Every chart of the shared data goes through a proposal, and the published table says what came of it."""

from __future__ import annotations

import gzip
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


def test_an_allergy_to_immunoglobulin_in_a_recorded_chart_stops_the_order(script: ModuleType, shared: Path) -> None:
    """Coded in SNOMED as an allergy, not as the drug, and in the words of an EHR."""
    folder = shared / "data" / "vendor" / "cerner" / "patient-12724066"
    bodies = [script.decode(_opened(path)).get("body") for path in sorted(folder.glob("*.json*"))]
    documents = [b for b in bodies if isinstance(b, dict)] + [{"resourceType": "Patient", "id": "12724066"}]
    chart = script.chart_from_document(documents, "12724066", script.load_content(ROOT / "order_sets"), script.NOW, script.Site())
    made = script.propose(chart, script.Selections(indication="cidp"), script.load_content(ROOT / "order_sets"), script.NOW, script.Site())
    [stop] = [f for f in made.hard_stops if f.check == "hypersensitivity.severe-reaction"]
    assert "Allergy to intravenous immunoglobulin" in stop.message


def _opened(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


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
