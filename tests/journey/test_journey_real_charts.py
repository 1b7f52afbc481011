"""Real charts on the whole path: loaded into the EHR, launched, approved with reasons, verified, read back active."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from journey.a_hospital import ISS, Hospital, Tab

from ivig_fhir.fhir.building import decode

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
REASON = {"code": "9", "note": "Seen with the consultant; what is old is drawn again today."}


def opened(path: Path) -> bytes:
    """The file as JSON text."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def launched(at: Hospital, patient: str, indication: str) -> Tab:
    """A prescriber's page with that indication chosen."""
    tab = at.tab(patient)
    assert tab.page.status == 200, tab.page.text[:300]
    assert tab.post("propose", {"indication": indication}).status == 200
    tab.go("./")
    return tab


def signed(tab: Tab, proposal: dict[str, Any]) -> Any:
    """Approves with a reason for each finding that asks for one."""
    asked = [f["check"] for f in proposal["findings"] if f["severity"] == "override"]
    answer = tab.post("approve", {"digest": proposal["digest"], "overrides": [{"check": c, **REASON} for c in asked]})
    assert answer.status == 200, answer.text[:400]
    return answer.json


@pytest.mark.parametrize("chart", CHARTS)
def test_a_real_chart_goes_from_its_launch_to_an_active_order(at: Hospital, shared: Path, chart: str) -> None:
    patient = at.load(opened(shared / "data" / "patients" / chart))["patients"][0]
    tab = launched(at, patient, "cidp")
    proposal = tab.json["proposal"]
    assert proposal["weight"]["source"].startswith("Observation/")
    assert "indication.not-coded" in {f["check"] for f in proposal["findings"]}
    assert signed(tab, proposal)["state"] == "sent"
    pharmacist = at.tab(patient, "pharmacist", target="pharmacy")
    pharmacist.go(f"{tab.run}/")
    assert "Second calculation agrees" in pharmacist.page.text
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    headers = {"Authorization": f"Bearer {at.token('nurse', patient)}"}
    asked = {"patient": patient, "status": "active", "identifier": f"urn:ietf:rfc:3986|urn:uuid:{tab.run}"}
    found = decode(at.http.get(f"{ISS}/MedicationRequest", params=asked, headers=headers).content)
    [order] = [e["resource"] for e in found["entry"]]
    [dose] = [d for d in order["dosageInstruction"][0]["doseAndRate"] if d["type"]["coding"][0]["code"] == "ordered"]
    assert dose["doseQuantity"]["value"] == Decimal(proposal["dose"]["per_infusion_g"])


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_every_real_chart_opens_and_each_that_can_be_ordered_for_is_ordered_and_verified(at: Hospital, shared: Path) -> None:
    seen: dict[str, int] = {}
    for path in sorted(p for p in (shared / "data" / "patients").rglob("*") if p.name.endswith((".json", ".json.gz"))):
        for patient in at.load(opened(path))["patients"]:
            for indication in ("cidp", "pi-cvid"):
                tab = launched(at, patient, indication)
                proposal = tab.json["proposal"]
                seen[proposal["outcome"]] = seen.get(proposal["outcome"], 0) + 1
                if proposal["outcome"] != "proposed":
                    assert "Approve order" not in tab.page.buttons, path
                    continue
                assert signed(tab, proposal)["state"] == "sent", path
                pharmacist = at.tab(patient, "pharmacist", target="pharmacy")
                pharmacist.go(f"{tab.run}/")
                pharmacist.press("Verify")
                assert pharmacist.json["state"] == "verified", path
    assert seen["proposed"] >= 80
    assert seen["data-required"] >= 40
