"""What became of my orders: each with what to do next; an order that waits for somebody else is not forgotten at the next launch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey.a_hospital import ROOT, Hospital, Tab, hospital

CIDP, MG = "cidp-adult", "mg-crisis-ckd"


def mine(tab: Tab) -> list[dict[str, Any]]:
    address = f"/s/{tab.session}/orders/mine"
    found: list[dict[str, Any]] = tab.browser.get(f"http://127.0.0.1:5000{address}", headers={"Accept": "application/json"}).json["orders"]
    return found


def page(tab: Tab) -> str:
    return tab.go(f"/s/{tab.session}/orders/mine").text.replace("\u00a0", " ")


def pharmacist_says(at: Hospital, run: str, button: str, note: str = "", code: str = "weight") -> None:
    desk = at.tab(CIDP, "pharmacist", target="pharmacy")
    desk.go(f"{run}/")
    desk.press(button, **({"note": note, "code": code} if note else {}))


def test_a_sent_order_is_visible_at_the_next_launch_although_a_new_draft_opens(at: Hospital) -> None:
    first = at.tab(CIDP)
    first.approve()
    later = at.tab(CIDP)
    assert later.run != first.run
    assert "1 order waits for the pharmacist. My orders" in later.page.text
    shown = later.follow("My orders").text.replace("\u00a0", " ")
    assert "40 g each day, on 4 days, Gamunex-C for CIDP" in shown
    assert "In the EHR as a draft, waiting for a pharmacist" in shown
    assert first.run in later.page.body
    assert [o["run"] for o in mine(later)] == [first.run]  # the draft that was only opened is nothing yet


def test_nothing_is_said_where_there_is_no_other_order(at: Hospital) -> None:
    tab = at.tab(CIDP)
    assert "My orders" not in tab.page.text
    assert "You have begun no order of immunoglobulin for this patient here." in page(tab)


def test_a_question_is_first_and_its_answer_returns_the_order_to_the_pharmacist(at: Hospital) -> None:
    first = at.tab(CIDP)
    first.approve()
    pharmacist_says(at, first.run, "Ask prescriber", "Is the weight of Friday still right?")
    shown = page(first)
    assert "1 waits for you" in shown
    assert "The weight is to be confirmed: “Is the weight of Friday still right?”" in shown
    assert "Answer the question, or withdraw the order." in shown
    first.follow("Open")
    first.press("Send answer", note="Weighed again this morning.")
    assert [o["state"] for o in mine(first)] == ["sent"]
    desk = at.tab(CIDP, "pharmacist", target="pharmacy")
    assert "Weighed again this morning." in desk.go(f"{first.run}/").text


def test_a_rejected_order_says_why_and_waits_until_another_is_begun(at: Hospital) -> None:
    first = at.tab(CIDP)
    first.approve()
    pharmacist_says(at, first.run, "Reject", "Wrong product for this ward.")
    [row] = mine(first)
    assert row["waits"] is True
    assert "Wrong product for this ward." in row["said"]
    assert row["then"] == "Order again with changes, or leave it"
    at.clock.forward(minutes=1)
    later = at.tab(CIDP)
    later.post("propose", {"days": 5})
    rows = {o["state"]: o for o in mine(later)}
    assert rows["rejected"]["waits"] is False
    assert rows["proposed"]["then"] == "Go on with the draft, or leave it"


def test_a_verified_order_is_told_with_its_sheet(at: Hospital) -> None:
    first = at.tab(CIDP)
    first.approve()
    pharmacist_says(at, first.run, "Verify")
    shown = page(first)
    assert "Verified and active" in shown
    assert "Infusion sheet" in shown
    assert "waits for you" not in shown


def test_an_order_that_lost_something_names_it(at: Hospital) -> None:
    tab = at.tab(MG, fault="drops-rate")
    tab.approve()
    [row] = mine(tab)
    assert row["state"] == "incomplete"
    assert "Rate steps" in row["said"] or "Pump rate" in row["said"]
    assert "Send what is missing" in row["then"]


@pytest.mark.parametrize(("hours", "old"), [(23.9, False), (24.1, True)])
def test_a_draft_is_old_after_the_sites_limit_and_not_before(at: Hospital, hours: float, old: bool) -> None:
    tab = at.tab(CIDP)
    tab.post("propose", {"days": 5, "start": "2026-03-20T10:00:00Z"})
    at.clock.forward(hours=hours)
    [row] = mine(at.tab(CIDP))
    assert ("older than 24 hours" in row["then"]) is old


@pytest.mark.parametrize(("hours", "late"), [(24, False), (25, True), (100, True)])
def test_an_order_near_its_first_infusion_that_nobody_verified_is_urgent(at: Hospital, hours: int, late: bool) -> None:
    """The first infusion is 48 hours and one minute after the morning; the site's limit is 24 hours before it."""
    tab = at.tab(CIDP)
    tab.post("propose", {"start": "2026-03-04T09:01:00Z"})
    tab.go("./")
    tab.approve()
    at.clock.forward(hours=hours)
    [row] = mine(at.tab(CIDP))
    assert ("Call the pharmacy: the first infusion is on Wed 4 Mar 2026, 09:01" in row["then"].replace("\u00a0", " ")) is late


def test_orders_of_other_patients_are_named_only_where_a_scope_reaches_them(tmp_path: Path) -> None:
    table = tmp_path / "issuers.toml"
    text = (ROOT / "issuers.toml").read_text(encoding="utf-8")
    with hospital(tmp_path) as at:
        at.tab(MG).approve()
        tab = at.tab(CIDP)
        assert "other patients" not in page(tab)
        assert "PLACEHOLD" not in tab.page.text.upper()
    reach = 'profile = "generic"\nscopes = ["openid", "fhirUser", "launch", "launch/patient", "patient/*.cruds", "user/*.cruds"]'
    table.write_text(text.replace('profile = "generic"', reach, 1), encoding="utf-8")
    (tmp_path / "wide").mkdir()
    with hospital(tmp_path / "wide", issuers=table) as at:
        at.tab(MG).approve()
        tab = at.tab(CIDP)
        shown = page(tab)
        assert "My open orders for other patients" in shown
        assert "PLACEHOLD" in shown.upper()
        assert (
            tab.go(f"/s/{tab.session}/orders/{at.orders(MG)[0]['groupIdentifier']['value'].removeprefix('urn:uuid:')}/receipt").status
            == 404
        )


def test_another_prescribers_orders_are_not_mine(at: Hospital) -> None:
    at.tab(CIDP).approve()
    assert at.tab(CIDP, "nurse").go(f"/s/{at.tab(CIDP, 'nurse').session}/orders/mine").status in (401, 403)
