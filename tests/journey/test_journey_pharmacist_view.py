"""What a pharmacist sees before deciding: every step filled from the order, the record and the product, and a calculation apart."""

from __future__ import annotations

import pytest
from journey.a_hospital import NOTE, Hospital, Tab

CIDP = "cidp-adult"


@pytest.fixture
def pharmacist(at: Hospital) -> Tab:
    """The pharmacist before an order of 2 g/kg over four days."""
    at.tab(CIDP).approve()
    tab = at.tab(CIDP, "pharmacist", target="pharmacy")
    tab.follow("SAMPLETON")
    return tab


STEPS = [
    ("Patient", ("Record number SYN-0412", "male, outpatient")),
    ("Indication", ("G61.81", "Tier A: on a label", "No authorization in the record", "In a shortage")),
    ("Weight", ("82.0 kg on Fri 27 Feb 2026; 81.2 kg on Fri 16 Jan 2026", "Height 180 cm, BMI 25.3 kg/m2, Ideal 75 kg", "Dosing weight 82 kg, actual")),
    ("Dose", ("2 g/kg: 160 g in 4 days", "Rounding: −1 g each infusion (−2.4 %)", "Immunoglobulin of the last 28 days, without this order: 0 g/kg")),
    ("Product", ("Stabiliser: glycine", "Sodium: trace", "Osmolality", "No earlier infusion", "Brands are not exchanged")),
    ("Volume and rate", ("100 mg/mL, 400 mL each day: 4.9 mL/kg", "Highest rate 4.8 mL/kg/h, that is 8 mg/kg/min", "Limit 4.8 mL/kg/h, by label")),
    ("Earlier infusions", ("Allergies: None known",)),
    ("Laboratory", ("Creatinine 0.94 mg/dL", "before: Creatinine 0.95", "Group O", "Hepatitis B surface antigen: none in the record")),
    ("Other medicines and vaccines", ("vaccines wait 11 months", "Nothing found: Nephrotoxic drugs")),
    ("Medicines beside it", ("Epinephrine 1 mg/mL", "At 82 kg: 0.3 to 0.5 mg.")),
    ("Monitoring and follow-up", ("Vital signs", "Hold the infusion")),
    ("Preparation", ("1 × 40 g", "Storage: 2 to 8 °C", "Prepare only when the patient has come")),
    ("Coverage and billing", ("HCPCS J1561, per 500 mg: 80 units each infusion, 320 in the course", "Nothing discarded: modifier JZ")),
]  # fmt: skip


def test_every_step_is_filled(pharmacist: Tab) -> None:
    words = pharmacist.follow("Step by step").text.replace("\u00a0", " ")
    place = words.index("Step by step")
    for title, lines in STEPS:
        place = words.index(f" {title} ", place)
        for line in lines:
            assert line in words[place:], (title, line)


def test_rates_stand_by_weight_by_volume_and_by_mass(pharmacist: Tab) -> None:
    words = pharmacist.page.text.replace("\u00a0", " ")
    assert "Pump steps, 100 mg/mL" in words
    assert "Step mL/h min mL mL/kg/h mg/kg/min 1 98 30 49 1.2 2" in words


def test_formulas_stand_beside_the_order(pharmacist: Tab) -> None:
    words = pharmacist.follow("Step by step").text.replace("\u00a0", " ")
    for figure in ("eGFR, CKD-EPI 2021", "Creatinine clearance, Cockcroft-Gault", "Body surface, Mosteller", "Ideal weight, Devine"):
        assert figure in words


def test_a_second_person_is_asked_for_with_the_reason(pharmacist: Tab) -> None:
    assert "Second person: 2 g/kg in a course" in pharmacist.page.text
    assert "without seeing the result. Here: 2 g/kg in a course" in pharmacist.follow("Step by step").text


OWN = {"kg": "82", "exact": "41", "grams": "40", "volume": "400.0", "first": "98.4", "highest": "393"}


def test_a_second_person_calculates_without_seeing_the_result(pharmacist: Tab) -> None:
    page = pharmacist.follow("Calculate apart")
    shown = page.text.replace("\u00a0", " ")
    assert "2 g/kg" in shown
    assert "82.0 kg on 27 Feb 2026, 81.2 kg on 16 Jan 2026" in shown
    assert "Adjusted weight from a BMI of 30, factor 0.4" in shown
    assert "to 5 g, else 2.5 g, else 1 g, within 10 %" in shown
    for result in ("160 g", "400 mL", "393", "4 × 40", "41 g", "Dosing weight 82"):
        assert result not in shown
    agreed = pharmacist.press("Compare", **OWN).text
    assert "Both calculations agree" in agreed
    for name, other in {"kg": "81", "exact": "40.9", "grams": "41", "volume": "410", "first": "97.9", "highest": "394"}.items():
        differ = pharmacist.press("Compare", **{**OWN, name: other}).text
        assert "The calculations differ" in differ, name
    wrong = pharmacist.press("Compare", **{**OWN, "grams": "forty"}).text
    assert "Type a plain number in each field" in wrong
    assert "Both calculations" not in wrong
    assert "160 g" not in wrong.replace("\u00a0", " ")


