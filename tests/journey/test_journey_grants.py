"""What the EHR did not grant is said, never passed over: each type that is not read, each that is not written, a grant in part."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey.a_hospital import ROOT, Tab, hospital

from ivig_fhir.chart.queries import QUERIES, TYPES
from ivig_fhir.ehr.modes import WRITTEN
from ivig_fhir.smart.scopes import wanted

CIDP = "cidp-adult"
ASKED = wanted([q.scope for q in QUERIES])
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def tab_with(folder: Path, scopes: list[str]) -> Tab:
    """A prescriber's page in an EHR that grants these scopes."""
    path = folder / "issuers.toml"
    text = (ROOT / "issuers.toml").read_text(encoding="utf-8")
    path.write_text(
        text.replace('iss = "http://127.0.0.1:5001/fhir"', f'iss = "http://127.0.0.1:5001/fhir"\nscopes = {scopes}'), encoding="utf-8"
    )
    with hospital(folder, issuers=path) as at:
        tab = at.tab(CIDP)
        assert tab.page.status == 200, tab.page.text
        if tab.json["proposal"] is None:  # without its conditions the chart names no indication
            tab.post("propose", {"indication": "cidp"})
            tab.go("./")
        return tab


def unread(tab: Tab) -> str:
    """What the page says could not be read."""
    proposal = tab.json["proposal"]
    [finding] = [f for f in proposal["findings"] if f["check"] == "record.unreadable"]
    return " ".join(e["said"] for e in finding["evidence"])


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@147")
@pytest.mark.parametrize("missing", [t for t in TYPES if t != "MedicationRequest"])
def test_a_type_that_may_not_be_read_is_named_and_its_checks_are_not_assessed(tmp_path: Path, missing: str) -> None:
    tab = tab_with(tmp_path, [s for s in ASKED if not s.startswith(f"patient/{missing}.")])
    assert missing in unread(tab)
    if missing not in ("Coverage", "Encounter"):  # from whose absence no check concludes anything
        assert "not-permitted" in {n["reason"] for n in tab.json["proposal"]["not_assessed"]}


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@147")
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_allergies_that_may_not_be_read_are_never_no_allergies(tmp_path: Path, version: str) -> None:
    asked = wanted([q.scope for q in QUERIES], version=version)
    tab = tab_with(tmp_path, [s for s in asked if "AllergyIntolerance" not in s])
    assert "Allergies could not be read" in tab.page.text.replace("\n", " ")
    assert {n["check"]: n["reason"] for n in tab.json["proposal"]["not_assessed"]}["hypersensitivity.severe-reaction"] == "not-permitted"


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@132", "@147")
def test_a_grant_in_part_says_what_it_lets_through_and_proves_no_absence(tmp_path: Path) -> None:
    narrowed = [f"patient/Observation.rs?category={CATEGORY}|{c}" for c in ("laboratory", "vital-signs")]
    tab = tab_with(tmp_path, [*(s for s in ASKED if not s.startswith("patient/Observation.")), *narrowed])
    said = unread(tab)
    assert "only in part" in said
    assert "category laboratory; category vital-signs" in said
    assert tab.json["proposal"]["weight"]["actual_kg"] == "82.0", "what it lets through is used"


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@147")
@pytest.mark.parametrize("missing", [t for t in WRITTEN if t != "MedicationRequest"])
def test_a_part_that_may_not_be_stored_is_named_before_anybody_approves(tmp_path: Path, missing: str) -> None:
    tab = tab_with(tmp_path, [*(s for s in ASKED if not s.startswith(f"patient/{missing}.")), f"patient/{missing}.rs"])
    assert f"Not stored in the EHR: {missing}." in tab.page.text
    assert "Approve order" in tab.page.buttons


@pytest.mark.requirement("hl7.fhir.uv.smart-app-launch_2.2.0@147")
def test_an_order_that_may_not_be_stored_is_handed_over_as_text(tmp_path: Path) -> None:
    tab = tab_with(tmp_path, [*(s for s in ASKED if not s.startswith("patient/MedicationRequest.")), "patient/MedicationRequest.rs"])
    assert "gave this app no right to create orders" in tab.page.text
    assert "Approve and copy order" in tab.page.buttons
    assert "Approve order" not in tab.page.buttons
