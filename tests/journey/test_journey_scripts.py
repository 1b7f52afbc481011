"""The same journey for a script: JSON in and out, with the token of the page, and the shapes that are promised."""

from __future__ import annotations

from journey.a_hospital import Hospital

MG = "mg-crisis-ckd"
SHAPE = {"run", "state", "csrf", "proposal", "receipt", "verification"}
REASON = {"code": "9", "note": "Creatinine each morning is part of this order."}


def test_a_script_goes_from_a_proposal_to_a_verified_order(at: Hospital) -> None:
    tab = at.tab(MG)
    page = tab.json
    assert set(page) >= SHAPE
    assert (page["run"], page["state"], page["receipt"], page["verification"]) == (tab.run, "proposed", None, None)
    changed = tab.post("propose", {"dose": {"per_kg": "1", "unit": "g/kg"}, "days": 3}).json
    assert (changed["state"], len(changed["proposal"]["dose"]["infusions"])) == ("proposed", 3)
    assert changed["proposal"]["digest"] != page["proposal"]["digest"]
    asked = [f["check"] for f in changed["proposal"]["findings"] if f["severity"] == "override"]
    sent = tab.post("approve", {"digest": changed["proposal"]["digest"], "overrides": [{"check": c, **REASON} for c in asked]}).json
    assert set(sent) >= SHAPE
    assert (sent["state"], sent["receipt"]["run"]) == ("sent", f"urn:uuid:{tab.run}")

    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    worklist = pharmacist.json
    assert set(worklist) == {"csrf", "orders"}
    assert [(o["run"], o["state"], o["patient"]) for o in worklist["orders"]] == [(tab.run, "sent", MG)]
    pharmacist.go(f"{tab.run}/")
    order = pharmacist.json
    assert set(order) >= SHAPE
    verified = pharmacist.post("verify", {"digest": order["digest"]})
    assert (verified.status, verified.json["state"], verified.json["verification"]["decision"]) == (200, "verified", "verified")
    assert tab.browser.get(tab.page.url + "receipt", headers={"Accept": "application/json"}).json["state"] == "verified"
    assert [o["status"] for o in at.orders(MG)] == ["active"]


def test_a_script_may_name_the_approved_proposal_when_it_verifies_and_nothing_else(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.approve()
    approved = tab.json["proposal"]["digest"]
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    pharmacist.go(f"{tab.run}/")
    for digest in ("", "sha256:" + "0" * 64):
        assert pharmacist.post("verify", {"digest": digest}).status == 409
    assert pharmacist.post("verify", {"digest": approved}).json["state"] == "verified"


def test_a_script_without_the_token_of_its_page_changes_nothing(at: Hospital) -> None:
    tab = at.tab(MG)
    before = tab.json
    for where, body in (("propose", {"days": 3}), ("approve", {"digest": before["proposal"]["digest"]})):
        refused = tab.post(where, body, csrf="wrong")
        assert (refused.status, refused.json["error"]["code"]) == (400, "E-44")
    assert tab.json["proposal"] == before["proposal"]
    assert at.orders(MG) == []


def test_every_answer_to_a_script_is_json_errors_too(at: Hospital) -> None:
    tab = at.tab(MG)
    for where in ("../none/", "../../../nowhere", "receipt"):
        page = tab.browser.get(f"{tab.page.url}{where}", headers={"Accept": "application/json"})
        assert page.headers["Content-Type"].startswith("application/json")
        assert (page.status == 404 and set(page.json["error"]) >= {"code", "message", "remedy", "reference"}) or set(page.json) >= SHAPE
