"""The review page: a dose typed as it is said, mitigations with one press, products side by side, and what the last change did."""

from __future__ import annotations

import pytest
from journey.a_hospital import Hospital, Page, Tab

CIDP, MG, ALLERGY, RA = "cidp-adult", "mg-crisis-ckd", "ivig-allergy", "ra-adult"


def buttons(page: Page, label: str) -> list[str]:
    """The values of the buttons of this name, in their order."""
    return [b.value for f in page.forms.forms for b in f.buttons if b.label == label]


def finding(tab: Tab, check: str) -> dict[str, object]:
    return next(f for f in tab.json["proposal"]["findings"] if f["check"] == check)


def test_a_dose_typed_as_it_is_said_becomes_the_order_and_is_said_back(at: Hospital) -> None:
    tab = at.tab(CIDP)
    tab.press("Read dose", typed_dose="0.5 g/kg/day x 4 days")
    assert "Understood as: 0.5 g/kg each day, on 4 days" in tab.page.text
    dose = tab.json["proposal"]["dose"]
    assert (dose["calculated_course_g"], len(dose["infusions"])) == ("164.00", 4)


def test_a_dose_that_can_mean_two_things_changes_nothing_before_it_is_answered(at: Hospital) -> None:
    tab = at.tab(CIDP)
    before = tab.json["proposal"]["digest"]
    tab.press("Read dose", typed_dose="150 g for 5 days")
    assert "Is 150 g the dose of each day, or that of the whole course?" in tab.page.text
    assert tab.json["proposal"]["digest"] == before
    tab.press("30 g each day, on 5 days")
    dose = tab.json["proposal"]["dose"]
    assert (dose["per_infusion_g"], dose["course_g"], len(dose["infusions"])) == ("30.0", "150.0", 5)


def test_words_that_are_no_dose_are_asked_about_and_stay_in_the_field(at: Hospital) -> None:
    tab = at.tab(CIDP)
    tab.press("Read dose", typed_dose="the usual")
    assert "This part was not understood: “the usual”" in tab.page.text
    assert ("typed_dose", "the usual") in [pair for f in tab.page.forms.forms for pair in f.pairs]


def test_what_a_change_did_is_shown_and_undone_with_one_press(at: Hospital) -> None:
    tab = at.tab(CIDP)
    before = tab.json["proposal"]["digest"]
    assert "Undo" not in tab.page.buttons
    tab.press("Read dose", typed_dose="1 g/kg once")
    assert "Each infusion 40 g 80 g" in tab.page.text
    assert "Dose, days or interval outside the regimen not found needs a reason" in tab.page.text
    tab.press("Undo")
    assert tab.json["proposal"]["digest"] == before


def test_an_undo_after_a_restart_has_nothing_to_undo_and_says_so(at: Hospital) -> None:
    tab = at.tab(CIDP)
    tab.press("Read dose", typed_dose="1 g/kg once")
    page = tab.page
    at.start()
    tab.page = page
    tab.press("Undo")
    assert (tab.page.status, "There is nothing left to undo." in tab.page.text) == (400, True)


def test_a_mitigation_is_applied_with_one_press_and_the_findings_state_follows(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.post("propose", {"companions": {"hydration-before": False}})
    tab.go("./")
    before = finding(tab, "renal.risk-factors")
    said = "Hydration before the infusion is part of this order"
    assert said not in before["mitigated_by"]
    tab.press("Add: Hydration before the infusion")
    after = finding(tab, "renal.risk-factors")
    assert said in after["mitigated_by"]
    assert (after["state"], after["severity"]) == ("mitigated", before["severity"])
    assert said in tab.page.text


def test_a_capped_rate_needs_the_clinicians_figure(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.press("Cap the rate", figure="")
    assert (tab.page.status, "Type a rate in mg/kg/min" in tab.page.text) == (400, True)
    tab.go("./")
    tab.press("Cap the rate", figure="2")
    assert tab.json["proposal"]["rate"]["cap_reason"] == "clinician"
    assert "The rate is capped: the pump stays at or below" in tab.page.text


def test_what_the_order_does_is_written_with_the_finding_and_shown_to_the_pharmacist(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.approve()
    issues = at.held("DetectedIssue", MG)
    texts = {m["action"]["text"] for i in issues for m in i.get("mitigation") or []}
    assert "Hydration before the infusion is part of this order" in texts
    pharmacist = at.tab(MG, "pharmacist", target="pharmacy")
    assert "Hydration before the infusion is part of this order" in pharmacist.follow("PLACEHOLD").text


def test_a_product_is_switched_with_one_press_and_the_order_follows(at: Hospital) -> None:
    tab = at.tab(CIDP)
    assert "products suit this patient" in tab.page.text
    offered = buttons(tab.page, "Switch")
    assert "gamunex-c" not in offered and "privigen" in offered
    tab.post("propose", {"weight": {"dosing_kg": "80", "basis": "actual", "reason": "weighed"}, "companions": {"lab-liver": True}})
    tab.go("./")
    tab.press("Switch", form=offered.index("privigen"))
    proposal = tab.json["proposal"]
    assert (proposal["product"]["id"], proposal["weight"]["dosing_kg"]) == ("privigen", "80")
    assert next(c for c in proposal["companions"] if c["id"] == "lab-liver")["selected"]


def test_products_that_do_not_suit_are_shown_with_the_reason_and_without_a_button(at: Hospital) -> None:
    tab = at.tab(CIDP)
    unsuited = tab.page.body.partition("Not suitable for this patient")[2].partition("</ul>")[0]
    assert "<small>" in unsuited and "<button" not in unsuited


@pytest.mark.parametrize("patient", [ALLERGY, RA])
def test_a_hard_stop_says_what_clears_it_and_offers_no_approval(at: Hospital, patient: str) -> None:
    tab = at.tab(patient)
    assert "Hard stop" in tab.page.text and "What clears it" in tab.page.text
    assert not {"Approve order", "Save reason"} & set(tab.page.buttons) - {"Save reason"}


def test_a_refused_approval_names_every_finding_that_still_asks(at: Hospital) -> None:
    tab = at.tab(MG)
    tab.press("Approve order")
    assert tab.page.status == 409
    assert "Nephrotoxic drugs at the same time: This finding needs a coded reason and a note." in tab.page.text


def test_a_nurse_or_pharmacist_may_look_and_finds_nothing_to_press_but_log_out(at: Hospital) -> None:
    tab = at.tab(CIDP)
    for user in ("pharmacist", "nurse"):
        other = at.tab(CIDP, user)
        page = other.browser.get(f"http://127.0.0.1:5000/s/{other.session}/orders/{tab.run}/")
        assert page.status == 200
        assert page.buttons == ["Log out"]


def test_long_names_and_every_indication_are_choices(at: Hospital) -> None:
    tab = at.tab(MG)
    options = tab.page.body.partition('name="indication"')[2].partition("</select>")[0]
    assert options.count("<option") >= 6
    assert "IVIG for Myasthenia gravis, " in tab.page.text
