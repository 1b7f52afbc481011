"""Sessions and runs: two charts in two tabs never mix, a run outlives its session, a later launch offers it again."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from journey.a_hospital import APP, EHR, Hospital, Tab

CIDP, MG = "cidp-adult", "mg-crisis-ckd"


def test_two_charts_open_in_two_tabs_never_mix(at: Hospital) -> None:
    browser = at.browser()
    one, two = browser.launch(CIDP), browser.launch(MG)
    assert one.session != two.session
    for tab, name, other in ((one, "SAMPLETON", "PLACEHOLD"), (two, "PLACEHOLD", "SAMPLETON"), (one, "SAMPLETON", "PLACEHOLD")):
        tab.go("./")
        assert name in tab.page.text
        assert other not in tab.page.text
    one.press("Recalculate", per_kg="1.5")
    two.approve()
    one.approve()
    assert [o["subject"]["reference"] for o in at.orders(CIDP)] == [f"Patient/{CIDP}"]
    assert [o["subject"]["reference"] for o in at.orders(MG)] == [f"Patient/{MG}"]
    assert "1.5 g/kg" in at.orders(CIDP)[0]["dosageInstruction"][0]["text"] or one.json["proposal"]["dose"]["course_g"] == "120.0"


def test_the_run_of_one_chart_does_not_open_in_the_session_of_another(at: Hospital) -> None:
    browser = at.browser()
    one, two = browser.launch(CIDP), browser.launch(MG)
    for path in ("", "receipt", "sheet"):
        page = browser.get(f"http://127.0.0.1:5000/s/{one.session}/orders/{two.run}/{path}")
        assert (page.status, "PLACEHOLD" in page.text) == (404, False)
    refused = one.post(f"../{two.run}/approve", {"digest": two.json["proposal"]["digest"]})
    assert refused.status == 404
    assert at.orders(MG) == []


def test_the_cookie_of_one_session_opens_no_other(at: Hospital) -> None:
    mine, theirs = at.tab(CIDP), at.tab(MG)
    page = mine.browser.get(theirs.page.url)
    assert (page.status, "Your EHR session has ended. Your draft is kept." in page.text) == (401, True)


@pytest.mark.parametrize("minutes", [{"minutes": 31}, {"hours": 9}])
def test_a_session_ends_and_its_run_does_not(at: Hospital, minutes: dict[str, float]) -> None:
    tab = at.tab(MG)
    tab.press("Recalculate", per_kg="1")
    tab.press("Save reason", override_code="9", override_note="Creatinine each morning.")
    shown = tab.json["proposal"]
    at.clock.forward(**minutes)
    assert tab.go("./").status == 401
    assert "Your draft is kept." in tab.page.text
    later = at.tab(MG)
    assert later.run == tab.run
    again = later.json["proposal"]
    assert again["dose"] == shown["dose"]
    assert [(o["check"], o["code"], o["note"]) for o in again["overrides"]] == [
        ("renal.nephrotoxic-drugs", "9", "Creatinine each morning.")
    ]
    assert "Creatinine each morning." in later.page.text


def test_a_draft_survives_a_restart_of_the_app_and_so_does_the_session(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.press("Recalculate", per_kg="1")
    shown = tab.json["proposal"]
    at.start()
    assert tab.go("./").status == 200
    assert tab.json["proposal"]["dose"] == shown["dose"]
    tab.approve()
    assert len(at.orders(MG)) == 1


def test_an_approved_order_survives_a_restart_and_is_verified_after_it(at: Hospital) -> None:
    at.tab(MG).approve()
    at.start()
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    pharmacist.follow("PLACEHOLD")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"


def test_a_draft_is_offered_to_its_own_prescriber_for_its_own_patient_only(at: Hospital) -> None:
    tab = at.tab(CIDP)
    assert at.tab(CIDP).run == tab.run
    assert at.tab(MG).run != tab.run
    at.change("PractitionerRole/nurse-role", code=at.parts.store.current("PractitionerRole", "prescriber-role").body["code"])
    assert at.tab(CIDP, "nurse").run != tab.run  # a second prescriber begins a draft of their own


def test_after_a_verified_order_a_launch_begins_a_new_draft(at: Hospital) -> None:
    tab = at.tab(CIDP)
    tab.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    later = at.tab(CIDP)
    assert later.run != tab.run
    duplicate = next(f for f in later.json["proposal"]["findings"] if f["check"] == "duplication.immunoglobulin")
    assert duplicate["severity"] in ("override", "hard-stop")
    assert at.orders(CIDP)[0]["id"] in str(duplicate["evidence"])


# ── Two tenants of one FHIR base ─────────────────────────────────────────────────────────────────────────────────────


def test_a_draft_is_offered_in_its_own_tenant_only(at: Hospital) -> None:
    tenants = ("", "north", "south", "north wing")
    runs = [at.tab(CIDP, tenant=tenant).run for tenant in tenants]
    assert len(set(runs)) == len(tenants)
    assert [at.tab(CIDP, tenant=tenant).run for tenant in tenants] == runs


@pytest.mark.parametrize("tenant", ["", "south", "north "])
def test_the_address_of_a_run_opens_nothing_in_another_tenant(at: Hospital, tenant: str) -> None:
    """As for another patient's run: not there, for reading, changing, signing or sending, whoever asks."""
    theirs = at.tab(CIDP, tenant="north")
    digest = theirs.json["proposal"]["digest"]
    mine = at.tab(CIDP, tenant=tenant)
    for path in ("", "receipt", "sheet"):
        page = mine.browser.get(f"{APP}/s/{mine.session}/orders/{theirs.run}/{path}")
        assert (page.status, "SAMPLETON" in page.text) == (404, False), path
    for path, body in (("propose", {"indication": "cidp"}), ("approve", {"digest": digest})):
        assert mine.post(f"../{theirs.run}/{path}", body).status == 404, path
    theirs.approve()
    for path in ("resend", "answer", "withdraw", "again"):
        assert mine.post(f"../{theirs.run}/{path}", {"note": "x"}).status == 404, path
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy", tenant=tenant)
    for path in (theirs.run + "/", theirs.run + "/sheet", theirs.run + "/double"):
        assert pharmacist.browser.get(f"{APP}/s/{pharmacist.session}/pharmacy/{path}").status == 404, path
    assert theirs.json["state"] == "sent"


