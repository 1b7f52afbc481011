"""Proposes for every real chart and writes which weight each dose stands on, and why, to docs/generated/real-charts.md.

Usage: python scripts/real_charts.py FOLDER [--check]

FOLDER holds patient Bundles (.json, .json.gz), one or several patients a file. With --check nothing is written; 1 when the page is stale.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import Selections
from ivig_fhir.workflow.open_chart import chart_from_document

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "generated" / "real-charts.md"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INDICATIONS = ("cidp", "pi-cvid")
HEAD = """# Real charts: which weight a dose stands on

Made by `python scripts/real_charts.py FOLDER`, for the moment 2026-03-02 09:00 UTC. Every chart was proposed for CIDP and for CVID; no
chart may end the program, and no weight may be taken that is undated, by text alone, implausible or another patient's.

| chart | patient | weight used | from | measured | or why none | CIDP, each infusion | CVID, each infusion |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One patient of one file."""

    chart: str
    patient: str
    proposals: tuple[Proposal, ...]

    def line(self) -> str:
        """The table row."""
        weight = self.proposals[0].weight
        if weight.dosing_kg is None:
            unusable = [e for f in self.proposals[0].findings if f.check in ("weight.missing", "weight.implausible") for e in f.evidence]
            why = "; ".join(f"{e.said} ({e.reference})" for e in unusable)[:200] or "no coded weight in the chart"
            cells = ["none", "", "", why]
        else:
            cells = [
                f"{weight.dosing_kg} kg ({weight.used})",
                weight.source or "",
                weight.effective or "",
                weight.why if weight.used != "actual" else "",
            ]
        doses = [f"{plain(p.dose.per_infusion_g)} g, {p.outcome}" if p.dose else p.outcome for p in self.proposals]
        return "| " + " | ".join(c.replace("|", "/") for c in (self.chart, self.patient, *cells, *doses)) + " |"


def charts(folder: Path) -> Iterator[tuple[str, Any, list[str]]]:
    """(name, parsed document, patient ids) of every file."""
    for path in sorted(p for p in folder.rglob("*") if p.name.endswith((".json", ".json.gz"))):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        document = decode(data)
        entries = document.get("entry", []) if isinstance(document, dict) else []
        ids = [
            str(e["resource"].get("id"))
            for e in entries
            if isinstance(e, dict) and (e.get("resource") or {}).get("resourceType") == "Patient"
        ]
        yield str(path.relative_to(folder)), document, ids


def rows(folder: Path, content: Content) -> Iterator[Row]:
    """Every patient of every chart, proposed."""
    site = Site()
    for name, document, ids in charts(folder):
        for patient in ids:
            chart = chart_from_document(document, patient, content, NOW, site)
            yield Row(name, patient, tuple(propose(chart, Selections(indication=i), content, NOW, site) for i in INDICATIONS))


def page(folder: Path) -> str:
    """The whole page."""
    return HEAD + "\n".join(row.line() for row in rows(folder, load_content(ROOT / "order_sets"))) + "\n"


def main() -> int:
    """Writes or checks the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    made = page(arguments.folder)
    if arguments.check:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