RESULTS = ("40 g each", "40 g in", "400 mL", "393 mL/h", "160 g")
BELOW = ("", "steps", "story", "change")


def test_who_calculates_first_sees_no_result_anywhere_before_their_own(at: Hospital) -> None:
    run = at.tab(CIDP).approve() and at.orders(CIDP)[0]["identifier"][0]["value"].removeprefix("urn:uuid:")
    tab = at.tab(CIDP, "pharmacist", target="pharmacy")
    shown = tab.press("Calculate first, then compare").text.replace("\u00a0", " ")
    assert "calculate first" in shown
    assert "40 g" not in shown
    assert not [r for r in RESULTS if r in shown]
    for name in BELOW:
        tab.go(f"/s/{tab.session}/pharmacy/{run}/{name}")
        assert tab.page.url.endswith("/double"), name
        assert not [r for r in RESULTS if r in tab.page.text.replace("\u00a0", " ")], name
        assert "Back to the order" not in tab.page.text
    tab.press("Compare", **{**OWN, "grams": "35"})
    assert "The calculations differ" in tab.page.text
    for name in BELOW:
        tab.go(f"/s/{tab.session}/pharmacy/{run}/{name}")
        assert not tab.page.url.endswith("/double"), name
    tab.go(f"/s/{tab.session}/pharmacy/")
    assert "40 g" in tab.page.text.replace("\u00a0", " ")


def test_calculating_first_is_remembered_for_one_person_alone_and_can_be_ended(at: Hospital) -> None:
    at.tab(CIDP).approve()
    browser = at.browser()
    tab = browser.launch(CIDP, "pharmacist", target="pharmacy")
    tab.press("Calculate first, then compare")
    again = browser.launch(CIDP, "pharmacist", target="pharmacy")
    assert "You calculate first" in again.page.text
    assert "You calculate first" not in at.tab(CIDP, "pharmacist", target="pharmacy").page.text
    shown = again.press("Show results at once").text.replace("\u00a0", " ")
    assert "40 g" in shown


SCREEN = (
    "SAMPLETON, Edwin", "Allergies None known",  # who
    "Care outpatient", "Height 180 cm", "Before: 81.2 kg on 16 Jan 2026; +1.0 % since.",
    "Gamunex-C, 100 mg/mL, undiluted", "IgA 46 mcg/mL on average, stabiliser glycine 0.16 to 0.24 mol/L, sugar none, sodium trace",
    "Hb 14.6 g/dL, platelets 236 10*3/uL", "ABO Group O", "None in the record: HBsAg, anti-HBc.", "Worklist", "Choose a reason",
    "Actual weight 82.0 kg 27 Feb 2026", "Ideal 75.0 kg", "Adjusted 77.8 kg", "Dosing weight 82.0 kg actual", "Policy adj-bmi30, version 1.",
    "G61.81, tier A: on a label",  # for what
    "exact 41 g, rounded 40 g (−2.4 %)", "Mon 2 Mar 40 g", "Thu 5 Mar 40 g", "1 × 40 g; waste 0 g; 400 mL",
    "Whole course 160 g; exact 2 g/kg",
    "Pump, 99 min, never above 393 mL/h", "Label maximum 4.8 mL/kg/h: 393 mL/h",
    "NDC 13533-800", "HCPCS J1561, per 500 mg: 80 units each infusion, 320 in the course", "Wastage Nothing discarded: modifier JZ",
    "Authorization none in the record", "Coverage Sample Mutual, active", "ordered, 9 required", "Medicines: ", "Vital signs",
    "11 of 11 essential fields",
    "No overrides Approved by Adwoa Sample-Osei", "every check was made", "3 warnings",
    "Cumulative 0 g in the last 28 days; 2 g/kg with this course", "Last infusion none recorded as given", "Last reaction none recorded",
    "eGFR, CKD-EPI 2021", "Creatinine, mg/dL", "IgG",
    "Second calculation agrees: ",
)  # fmt: skip


def test_everything_that_a_pharmacist_wants_is_on_the_one_screen(pharmacist: Tab) -> None:
    words = pharmacist.page.text.replace("\u00a0", " ")
    for said in SCREEN:
        assert said in words, said


def test_an_override_stands_with_its_reason_its_note_and_its_person(at: Hospital) -> None:
    at.tab("mg-crisis-ckd").approve()
    tab = at.tab("mg-crisis-ckd", "pharmacist", target="pharmacy")
    words = tab.follow("PLACEHOLD").text.replace("\u00a0", " ")
    assert "1 override by Adwoa Sample-Osei, 2 Mar, 09:00" in words
    assert f"9, Monitoring is in place: “{NOTE}”" in words


def test_units_that_are_thrown_away_are_those_of_the_vials_less_those_of_the_dose(at: Hospital) -> None:
    at.tab("kawasaki-infant").approve()
    tab = at.tab("kawasaki-infant", "pharmacist", target="pharmacy")
    words = tab.follow("BEISPIEL").text.replace("\u00a0", " ")
    assert "1 × 20 g; waste 2.7 g" in words
    assert "35 units each infusion" in words  # 17.3 g: the 35th unit was begun
    assert "2.7 g discarded each: 5 units with modifier JW" in words  # 40 units of the vial less 35
