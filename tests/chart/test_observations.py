"""Observations: codes, units, statuses and dates of real records, and what is refused with which reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ivig_fhir.chart.observations import MATCHED_BY_TEXT, conflict, read_observations
from ivig_fhir.fhir.quantity import Quantity
from ivig_fhir.fhir.units import convert

EPIC_WEIGHT = {
    "coding": [
        {"system": "urn:oid:1.2.246.537.6.96", "code": "29463-7"},
        {"system": "urn:oid:1.2.840.114350", "code": "14", "display": "WEIGHT/SCALE"},
        {"system": "http://loinc.org", "code": "29463-7"},
        {"system": "http://loinc.org", "code": "3141-9"},
        {"system": "http://loinc.org", "code": "8716-3"},
    ],
    "text": "Weight",
}


def test_every_accepted_unit_of_every_panel_converts(content):
    for panel in content.panels.values():
        for unit in panel.accepted:
            value = convert(Quantity(Decimal(5), unit), panel.unit, panel.id).value
            assert value > -20, (panel.id, unit)


@pytest.mark.parametrize(
    ("value", "unit", "kg"),
    [(70, "kg", "70"), (Decimal("3500"), "g", "3.5"), (175, "[lb_av]", "79.37866475"), (160, "[oz_av]", "4.53592370")],
)
def test_weights_in_any_mass_unit_become_kilograms(make, weights, value, unit, kg):
    assert weights(make.observation("29463-7", value, unit)) == [Decimal(kg)]


def test_any_coding_is_matched_and_the_panel_code_beside_it_does_no_harm(make, chart):
    found = chart(make.observation("29463-7", 71, code=EPIC_WEIGHT)).panel("body-weight")
    assert [(m.value, m.loinc) for m in found] == [(Decimal(71), "29463-7")]


def test_a_loinc_code_in_a_foreign_system_is_no_loinc_code(make, chart):
    foreign = {"coding": [{"system": "urn:oid:1.2.246.537.6.96", "code": "29463-7"}]}
    found = chart(make.observation("29463-7", 71, code=foreign))
    assert not found.panel("body-weight")
    assert not found.unusable


def test_a_loinc_code_by_object_identifier_is_one(make, weights):
    code = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.1", "code": "29463-7"}]}
    assert weights(make.observation("29463-7", 71, code=code)) == [Decimal(71)]


@pytest.mark.parametrize("look_alike", ["8339-4", "18833-4", "8336-0", "77606-2"])
def test_look_alikes_are_never_a_weight_even_beside_a_weight_code(make, chart, look_alike):
    code = {"coding": [make.coding("loinc", "29463-7"), make.coding("loinc", look_alike)], "text": "Body weight"}
    found = chart(make.observation("29463-7", 3, code=code))
    assert not found.panel("body-weight")
    assert not found.candidates


def test_the_code_that_says_how_a_weight_came_about_is_the_one_kept(make, chart):
    code = {"coding": [make.coding("loinc", "29463-7"), make.coding("loinc", "3142-7")]}
    assert chart(make.observation("29463-7", 71, code=code)).panel("body-weight")[0].loinc == "3142-7"


def test_the_method_of_a_weight_is_kept(make, chart):
    assert chart(make.observation("29463-7", 71, method={"text": "Estimated"})).panel("body-weight")[0].method == "Estimated"


def test_race_stratified_filtration_rates_are_not_used(make, chart):
    found = chart(
        make.observation("48643-1", 80, "mL/min/{1.73_m2}"),
        make.observation("98979-8", 60, "mL/min/{1.73_m2}", id="e2"),
    )
    assert [m.value for m in found.panel("egfr")] == [Decimal(60)]


def test_components_of_a_blood_pressure_are_values_of_their_own(make, chart):
    parts = [
        {"code": {"coding": [make.coding("loinc", "8480-6")]}, "valueQuantity": make.quantity(122, "mm[Hg]")},
        {"code": {"coding": [make.coding("loinc", "8462-4")]}, "valueQuantity": make.quantity(Decimal("10.4"), "kPa")},
    ]
    found = chart(make.observation("85354-9", component=parts))
    assert found.panel("sbp")[0].value == 122
    assert round(found.panel("dbp")[0].value or 0) == 78
    assert found.panel("sbp")[0].source.reference == "Observation/obs-85354-9"
    assert not found.unusable


def test_a_component_without_a_value_is_named_and_the_other_one_used(make, chart):
    parts = [
        {"code": {"coding": [make.coding("loinc", "8480-6")]}, "valueQuantity": make.quantity(122, "mm[Hg]")},
        {"code": {"coding": [make.coding("loinc", "8462-4")]}, "dataAbsentReason": make.coded("unknown")},
    ]
    found = chart(make.observation("85354-9", component=parts))
    assert found.panel("sbp")
    assert [(u.panel, u.kind) for u in found.unusable] == [("dbp", "absent")]


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_final_amended_and_corrected_results_are_used(make, chart, status):
    found = chart(make.observation("29463-7", 71, status=status))
    assert found.latest("body-weight") is not None


@pytest.mark.parametrize("status", ["registered", "cancelled", "entered-in-error", "unknown", None])
def test_other_statuses_are_not_used_and_named(make, chart, status):
    found = chart(make.observation("2160-0", Decimal("0.9"), "mg/dL", status=status))
    assert not found.panel("creatinine")
    assert [(u.panel, u.kind, u.value) for u in found.unusable] == [("creatinine", "status", None)]


def test_a_preliminary_result_is_kept_but_is_not_the_latest(make, chart):
    found = chart(
        make.observation("2160-0", Decimal("0.9"), "mg/dL", effectiveDateTime="2026-02-01"),
        make.observation("2160-0", Decimal("2.9"), "mg/dL", status="preliminary", id="new"),
    )
    assert found.latest("creatinine").value == Decimal("0.9")
    assert found.latest("creatinine", preliminary=True).value == Decimal("2.9")


def test_a_value_with_a_reason_for_its_absence_is_no_value(make, chart):
    found = chart(make.observation("29463-7", 71, dataAbsentReason={"text": "Patient refused"}))
    assert not found.panel("body-weight")
    assert (found.unusable[0].kind, found.unusable[0].why) == ("absent", "no value (Patient refused)")


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        ({"valueQuantity": None}, "absent"),
        ({"valueQuantity": {"unit": "kg"}}, "absent"),
        ({"valueQuantity": {"value": 71}}, "unreadable"),
        ({"valueQuantity": {"value": True, "unit": "kg"}}, "unreadable"),
        ({"valueQuantity": {"value": "71,5", "unit": "kg"}}, "unreadable"),
        ({"valueQuantity": {"value": "1e2", "unit": "kg"}}, "unreadable"),
        ({"valueQuantity": {"value": [71], "unit": "kg"}}, "unreadable"),
        ({"valueQuantity": {"value": Decimal("1E+999999"), "unit": "kg"}}, "unreadable"),
        ({"valueQuantity": {"value": 71, "unit": "stones"}}, "unreadable"),
        ({"valueQuantity": "71 kg"}, "unreadable"),
        ({"valueQuantity": None, "valueString": "71 kg"}, "unreadable"),
        ({"valueQuantity": None, "valueString": "Blank"}, "unreadable"),
        ({"valueQuantity": None, "valueCodeableConcept": {"text": "heavy"}}, "unreadable"),
        ({"valueQuantity": {"value": 71, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"}}, "unreadable"),
        ({"valueQuantity": {"value": 71, "unit": "kg", "comparator": "about"}}, "unreadable"),
        ({"valueQuantity": {"value": 100, "unit": "kg", "comparator": ">"}}, "unreadable"),
    ],
)
def test_what_is_not_a_value_with_a_known_unit_is_refused_and_named(make, chart, broken, kind):
    found = chart(make.observation("29463-7", 71, **broken))
    assert not found.panel("body-weight")
    assert [(u.panel, u.kind) for u in found.unusable] == [("body-weight", kind)]
    assert found.unusable[0].why


def test_a_unit_in_words_is_read_with_a_doubt(make, chart):
    found = chart(make.observation("29463-7", valueQuantity={"value": 154, "unit": "lbs"})).panel("body-weight")[0]
    assert found.value == Decimal("69.85322498")
    assert found.doubts == ("unit read from its text (lbs)",)


def test_a_number_written_as_text_is_read_with_a_doubt(make, chart):
    found = chart(make.observation("29463-7", valueQuantity=make.quantity("95.5", "kg"))).panel("body-weight")[0]
    assert found.value == Decimal("95.5")
    assert found.doubts == ("number was written as text",)


def test_kelvin_per_microlitre_is_refused_as_a_code_and_read_as_words(make, chart):
    as_code = chart(make.observation("777-3", 230, "K/uL"))
    as_words = chart(make.observation("777-3", valueQuantity={"value": 230, "unit": "K/uL"}))
    assert not as_code.panel("platelets")
    assert as_code.unusable[0].kind == "unreadable"
    assert as_words.panel("platelets")[0].value == 230


def test_a_unit_whose_text_and_code_name_different_units_is_refused(make, chart):
    pounds_or_kilograms = make.quantity(154, "kg", unit="lb")
    found = chart(make.observation("29463-7", valueQuantity=pounds_or_kilograms))
    assert not found.panel("body-weight")
    assert "lb by its text" in found.unusable[0].why


def test_a_vendor_spelling_beside_a_code_is_no_contradiction(make, chart):
    micromoles = make.quantity(32, "umol/L", unit="mcmol/L")
    found = chart(make.observation("14682-9", valueQuantity=micromoles)).panel("creatinine")[0]
    assert round(found.value, 3) == Decimal("0.362")
    assert found.raw == Quantity(Decimal(32), "umol/L")


def test_urea_becomes_urea_nitrogen_by_mass_and_by_moles(make, chart):
    mass = chart(make.observation("3091-6", 30, "mg/dL")).panel("bun")[0].value
    moles = chart(make.observation("22664-7", 5, "mmol/L")).panel("bun")[0].value
    nitrogen = chart(make.observation("3094-0", 14, "mg/dL")).panel("bun")[0].value
    assert (mass, moles, nitrogen) == (Decimal("14.01"), Decimal("14.005"), Decimal(14))


@pytest.mark.parametrize(("kg", "used"), [("0.3", True), ("0.29", False), ("500", True), ("500.1", False)])
def test_an_impossible_weight_is_refused_with_its_value(make, chart, kg, used):
    found = chart(make.observation("29463-7", Decimal(kg)))
    assert bool(found.panel("body-weight")) is used
    assert [(u.kind, u.value) for u in found.unusable] == ([] if used else [("implausible", Decimal(kg))])


@pytest.mark.parametrize(
    ("when", "used"), [("2026-03-02T10:00:00Z", True), ("2026-03-02T10:00:01Z", False), ("2099-07-07", False), ("2026-03-02", True)]
)
def test_a_value_more_than_an_hour_ahead_is_not_used(make, chart, when, used):
    found = chart(make.observation("29463-7", 71, effectiveDateTime=when))
    assert bool(found.panel("body-weight")) is used
    assert [u.kind for u in found.unusable] == ([] if used else ["future"])


def test_the_newest_weight_is_first_whatever_its_offset(make, weights):
    assert weights(
        make.observation("29463-7", 70, id="w1", effectiveDateTime="2026-03-01T23:00:00-05:00"),
        make.observation("29463-7", 71, id="w2", effectiveDateTime="2026-03-02T03:00:00Z"),
        make.observation("29463-7", 72, id="w3", effectiveDateTime="2026-02"),
        make.observation("29463-7", 73, id="w4", effectiveDateTime=None),
    ) == [70, 71, 72, 73]


def test_a_day_without_a_clock_is_the_site_s_day(make, content):
    tokyo = ZoneInfo("Asia/Tokyo")
    item = make.observation("29463-7", 71, effectiveDateTime="2026-03-02")
    time = read_observations([item], content.panels, make.now, tokyo).measurements[0].time
    assert time.earliest == datetime(2026, 3, 2, tzinfo=tokyo)


@pytest.mark.parametrize(
    ("dates", "text", "doubts"),
    [
        ({"effectivePeriod": {"start": "2026-02-01", "end": "2026-02-03"}}, "2026-02-03", ()),
        ({"effectiveInstant": "2026-02-04T08:00:00Z"}, "2026-02-04T08:00:00Z", ()),
        ({"issued": "2026-02-05T08:00:00Z"}, "2026-02-05T08:00:00Z", ("dated by when it was issued",)),
        ({"effectivePeriod": {"start": "2026-02-01"}}, "2026-02-01", ("dated by its beginning",)),
        ({"effectiveDateTime": "yesterday", "issued": "2026-02-05T08:00:00Z"}, None, ("its date cannot be read",)),
        ({}, None, ("no date",)),
    ],
)
def test_the_time_of_a_value_is_its_effective_time_or_when_it_was_issued(make, chart, dates, text, doubts):
    found = chart(make.observation("29463-7", 71, **{"effectiveDateTime": None, **dates})).panel("body-weight")[0]
    assert (found.time.text if found.time else None, found.doubts) == (text, doubts)


def test_an_undated_weight_is_kept_but_is_not_the_latest(make, chart):
    found = chart(make.observation("29463-7", 71, effectiveDateTime=None))
    assert found.panel("body-weight")
    assert found.latest("body-weight") is None


def test_a_comparator_is_kept(make, chart):
    found = chart(make.observation("98979-8", valueQuantity=make.quantity(60, "mL/min/{1.73_m2}", comparator=">"))).panel("egfr")[0]
    assert (found.comparator, found.value) == (">", Decimal(60))
    assert "> 60" in found.said


def test_a_coded_result_keeps_its_codes_and_its_words(make, chart):
    group_a = {"coding": [make.coding("snomed", "112144000", display="Blood group A")], "text": "Group A"}
    found = chart(make.observation("883-9", valueCodeableConcept=group_a)).panel("abo")[0]
    assert [c.code for c in found.codes] == ["112144000"]
    assert found.text == "Group A; Blood group A"
    assert found.value is None


def test_a_code_of_two_panels_is_a_result_of_both(make, chart):
    found = chart(make.observation("882-1", valueString="A pos"))
    assert [found.panel(p)[0].text for p in ("abo", "rh")] == ["A pos", "A pos"]


def test_a_coded_result_without_a_value_is_named(make, chart):
    found = chart(make.observation("883-9"))
    assert [(u.panel, u.kind) for u in found.unusable] == [("abo", "absent")]


def test_a_result_known_by_its_words_is_offered_and_not_used(make, chart):
    words = {"coding": [{"system": "urn:local", "code": "CREA"}], "text": "Serum creatinine"}
    found = chart(make.observation("x", Decimal("0.9"), "mg/dL", code=words))
    assert not found.panel("creatinine")
    assert [(m.value, m.doubts) for m in found.candidates] == [(Decimal("0.9"), (MATCHED_BY_TEXT,))]


def test_words_do_not_count_beside_a_loinc_code_of_something_else(make, chart):
    urine = {"coding": [make.coding("loinc", "5403-1")], "text": "Creatinine, urine"}
    assert not chart(make.observation("x", 90, "mg/dL", code=urine)).candidates


def test_a_panel_without_any_loinc_code_is_found_by_its_words(make, chart):
    found = chart(make.observation("x", code={"text": "Anti-IgA antibody"}, valueString="Positive"))
    assert [(m.text, m.loinc, m.doubts) for m in found.panel("anti-iga")] == [("Positive", "", (MATCHED_BY_TEXT,))]


def test_an_observation_about_somebody_else_is_not_used(make, chart):
    found = chart(make.observation("29463-7", 3, focus=[{"reference": "RelatedPerson/baby"}]))
    assert not found.panel("body-weight")
    assert "focus" in found.unusable[0].why


@pytest.mark.parametrize(("second", "contradicts"), [("77", False), ("78", True)])
def test_two_values_of_one_instant_contradict_beyond_a_tenth(make, chart, second, contradicts):
    found = chart(
        make.observation("29463-7", 70, id="w1"),
        make.observation("29463-7", Decimal(second), id="w2"),
        make.observation("29463-7", 20, id="w0", effectiveDateTime="2020-01-01"),
    )
    assert bool(conflict(found.panel("body-weight"), Decimal("0.10"))) is contradicts


def test_a_preliminary_value_contradicts_nothing(make, chart):
    found = chart(make.observation("29463-7", 70, id="w1"), make.observation("29463-7", 140, id="w2", status="preliminary"))
    assert conflict(found.panel("body-weight"), Decimal("0.10")) is None


def test_said_is_short_and_holds_value_unit_and_date(make, chart):
    found = chart(make.observation("29463-7", Decimal("87.23961413680364"))).panel("body-weight")[0]
    assert found.said == "Body weight 87.24 kg, 2026-03-01T08:00:00Z"
    assert found.value == Decimal("87.23961413680364")


@pytest.mark.parametrize(
    "broken", [{"code": None}, {"code": "29463-7"}, {"component": "none"}, {"code": {"coding": "x"}}, {"component": [7]}]
)
def test_malformed_observations_never_raise(make, chart, broken):
    found = chart(make.observation("29463-7", 71, **broken))
    assert len(found.panel("body-weight")) <= 1


def test_a_panel_that_content_does_not_have_is_not_read(make, content):
    panels = {k: v for k, v in content.panels.items() if k != "body-weight"}
    assert not read_observations([make.observation("29463-7", 71)], panels, make.now, make.now.tzinfo).measurements


def test_the_limits_of_plausibility_are_those_of_content(make, content):
    tight = {"body-weight": replace(content.panels["body-weight"], hard=(Decimal(10), Decimal(20)))}
    readings = read_observations([make.observation("29463-7", 71)], tight, make.now, make.now.tzinfo)
    assert readings.unusable[0].why == "outside 10 to 20 kg"