def test_a_link_of_ours_opens_no_run_of_another_tenant(at: Hospital) -> None:
    theirs = at.tab(CIDP, tenant="north")
    browser = at.browser()
    asked = urlencode({"patient": CIDP, "user": "prescriber", "tenant": "south", "appContext": theirs.run})
    linked = Tab(browser, browser.get(f"{EHR}/ehr/launch?{asked}"))
    assert linked.page.status == 200
    assert linked.run != theirs.run


def test_the_list_of_our_store_shows_the_orders_of_one_tenant_only(at: Hospital) -> None:
    runs = {}
    for tenant in ("north", "south"):
        tab = at.tab(CIDP, tenant=tenant)
        tab.approve()
        runs[tenant] = tab.run
    for tenant in ("north", "south", ""):
        listed = at.tab(CIDP, "nurse", tenant=tenant).page
        assert listed.status == 200
        assert [named for named, run in runs.items() if run in listed.body] == ([tenant] if tenant else [])


def test_an_order_of_a_tenant_is_verified_by_a_pharmacist_of_that_tenant(at: Hospital) -> None:
    prescriber = at.tab(CIDP, tenant="north")
    prescriber.approve()
    pharmacist = at.tab(CIDP, "pharmacist", target="pharmacy", tenant="north")
    pharmacist.follow("SAMPLETON")
    pharmacist.press("Verify")
    assert pharmacist.json["state"] == "verified"
    assert prescriber.json["state"] == "verified"
