"""Oddities 13 to 23: weight and height, on which the dose hangs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from oddities.a_real_file import CAMILA, LIN, SCATTERED, SMART, Json, Read, bodies, body, found, load, resources

UCUM = "http://unitsofmeasure.org"
ADULT = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1970-06-01"}
PAT014 = {"resourceType": "Patient", "id": "pat014", "gender": "male", "birthDate": "1946-07-04"}
FORM = "patients/davinci-crd/crd_transaction_bundle.json"
Reads = Callable[..., Read]


def weight(value: Any, unit: str, id_: str = "w", when: str | None = "2026-05-01", loinc: str = "29463-7", **more: Any) -> Json:
    """A weight of the adult."""
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    made = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
        "valueQuantity": quantity,
        **({"effectiveDateTime": when} if when else {}),
    }
    return {k: v for k, v in {**made, **more}.items() if v is not None}


def kilograms(record: Read) -> list[Decimal | None]:
    return [m.value for m in record.chart.panel("body-weight")]


def whole(documents: list[Json]) -> list[Json]:
    """The same answers as if nothing of them had been withheld."""
    return [
        {**d, "entry": [e for e in d["entry"] if e["resource"]["resourceType"] != "OperationOutcome"]} if "entry" in d else d
        for d in documents
    ]


@pytest.mark.oddity(13)
@pytest.mark.parametrize(
    ("value", "code", "kg"), [(82, "kg", "82"), (82000, "g", "82"), (180, "[lb_av]", "81.6466266"), (2880, "[oz_av]", "81.6466266")]
)
def test_a_weight_counts_by_its_unit_and_never_by_its_number(read: Reads, value: Any, code: str, kg: str) -> None:
    assert kilograms(read(ADULT, weight(value, code))) == [Decimal(kg)]
    naked = weight(value, code, valueQuantity={"value": value})
    record = read(ADULT, naked)
    assert kilograms(record) == []
    assert "no unit" in record.said("record.value-unusable")


@pytest.mark.oddity(14)
def test_pounds_are_read_by_their_code_whatever_their_text(read: Reads, data: Path) -> None:
    crd = next(r for r in resources(load(data / FORM)) if r.get("id") == "obs014BodyWeight")
    assert (crd["valueQuantity"]["value"], crd["valueQuantity"]["unit"]) == (175, "[lb_av]")
    assert [round(kg or 0, 2) for kg in kilograms(read(PAT014, crd))] == [Decimal("79.38")]
    hl7 = load(data / "hl7-r4-examples" / "Observation-example.json")
    assert hl7["valueQuantity"]["unit"] == "lbs"
    assert [round(kg or 0, 2) for kg in kilograms(read({**ADULT, "id": "example"}, hl7))] == [Decimal("83.91")]


@pytest.mark.oddity(14)
def test_a_number_that_is_a_text_and_inches_and_long_decimals_are_read(read: Reads) -> None:
    [said] = read(ADULT, weight("95", "kg")).chart.panel("body-weight")
    assert said.value == 95
    assert "number was written as text" in said.doubts
    assert kilograms(read(ADULT, weight("ninety", "kg"))) == []
    inches = read(ADULT, weight(70, "[in_i]", loinc="8302-2")).chart.panel("body-height")
    assert [m.value for m in inches] == [Decimal("177.8")]
    long = read(ADULT, weight(Decimal("63.15432109876543"), "kg"))
    assert "63.15 kg" in long.chart.panel("body-weight")[0].said
    assert long.proposal.weight.dosing_kg == Decimal("63.2")


@pytest.mark.oddity(15)
def test_a_weight_without_an_effective_date_is_dated_by_its_issue_and_doubted_or_not_used(read: Reads, data: Path) -> None:
    crd = next(r for r in resources(load(data / FORM)) if r.get("id") == "obs014BodyWeight")
    assert not [k for k in crd if k.startswith("effective")]
    record = read(PAT014, crd)
    assert "dated by when it was issued" in record.said("weight.stale")
    undated = read(PAT014, {k: v for k, v in crd.items() if k != "issued"})
    assert undated.proposal.weight.dosing_kg is None
    assert undated.proposal.outcome == "data-required"
    assert "no date" in undated.said("weight.missing")


@pytest.mark.oddity(16)
def test_the_latest_weight_is_the_latest_that_has_a_value_and_a_period_counts(read: Reads) -> None:
    absent = {"dataAbsentReason": {"coding": [{"code": "unknown"}]}, "valueQuantity": None}
    record = read(
        ADULT,
        weight(80, "kg", "old", "2026-04-01T08:00:00Z"),
        weight(81, "kg", "period", None, effectivePeriod={"start": "2026-05-01T08:00:00Z", "end": "2026-05-01T09:00:00Z"}),
        weight(0, "kg", "empty", "2026-05-01T09:00:00Z", **absent),
        weight(0, "kg", "later", "2026-05-02T09:00:00Z", **absent),
    )
    assert (record.proposal.weight.actual_kg, record.proposal.weight.source) == (Decimal("81.0"), "Observation/period")
    assert {u.source.reference for u in record.chart.unusable} == {"Observation/empty", "Observation/later"}


@pytest.mark.oddity(17)
def test_weights_minutes_apart_that_contradict_are_both_shown(read: Reads, data: Path) -> None:
    record = read(*bodies(data, SMART), now=datetime(2026, 3, 20, 15, tzinfo=UTC))
    changed = record.finding("weight.changed")
    assert changed.severity == "warning"
    assert "55 kg, 2026-03-20T13:44" in record.said("weight.changed")
    assert "76 kg, 2026-03-20T13:31" in record.said("weight.changed")
    assert changed.mitigation


@pytest.mark.oddity(17)
def test_weights_of_one_instant_that_contradict_are_no_weight(read: Reads) -> None:
    record = read(ADULT, weight(76, "kg", "a"), weight(55, "kg", "b"))
    assert record.proposal.outcome == "data-required"
    assert "76 kg" in record.said("weight.missing")
    assert "55 kg" in record.said("weight.missing")


@pytest.mark.oddity(17)
def test_a_chart_of_weights_from_a_child_to_a_heavy_adult_is_dosed_on_the_newest_only(read: Reads, data: Path) -> None:
    record = read(*whole(bodies(data, SCATTERED)), now=datetime(2021, 1, 10, 9, tzinfo=UTC))
    held = [kg for kg in kilograms(record) if kg is not None]
    assert (min(held), max(held)) == (Decimal("18.1"), 131)
    assert record.proposal.weight.effective == "2021-01-09T20:56:06Z"


@pytest.mark.oddity(18)
def test_heights_that_cannot_all_be_those_of_one_adult_warn_and_are_shown(read: Reads, data: Path) -> None:
    record = read(*whole(bodies(data, CAMILA)))
    assert [m.value for m in record.chart.panel("body-height")] == [220, 200, 197]
    assert record.of("height.missing") == "warning"
    assert "220 cm" in record.said("height.missing")
    assert "200 cm" in record.said("height.missing")


@pytest.mark.oddity(18)
def test_a_child_s_height_among_an_adult_s_is_seen(read: Reads, data: Path) -> None:
    grown = {"resourceType": "Patient", "id": SCATTERED.partition("/patient-")[2], "gender": "male", "birthDate": "1985-01-01"}
    record = read(*whole([b for b in bodies(data, SCATTERED) if b["resourceType"] != "Patient"]), grown)
    assert "109.2 cm" in record.said("height.missing")
    assert record.of("height.missing") == "warning"


@pytest.mark.oddity(19)
def test_an_adult_s_only_weight_of_childhood_asks_for_a_reason(read: Reads, data: Path) -> None:
    for name in ("uscore_bundle_patient_client_test.json", "us_quality_core_bundle_patient.json"):
        record = read(load(data / "patients" / "uscore-inferno" / name))
        assert record.of("weight.stale") == "override", name
        assert record.of("weight.implausible") == "override", name
        assert "20.09 kg, 1999-07-02" in record.said("weight.stale")


@pytest.mark.oddity(19)
def test_a_weight_of_eight_years_ago_asks_for_a_reason(read: Reads, data: Path) -> None:
    record = read(load(found(data / "patients" / "synthea-2020", "a92edacf")))
    assert record.of("weight.stale") == "override"
    assert "2018-06-10" in record.said("weight.stale")


@pytest.mark.oddity(20)
@pytest.mark.parametrize(
    ("loinc", "text"),
    [
        ("8336-0", "Weight Percentile"),
        ("8303-0", "Height Percentile"),
        ("77606-2", "Weight-for-length"),
        ("8339-4", "Birth weight measured"),
    ],
)
def test_a_look_alike_is_no_weight_and_no_height(read: Reads, loinc: str, text: str) -> None:
    for code in ("%", "kg", "g"):
        record = read(ADULT, weight(65, code, loinc=loinc, code={"text": text, "coding": [{"system": "http://loinc.org", "code": loinc}]}))
        assert not record.chart.panel("body-weight")
        assert not record.chart.panel("body-height")
        assert not record.chart.candidates


@pytest.mark.oddity(20)
@pytest.mark.parametrize("text", ["Weight Z-Score", "Weight percentile", "Birth weight", "Weight for length"])
def test_a_look_alike_by_its_words_is_not_offered_as_a_weight(read: Reads, text: str) -> None:
    record = read(ADULT, weight(65, "kg", code={"text": text}))
    assert not record.chart.panel("body-weight")
    assert not [m for m in record.chart.candidates if m.panel == "body-weight"]


@pytest.mark.oddity(20)
def test_the_look_alikes_of_a_real_child_are_no_weights(read: Reads, data: Path) -> None:
    document = load(found(data / "patients" / "synthea-2023", "5b3645de"))
    alike = {
        r["id"] for r in resources(document, "Observation") if {c["code"] for c in r["code"]["coding"]} & {"77606-2", "59576-9", "8289-1"}
    }
    chart = read(document).chart
    used = {m.source.reference.partition("/")[2] for m in (*chart.panel("body-weight"), *chart.panel("body-height"))}
    assert len(alike) == 36
    assert used
    assert not used & alike


@pytest.mark.oddity(21)
def test_translations_inside_a_quantity_are_not_the_value(read: Reads, data: Path) -> None:
    vitals = body(data, SMART, "observation-vital")
    assert "55000000000000" in str(vitals)
    assert kilograms(read(*bodies(data, SMART))) == [55, 76, 75, 79]


@pytest.mark.oddity(22)
def test_a_weight_is_found_among_six_codings_and_the_panel_alone_is_none(read: Reads, data: Path) -> None:
    vitals = body(data, CAMILA, "observation-vital")
    coded = next(r for r in resources(vitals, "Observation") if any(c["code"] == "29463-7" for c in r["code"]["coding"]))
    assert len(coded["code"]["coding"]) == 6
    owner = {"resourceType": "Patient", "id": coded["subject"]["reference"].partition("/")[2]}
    assert len(read(owner, coded).chart.panel("body-weight")) == 1
    panel = {**coded, "code": {**coded["code"], "coding": [c for c in coded["code"]["coding"] if c["code"] == "8716-3"]}}
    assert not read(owner, panel).chart.panel("body-weight")
    foreign = {**coded, "code": {"coding": [c for c in coded["code"]["coding"] if c["system"] == "urn:oid:1.2.246.537.6.96"]}}
    assert not read(owner, foreign).chart.panel("body-weight")  # LOINC's numbers in another system are no LOINC codes


@pytest.mark.oddity(22)
@pytest.mark.parametrize(("loinc", "check"), [("3142-7", "override"), ("8341-0", "clear"), ("8350-1", "clear"), ("8351-9", "clear")])
def test_other_codes_of_weight_are_weights_and_a_stated_one_is_called_so(read: Reads, loinc: str, check: str) -> None:
    record = read(ADULT, weight(82, "kg", loinc=loinc))
    assert kilograms(record) == [82]
    assert (record.of("weight.not-measured") == "clear") is (check == "clear")


@pytest.mark.oddity(22)
@pytest.mark.parametrize(
    ("loinc", "value", "code", "mg_dl"),
    [("38483-4", "1.1", "mg/dL", "1.10"), ("14682-9", 97, "umol/L", "1.10"), ("59826-8", 97, "umol/L", "1.10")],
)
def test_other_codes_of_creatinine_are_creatinine(read: Reads, loinc: str, value: Any, code: str, mg_dl: str) -> None:
    [found_] = read(ADULT, weight(Decimal(value), code, loinc=loinc)).chart.panel("creatinine")
    assert round(found_.value or 0, 2) == Decimal(mg_dl)


@pytest.mark.oddity(23)
def test_a_value_of_the_year_2099_is_named_and_never_the_latest(read: Reads, data: Path) -> None:
    record = read(*bodies(data, SMART))
    assert "2099-07-07" in str(body(data, SMART, "observation-vital"))
    latest = record.chart.latest("temperature")
    assert latest is not None
    assert latest.time is not None
    assert latest.time.latest.year == 2026
    assert "28 degC, 2099-07-07T21:12:00.000Z, dated in the future" in record.said("record.value-unusable")


def test_the_file_of_a_thousand_vital_signs_holds_no_weight(read: Reads, data: Path) -> None:
    record = read(*bodies(data, LIN))
    assert record.proposal.outcome == "data-required"
    assert record.finding("weight.missing").branch == "unread"
