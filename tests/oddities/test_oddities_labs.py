"""Oddities 24 to 31: laboratory results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from oddities.a_real_file import CAMILA, SCATTERED, SMART, Json, Read, bodies, body, found, load, resources

UCUM = "http://unitsofmeasure.org"
ADULT = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1970-06-01"}
Reads = Callable[..., Read]


def lab(loinc: str, id_: str = "lab", text: str = "", **more: Any) -> Json:
    """A final result of the adult; `more` holds its value."""
    code = {"coding": [{"system": "http://loinc.org", "code": loinc}]} if loinc else {"text": text}
    made = {"resourceType": "Observation", "id": id_, "status": "final", "subject": {"reference": "Patient/p"}, "code": code}
    return {**made, "effectiveDateTime": "2026-05-10T08:00:00Z", **more}


def amount(value: Any, unit: str) -> Json:
    return {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit}}


def of(data: Path, folder: str, name: str, text: str) -> Json:
    """The recorded result of that name, the one in words where there are several."""
    named = [r for r in resources(body(data, folder, name), "Observation") if r["code"].get("text") == text]
    return next((r for r in named if "valueString" in r), named[0])


def owned(result: Json) -> Json:
    """The Patient whose result this is."""
    return {"resourceType": "Patient", "id": result["subject"]["reference"].partition("/")[2], "birthDate": "1970-06-01"}


@pytest.mark.oddity(24)
def test_a_result_that_only_its_text_names_is_offered_and_clears_nothing(read: Reads) -> None:
    record = read(ADULT, lab("", text="Creatinine", **amount(Decimal("4.1"), "mg/dL")))
    assert "4.1 mg/dL" in record.said("record.value-unusable")
    assert "confirm" in record.said("record.value-unusable")
    assert record.of("renal.creatinine-missing") != "clear"
    assert record.of("renal.reduced-function") == "not-found"


@pytest.mark.oddity(24)
def test_a_result_without_a_unit_is_refused_and_not_taken_as_normal(read: Reads, data: Path) -> None:
    result = of(data, CAMILA, "observation-lab", "Hemoglobin A1C")
    assert result["valueQuantity"] == {"value": Decimal("5.1")}
    bare = {**lab("2160-0"), "valueQuantity": result["valueQuantity"]}
    record = read(ADULT, bare)
    assert "no unit" in record.said("record.value-unusable")
    assert record.of("renal.reduced-function") == "not-found"


@pytest.mark.oddity(25)
@pytest.mark.parametrize(("folder", "text", "said"), [(SMART, "Potassium Level", "Blank"), (CAMILA, "Genotype:", "Genotype Value")])
def test_words_in_the_place_of_a_number_are_no_number(read: Reads, data: Path, folder: str, text: str, said: str) -> None:
    result = of(data, folder, "observation-lab", text)
    assert result["valueString"] == said
    chart = read(owned(result), result).chart
    assert chart.measurements == ()


@pytest.mark.oddity(25)
@pytest.mark.parametrize("text", ["4.1", "4.1 mg/dL", "4.1 mg/L", "Blank", "<0.2"])
def test_a_creatinine_in_a_text_is_refused_and_named(read: Reads, text: str) -> None:
    record = read(ADULT, lab("2160-0", valueString=text))
    assert not record.chart.panel("creatinine")
    assert "the value is not a number with a unit" in record.said("record.value-unusable")


@pytest.mark.oddity(26)
def test_a_creatinine_in_micromoles_is_converted_before_any_rule(read: Reads, data: Path) -> None:
    result = of(data, SMART, "observation-lab", "Creatinine Level")
    assert (result["valueQuantity"]["value"], result["valueQuantity"]["unit"], result["valueQuantity"]["code"]) == (32, "mcmol/L", "umol/L")
    [creatinine] = read(owned(result), result).chart.panel("creatinine")
    assert creatinine.value is not None
    assert round(creatinine.value * Decimal("88.42")) == 32
    assert creatinine.unit == "mg/dL"


@pytest.mark.oddity(26)
def test_an_estimated_clearance_is_no_filtration_rate(read: Reads, data: Path) -> None:
    result = of(data, SMART, "observation-lab", "Estimated Creatinine Clearance")
    assert result["valueQuantity"]["value"] == Decimal("256.83")
    chart = read(owned(result), result).chart
    assert not chart.panel("egfr")
    assert not chart.panel("creatinine")


@pytest.mark.oddity(27)
def test_units_in_words_are_read_where_they_are_known_and_refused_where_not(read: Reads, data: Path) -> None:
    rbc = of(data, CAMILA, "observation-lab", "RBC")
    assert rbc["valueQuantity"] == {"value": Decimal("4.8"), "unit": "10*6/µL"}
    [platelets] = read(ADULT, {**lab("777-3"), "valueQuantity": {"value": 230, "unit": "K/uL"}}).chart.panel("platelets")
    assert platelets.value == 230
    assert "unit read from its text (K/uL)" in platelets.doubts
    strange = read(ADULT, {**lab("777-3"), "valueQuantity": {"value": 230, "unit": rbc["valueQuantity"]["unit"]}}).chart
    assert not strange.panel("platelets")
    assert [u.why for u in strange.unusable] == ["the unit 10*6/µL has no code and is not known"]


@pytest.mark.oddity(27)
def test_a_vendor_s_spelling_beside_a_code_does_no_harm(read: Reads, data: Path) -> None:
    vitals = [r for r in resources(body(data, SMART, "observation-vital"), "Observation")]
    oral = next(r for r in vitals if r["code"]["text"] == "Temperature Oral" and r["valueQuantity"]["value"] == 37)
    assert (oral["valueQuantity"]["unit"], oral["valueQuantity"]["code"]) == ("degC", "Cel")
    assert [m.value for m in read(owned(oral), oral).chart.panel("temperature")] == [37]
    breaths = next(r for r in vitals if r["code"]["text"] == "Respiratory Rate")
    assert breaths["valueQuantity"]["unit"] == "minutes"
    chart = read(owned(breaths), breaths).chart
    assert not chart.panel("resp-rate")
    assert [u.panel for u in chart.unusable] == ["resp-rate"]


@pytest.mark.oddity(28)
def test_creatinine_and_filtration_rate_that_contradict_are_both_shown_and_the_worse_counts(read: Reads, data: Path) -> None:
    document = load(found(data / "patients" / "synthea-2023", "38f38890"))
    record = read(document, now=datetime(2021, 9, 1, 9, tzinfo=UTC))
    finding = record.finding("renal.reduced-function")
    assert finding.severity == "override"
    assert "Creatinine 3.34 mg/dL, 2021-08-15" in record.said("renal.reduced-function")
    assert "78.14 mL/min" in record.said("renal.reduced-function")
    assert "disagree (17.9 and 78.1); the worse one counts" in finding.message


@pytest.mark.oddity(28)
def test_a_low_filtration_rate_beside_a_normal_creatinine_counts(read: Reads) -> None:
    creatinine, rate = lab("2160-0", "cr", **amount(Decimal("0.9"), "mg/dL")), lab("33914-3", "gfr", **amount(17, "mL/min"))
    record = read(ADULT, creatinine, rate)
    assert record.of("renal.reduced-function") in ("override", "hard-stop")
    assert "17 mL/min" in record.said("renal.reduced-function")
    assert "0.9 mg/dL" in record.said("renal.reduced-function")


@pytest.mark.oddity(29)
@pytest.mark.parametrize("unit", ["mL/min", "mL/min/{1.73_m2}"])
def test_both_units_of_a_filtration_rate_are_read(read: Reads, data: Path, unit: str) -> None:
    seen = {
        r["valueQuantity"]["code"]
        for p in sorted((data / "patients" / "synthea-2020").glob("132f48ba*"))
        for r in resources(load(p), "Observation")
        if any(c["code"] == "33914-3" for c in r["code"]["coding"])
    }
    assert unit in seen
    [rate] = read(ADULT, lab("33914-3", **amount(45, unit))).chart.panel("egfr")
    assert rate.value == 45
    assert rate.raw is not None
    assert rate.raw.code == unit


@pytest.mark.oddity(30)
def test_what_was_entered_in_error_is_none_and_does_not_come_back(read: Reads, data: Path) -> None:
    listed = body(data, SMART, "allergy")
    wrong = {r["id"] for r in resources(listed) if r["verificationStatus"]["coding"][0]["code"] == "entered-in-error"}
    chart = read(*bodies(data, SMART)).chart
    assert len(wrong) == 5
    assert len(chart.allergies) == 110
    assert not wrong & {a.source.reference.partition("/")[2] for a in chart.allergies}


@pytest.mark.oddity(30)
@pytest.mark.parametrize("name", ["Observation-blood-pressure-cancel.json", "Observation-f202.json", "Observation-unsat.json"])
def test_a_cancelled_or_erroneous_observation_is_not_used(read: Reads, data: Path, name: str) -> None:
    result = load(data / "hl7-r4-examples" / name)
    assert result["status"] in ("cancelled", "entered-in-error")
    chart = read(owned(result), result).chart
    assert chart.measurements == ()


@pytest.mark.oddity(30)
@pytest.mark.parametrize(
    ("status", "counts"), [("final", 1), ("corrected", 1), ("preliminary", 1), ("unknown", 0), ("registered", 0), ("cancelled", 0)]
)
def test_a_preliminary_result_may_fire_and_never_clear(read: Reads, status: str, counts: int) -> None:
    good, bad = amount(Decimal("0.9"), "mg/dL"), amount(Decimal("4.1"), "mg/dL")
    assert len(read(ADULT, lab("2160-0", **good, status=status)).chart.panel("creatinine")) == counts
    assert (read(ADULT, lab("2160-0", **good, status=status)).of("renal.reduced-function") == "clear") is (status in ("final", "corrected"))
    assert (read(ADULT, lab("2160-0", **bad, status=status)).of("renal.reduced-function") in ("override", "hard-stop")) is bool(counts)


@pytest.mark.oddity(31)
def test_a_reason_in_the_place_of_a_value_is_no_value(read: Reads, data: Path) -> None:
    length = next(r for r in resources(body(data, SCATTERED, "observation-vital"), "Observation") if "dataAbsentReason" in r)
    assert length["dataAbsentReason"]["coding"][0]["code"] == "not-applicable"
    assert read(owned(length), length).chart.measurements == ()
    glucose = next(
        r
        for r in resources(load(data / "patients" / "uscore-inferno" / "us_quality_core_bundle_patient.json"), "Observation")
        if "dataAbsentReason" in r and r["code"]["coding"][0]["code"] == "2339-0"
    )
    creatinine = {**glucose, "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]}}
    record = read(owned(glucose), creatinine)
    assert not record.chart.panel("creatinine")
    assert "no value" in record.said("record.value-unusable")


@pytest.mark.oddity(31)
def test_half_a_blood_pressure_is_half_a_blood_pressure(read: Reads, data: Path) -> None:
    pressure = load(data / "hl7-r4-examples" / "Observation-blood-pressure-dar.json")
    chart = read(owned(pressure), pressure).chart
    assert [m.value for m in chart.panel("sbp")] == [107]
    assert not chart.panel("dbp")
    assert [u.panel for u in chart.unusable] == ["dbp"]
