"""From launch to a verified order, for each role: what each may see and do, and what the EHR holds at the end."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from journey.a_hospital import EHR, ROOT, Hospital, hospital
from requests.adapters import BaseAdapter

from ivig_fhir.sandbox.adapter import SandboxAdapter

MG = "mg-crisis-ckd"


def test_an_order_goes_from_the_chart_to_an_active_order_with_its_sheet(at: Hospital) -> None:
    prescriber = at.tab(MG)
    prescriber.press("Recalculate", per_kg="1")
    prescriber.approve()
    assert "Stored as a draft" in prescriber.page.text
    [order] = at.orders(MG)
    assert (order["status"], order["intent"]) == ("draft", "order")

    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    assert "1 order, most urgent first" in pharmacist.page.text
    pharmacist.follow("PLACEHOLD")
    assert "Second calculation agrees" in pharmacist.page.text
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    pharmacist.follow("Infusion sheet")
    assert pharmacist.page.text.count("15 g") >= 5

    [order] = at.orders(MG)
    assert (order["status"], order["meta"]["versionId"]) == ("active", "2")
    assert [g["status"] for g in at.held("RequestGroup", MG)] == ["active"]
    assert [t["status"] for t in at.held("Task", MG)] == ["completed"]
    assert len(at.held("Provenance", MG)) == 2


def test_what_was_shown_is_what_was_written(at: Hospital) -> None:
    prescriber = at.tab("cidp-adult")
    shown = prescriber.json["proposal"]
    prescriber.approve()
    [order] = at.orders("cidp-adult")
    [dosage] = order["dosageInstruction"]
    [ordered] = [d for d in dosage["doseAndRate"] if d["type"]["coding"][0]["code"] == "ordered"]
    assert ordered["doseQuantity"]["value"] == Decimal(shown["dose"]["per_infusion_g"])
    assert [e[:10] for e in dosage["timing"]["event"]] == [i["date"] for i in shown["dose"]["infusions"]]
    assert ordered["rateRange"]["high"]["value"] == Decimal(shown["rate"]["steps"][-1]["ml_h"])
    assert order["requester"]["reference"] == "Practitioner/prescriber"
    assert order["encounter"]["reference"] == "Encounter/cidp-adult-enc-1"
    assert order["reasonReference"][0]["reference"] == "Condition/cidp-adult-cond-1"


def test_nothing_is_written_before_a_prescriber_approves(at: Hospital) -> None:
    prescriber = at.tab(MG)
    prescriber.press("Recalculate", per_kg="1")
    prescriber.give_reasons()
    assert [at.held(t, MG) for t in ("MedicationRequest", "Task", "RequestGroup", "DetectedIssue", "Provenance")] == [[]] * 5


@pytest.mark.parametrize("role", ["pharmacist", "nurse"])
def test_whoever_may_only_look_sees_no_draft_and_no_button(at: Hospital, role: str) -> None:
    drafted = at.tab("cidp-adult")
    looking = at.tab("cidp-adult", role)
    assert "This app has written no order of immunoglobulin for this patient." in looking.page.text
    looking.go(f"/s/{looking.session}/orders/{drafted.run}/")
    assert "Only a prescriber whose identity the EHR proved can approve." in looking.page.text
    assert "Approve order" not in looking.page.buttons
    digest = looking.json["proposal"]["digest"]
    refused = looking.post("approve", {"digest": digest})
    assert (refused.status, refused.json["error"]["code"]) == (403, "E-51")
    assert at.orders("cidp-adult") == []


def test_a_nurse_reads_the_sheet_once_the_order_is_verified_and_not_before(at: Hospital) -> None:
    prescriber = at.tab("cidp-adult")
    prescriber.approve()
    nurse = at.tab("cidp-adult", "nurse")
    assert "Infusion sheet" not in nurse.page.text
    early = nurse.browser.get(nurse.page.url + f"{prescriber.run}/sheet")
    assert (early.status, "Reference" in early.text) == (409, True)
    pharmacist = at.tab("cidp-adult", "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    nurse.go("./")
    nurse.follow("Infusion sheet")
    assert nurse.page.status == 200
    assert "40 g" in nurse.page.text
    assert re.search(r"\d+ mL/h", nurse.page.text)


@pytest.mark.parametrize("target", ["orders", "pharmacy"])
def test_a_stranger_is_refused_at_the_door(at: Hospital, target: str) -> None:
    stranger = at.tab("cidp-adult", "stranger", target=target)
    assert stranger.page.status == 403
    assert re.search(r"Reference [A-Z0-9-]+, E-", stranger.page.text)
    assert "SAMPLETON" not in stranger.page.text.upper()
    assert at.held("MedicationRequest", "cidp-adult") == []


def test_a_prescriber_finds_no_worklist_and_a_pharmacist_no_verify_button_on_a_draft_page(at: Hospital) -> None:
    prescriber = at.tab("cidp-adult", target="pharmacy")
    assert (prescriber.page.status, "This page is not for the role prescriber." in prescriber.page.text) == (403, True)
    nurse = at.tab("cidp-adult", "nurse", target="pharmacy")
    assert nurse.page.status == 403


def test_the_signer_is_refused_at_verification_even_with_a_pharmacists_role(at: Hospital) -> None:
    prescriber = at.tab(MG)
    prescriber.approve()
    role = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/practitioner-role", "code": "pharmacist"}]}
    at.change("PractitionerRole/prescriber-role", code=[role])
    same = at.tab(MG, "prescriber", target="pharmacy")
    same.follow("PLACEHOLD")
    assert "You signed this order: another person has to verify it." in same.page.text
    assert "Verify" not in same.page.buttons
    for act, body in (("verify", {}), ("query", {"code": "dose", "note": "x"}), ("reject", {"code": "dose", "note": "x"})):
        refused = same.post(act, {"digest": same.json["digest"], **body})
        assert (refused.status, refused.json["error"]["code"]) == (403, "E-51")
        assert "a second person must" in refused.json["error"]["message"]
    [order] = at.orders(MG)
    assert order["status"] == "draft"


def test_a_practitioner_of_whose_role_the_record_says_nothing_is_a_stranger(at: Hospital) -> None:
    at.change("PractitionerRole/prescriber-role", active=False)
    nameless = at.tab("cidp-adult")
    assert nameless.page.status == 403
    assert at.held("MedicationRequest", "cidp-adult") == []


def test_an_ehrs_own_code_makes_the_role_that_its_entry_says_and_nothing_at_another(tmp_path: Path) -> None:
    local = {"coding": [{"system": "urn:oid:1.2.3", "code": "INFUSION-PHARMACIST"}]}
    for own, status in (('roles = { "urn:oid:1.2.3|INFUSION-PHARMACIST" = "pharmacist" }', 200), ("", 403)):
        folder = tmp_path / str(status)
        folder.mkdir()
        table = folder / "issuers.toml"
        table.write_text((ROOT / "issuers.toml").read_text().replace("standalone = true", f"standalone = true\n{own}", 1))
        with hospital(folder, issuers=table) as at:
            at.change("PractitionerRole/pharmacist-role", code=[local])
            assert at.tab(MG, "pharmacist", target="pharmacy").page.status == status


class Failing(BaseAdapter):
    """The EHR, answering every question about roles with one status."""

    def __init__(self, inner: BaseAdapter, status: int) -> None:
        super().__init__()
        self.inner, self.status = inner, status

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = self.inner.send(request, *args, **kwargs)
        if "/PractitionerRole" in str(request.url):
            answer.status_code = self.status
        return answer

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize(("status", "approves"), [(403, True), (404, True), (500, False)])
def test_the_default_role_is_for_people_without_one_and_not_for_those_whose_roles_could_not_be_read(
    tmp_path: Path, status: int, approves: bool
) -> None:
    table = tmp_path / "issuers.toml"
    table.write_text((ROOT / "issuers.toml").read_text().replace("standalone = true", 'standalone = true\ndefault_role = "prescriber"', 1))
    with hospital(tmp_path, issuers=table) as at:
        at.http.mount(EHR, Failing(SandboxAdapter(at.ehr), status))
        tab = at.tab("cidp-adult")
        assert tab.page.status == 200
        assert ("Only a prescriber whose identity the EHR proved can approve." not in tab.page.text) is approves
        tab.give_reasons()
        assert ("Approve order" in tab.page.buttons) is approves


def test_somebody_whose_identity_the_ehr_did_not_prove_may_look_and_not_act(tmp_path: Path) -> None:
    """An EHR that grants data and signs no id_token."""
    table = tmp_path / "issuers.toml"
    scopes = ["launch", "launch/patient", "patient/*.cruds", "user/*.rs"]
    table.write_text((ROOT / "issuers.toml").read_text().replace("standalone = true", f"standalone = true\nscopes = {scopes}", 1))
    with hospital(tmp_path, issuers=table) as at:
        nobody = at.tab("cidp-adult")
        assert nobody.page.status == 200
        assert "Only a prescriber whose identity the EHR proved can approve." in nobody.page.text
        assert "Approve order" not in nobody.page.buttons
        refused = nobody.post("approve", {"digest": nobody.json["proposal"]["digest"]})
        assert (refused.status, refused.json["error"]["code"]) == (403, "E-51")
        assert at.held("MedicationRequest", "cidp-adult") == []
