"""Oddities 41 to 47: medications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from a_loopback import Asked, Said, loopback
from an_ehr_server import bundle
from oddities.a_real_file import LIN, SCATTERED, SMART, Json, Read, bodies, body, found, load, resources

from ivig_fhir.chart.drugs import STALE
from ivig_fhir.chart.facts import Drug
from ivig_fhir.chart.medicines import UNKNOWN, UNRESOLVED
from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.chart.read import read_chart
from ivig_fhir.content.model import Content
from ivig_fhir.ehr.fetch import fetch_answers

ADULT = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1970-06-01"}
UCUM = "http://unitsofmeasure.org"
REQUESTS = [q for q in QUERIES if q.type == "MedicationRequest"]
Reads = Callable[..., Read]


def order(**more: Any) -> Json:
    """An active order of the adult."""
    made = {"resourceType": "MedicationRequest", "id": "o", "status": "active", "intent": "order", "subject": {"reference": "Patient/p"}}
    return {**made, "authoredOn": "2026-05-01", "medicationCodeableConcept": {"text": "Immune globulin"}, **more}


def dosed(value: Any, unit: str, system: str = UCUM, **more: Any) -> Json:
    """The same order with one dose."""
    return order(
        dosageInstruction=[{"doseAndRate": [{"doseQuantity": {"value": value, "unit": unit, "system": system, "code": unit}, **more}]}]
    )


def owner(resource: Json) -> Json:
    """The Patient of an order."""
    return {"resourceType": "Patient", "id": resource["subject"]["reference"].partition("/")[2], "birthDate": "1970-06-01"}


def drug(record: Read) -> Drug:
    """The only entry about a medicine."""
    [only] = record.chart.drugs
    return only


@pytest.mark.oddity(41)
def test_a_medicine_that_only_a_display_names_keeps_its_name_and_a_doubt(read: Reads, data: Path) -> None:
    [entry] = resources(body(data, LIN, "medicationrequest"), "MedicationRequest")
    assert "medicationCodeableConcept" not in entry
    known = drug(read(owner(entry), entry))
    assert known.texts == ("aspirin (BAYER ASPIRIN) 325 MG tablet",)
    assert UNRESOLVED in known.doubts


@pytest.mark.oddity(41)
def test_a_reference_is_read_from_the_server_and_never_silently_skipped(data: Path, content: Content) -> None:
    [entry] = resources(body(data, LIN, "medicationrequest"), "MedicationRequest")
    patient, pointed = owner(entry), entry["medicationReference"]["reference"]
    medication = {"resourceType": "Medication", "id": pointed.partition("/")[2], "code": {"text": "Aspirin 325 mg"}}
    bare = {**entry, "medicationReference": {"reference": pointed}}

    def answer(asked: Asked, there: bool) -> Said:
        if asked.path == f"Patient/{patient['id']}":
            return Said(body=patient)
        if asked.path == pointed:
            return Said(body=medication) if there else Said(404)
        return Said(body=bundle(bare) if asked.type == "MedicationRequest" else bundle())

    for there, name in ((True, "Aspirin 325 mg"), (False, "")):
        with loopback(lambda asked, there=there: answer(asked, there)) as server:
            chart = read_chart(fetch_answers(server.client(), patient["id"], REQUESTS), content, datetime(2026, 5, 15, tzinfo=UTC), UTC)
        [known] = chart.drugs
        assert known.texts == ((name,) if name else ())
        assert chart.answer("MedicationRequest").complete is there
        if not there:
            assert UNKNOWN in known.said
            assert "the medicine of 1 entries could not be read" in chart.answer("MedicationRequest").said


@pytest.mark.oddity(41)
@pytest.mark.parametrize("name", ["04f25f73", "79b1d90a", "ad134528", "38f38890", "5b3645de"])
def test_a_medicine_behind_a_urn_is_found_in_its_bundle(read: Reads, data: Path, name: str) -> None:
    document = load(found(data / "patients" / "synthea-2023", name))
    pointing = [r for r in resources(document, "MedicationRequest") if "medicationReference" in r]
    assert all(r["medicationReference"]["reference"].startswith("urn:uuid:") for r in pointing)
    record = read(document)
    ids = {f"MedicationRequest/{r['id']}" for r in pointing}
    assert [d for d in record.chart.drugs if d.source.reference in ids and not d.codes] == []


@pytest.mark.oddity(41)
def test_a_contained_medicine_is_found(read: Reads, data: Path) -> None:
    entry = load(data / "hl7-r4-examples" / "MedicationRequest-medrx0319.json")
    assert entry["medicationReference"]["reference"].startswith("#")
    known = drug(read(owner(entry), entry))
    assert known.codes
    assert UNRESOLVED not in known.doubts


@pytest.mark.oddity(42)
def test_of_three_doses_the_ordered_one_is_taken_and_none_is_added(read: Reads, data: Path) -> None:
    [entry] = resources(body(data, LIN, "medicationrequest"), "MedicationRequest")
    kinds = [d["type"]["text"] for d in entry["dosageInstruction"][0]["doseAndRate"]]
    assert kinds == ["calculated", "admin-amount", "ordered"]
    assert drug(read(owner(entry), entry)).grams == Decimal("0.325")
    turned = [{**entry["dosageInstruction"][0], "doseAndRate": entry["dosageInstruction"][0]["doseAndRate"][::-1]}]
    assert drug(read(owner(entry), {**entry, "dosageInstruction": turned})).grams == Decimal("0.325")
    volumes = [r for r in resources(body(data, SCATTERED, "medicationrequest"), "MedicationRequest")]
    assert [d.grams for d in read(owner(volumes[0]), *volumes).chart.drugs] == [None, None]


@pytest.mark.oddity(43)
@pytest.mark.parametrize(("code", "grams"), [("g", 40), ("mg", Decimal("0.04")), ("MG", None), ("G", None), ("ML", None), ("gram", None)])
def test_a_code_that_is_not_exactly_ucum_s_is_never_converted(read: Reads, code: str, grams: Any) -> None:
    known = drug(read(ADULT, dosed(40, code)))
    assert known.grams == grams
    assert any("not coded as a mass" in d for d in known.doubts) is (grams is None)


@pytest.mark.oddity(44)
def test_a_drip_in_percent_is_no_dose_in_grams(read: Reads, data: Path) -> None:
    listed = body(data, SMART, "medicationrequest")
    drip = next(r for r in resources(listed) if r["id"] == "332682525")
    dose = drip["dosageInstruction"][0]["doseAndRate"][0]
    assert (dose["doseQuantity"]["unit"], dose["rateQuantity"]["unit"]) == ("%", "mL/hr")
    known = drug(read(owner(drip), drip))
    assert known.grams is None
    assert "its dose is not coded as a mass (%)" in known.doubts


@pytest.mark.oddity(44)
def test_an_order_without_any_dose_is_an_order_of_unknown_grams(read: Reads, data: Path) -> None:
    listed = body(data, SMART, "medicationrequest")
    bare = [r for r in resources(listed) if not any(d.get("doseAndRate") for d in r.get("dosageInstruction", []))]
    assert len(bare) == 9
    known = read(owner(bare[0]), *bare).chart.drugs
    assert len(known) == 9
    assert {d.grams for d in known} == {None}


@pytest.mark.oddity(45)
def test_a_plan_that_was_reported_is_what_the_patient_takes_and_no_order(read: Reads, data: Path) -> None:
    listed = list(resources(body(data, SMART, "medicationrequest")))
    plans = {f"MedicationRequest/{r['id']}" for r in listed if r["intent"] == "plan"}
    assert all(r["reportedBoolean"] for r in listed if r["intent"] == "plan")
    drugs = read(*bodies(data, SMART)).chart.drugs
    assert {d.kind for d in drugs if d.source.reference in plans} == {"statement"}
    assert {d.kind for d in drugs if d.source.reference not in plans} == {"request"}


@pytest.mark.oddity(45)
def test_an_order_not_to_give_a_medicine_is_no_medicine(read: Reads, data: Path) -> None:
    document = load(data / "patients" / "uscore-inferno" / "us_quality_core_bundle_patient.json")
    refused = next(r for r in resources(document, "MedicationRequest") if r.get("doNotPerform"))
    assert (refused["status"], "coding" in refused["medicationCodeableConcept"]) == ("active", False)
    chart = read(document).chart
    assert f"MedicationRequest/{refused['id']}" not in {d.source.reference for d in chart.drugs}
    assert chart.answer("MedicationRequest").complete  # what was not to be given is no unknown medicine


@pytest.mark.oddity(46)
def test_an_active_order_of_another_century_is_doubted_and_one_of_a_dead_patient_stops(read: Reads, data: Path) -> None:
    record = read(load(found(data / "patients" / "synthea-2020", "39234650")))
    old = [d for d in record.chart.drugs if d.state == "active" and d.time is not None and d.time.text.startswith("1938")]
    assert [STALE in d.doubts for d in old] == [True]
    assert record.of("identity.deceased") == "hard-stop"


@pytest.mark.oddity(46)
def test_a_number_without_a_unit_is_no_dose_and_a_misspelt_name_stays_a_name(read: Reads, data: Path) -> None:
    document = load(found(data / "patients" / "synthea-2020", "91c91ff0"))
    unitless = {
        f"MedicationRequest/{r['id']}"
        for r in resources(document, "MedicationRequest")
        for d in r.get("dosageInstruction", [])
        for x in d.get("doseAndRate", [])
        if x.get("doseQuantity") and "unit" not in x["doseQuantity"]
    }
    drugs = [d for d in read(document).chart.drugs if d.source.reference in unitless]
    assert len(drugs) == 22
    assert {d.grams for d in drugs} == {None}
    assert all("its dose is not coded as a mass (no unit)" in d.doubts for d in drugs)
    assert any(t.startswith("Simvistatin") for d in drugs for t in d.texts)


@pytest.mark.oddity(47)
@pytest.mark.parametrize(
    ("name", "grams"),
    [
        ("medrx0301", None),  # a range of tablets
        ("medrx0305", None),  # a tablet, in a system of forms
        ("medrx0309", None),  # mg/m2
        ("medrx0312", "0.1"),
        ("medrx0317", None),  # three doses that differ
        ("medrx0319", "4.5"),  # its rate is "ml/hr", its dose is grams
        ("medrx0322", None),  # mEq, and a rate as a ratio
        ("medrx0323", None),  # mL
        ("medrx0336", None),  # a rate alone
    ],
)
def test_doses_of_every_shape_are_grams_only_where_they_are(read: Reads, data: Path, name: str, grams: str | None) -> None:
    entry = load(data / "hl7-r4-examples" / f"MedicationRequest-{name}.json")
    assert drug(read(owner(entry), entry)).grams == (Decimal(grams) if grams else None)


@pytest.mark.oddity(47)
@pytest.mark.parametrize("unit", ["mg/kg", "mg/m2", "g/kg"])
def test_a_dose_per_weight_is_no_amount(read: Reads, unit: str) -> None:
    assert drug(read(ADULT, dosed(Decimal("0.4"), unit))).grams is None
