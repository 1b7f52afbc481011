"""Real charts on the whole path: loaded into the EHR, launched, approved with reasons, verified, read back active."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey.a_hospital import Hospital, hospital
from journey.a_real_chart import Outcome, charts, is_stopped, is_verified, lacks_data, launched, loaded, table, walked

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "docs" / "generated" / "web-real-charts.md"
INDICATIONS = ("cidp", "pi-cvid")
HEAD = """# Real charts on the whole path

Made by `make proof` (`tests/journey/test_journey_real_charts.py`), for the moment 2026-03-02 09:00 UTC. Each chart was loaded into a sandbox EHR of its own
and went through the pages that people use, for CIDP and then for CVID, whose order finds the first one. What is proposed was approved with a reason
for each finding that asks for one, sent, read back, calculated again from what the EHR stored, verified by a pharmacist, and read as active from the
EHR. What is stopped, or lacks data, offers no approval.

"""

# A Da Vinci chart whose weight is in pounds, the US Core test patient, and generated charts of 61 to 495 resources of two versions.
CHARTS = (
    "davinci-crd/crd_transaction_bundle.json",
    "uscore-inferno/uscore_bundle_patient_client_test.json",
    "synthea-2020/1ae0605d-e5b8-4d6d-a96d-c93dcbd57e06.json.gz",
    "synthea-2020/7d3aec4c-0f8f-4bde-b6c2-37fdb2c537d8.json.gz",
    "synthea-2020/d9427379-943a-42c1-b3d0-6b5056a12696.json.gz",
    "synthea-2020/eed9a33b-24f1-4570-9b72-b18622b85098.json.gz",
    "synthea-2023/5b3645de-a2d0-d016-0839-bab3757c4c58.json.gz",
)


@pytest.mark.parametrize("chart", CHARTS)
def test_a_real_chart_goes_from_its_launch_to_an_active_order(at: Hospital, shared: Path, chart: str) -> None:
    patient = loaded(at, shared / "data" / "patients" / chart)[0]
    [outcome] = walked(at, chart, patient, INDICATIONS[:1])
    assert "Observation/" in outcome.weight
    assert "parts stored, 0 of" in outcome.receipt
    assert outcome.verified == "yes, active"


def test_a_diagnosis_that_a_real_chart_does_not_hold_is_asked_about(at: Hospital, shared: Path) -> None:
    patient = loaded(at, shared / "data" / "patients" / CHARTS[0])[0]
    found = launched(at, patient, "cidp").json["proposal"]["findings"]
    assert [f["severity"] for f in found if f["check"] == "indication.not-coded"] == ["override"]


def test_the_page_of_what_came_of_each_chart_names_every_chart(shared: Path) -> None:
    lines = [line for line in REPORT.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][2:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    folder = shared / "data" / "patients"
    assert {row[0] for row in rows} == {p.relative_to(folder).as_posix() for p in charts(folder)}
    assert {(row[6], ", 0 of " in row[5]) for row in rows if row[5]} == {("yes, active", True)}
    assert {row[4].partition(": ")[0] for row in rows if not row[5]} == {"stopped", "data-required"}


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_every_real_chart_opens_and_each_that_can_be_ordered_for_is_ordered_and_verified(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An EHR for each chart: its searches look through everything that was ever loaded into it."""
    folder, outcomes = shared / "data" / "patients", list[Outcome]()
    found = charts(folder)
    for n, path in enumerate(found, 1):
        name = path.relative_to(folder).as_posix()
        (tmp_path / str(n)).mkdir()
        with hospital(tmp_path / str(n)) as at:
            mine = [o for patient in loaded(at, path) for o in walked(at, name, patient, INDICATIONS)]
        outcomes += mine
        with capsys.disabled():
            print(f"chart {n} of {len(found)}: {name}, {sum(map(is_verified, mine))} of {len(mine)} ordered and verified", flush=True)
    ordered, lacking, stopped = (sum(map(kind, outcomes)) for kind in (is_verified, lacks_data, is_stopped))
    assert ordered + lacking + stopped == len(outcomes)
    assert ordered >= 80
    assert lacking >= 40
    count = f"Of {len(outcomes)} lines {ordered} were ordered, stored whole and verified; {lacking} lack data, {stopped} are stopped.\n\n"
    REPORT.write_text(HEAD + count + table(outcomes), encoding="utf-8")
