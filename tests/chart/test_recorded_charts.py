"""Recorded charts: every answer of two vendors' sandboxes and every synthetic patient is read, and nothing is taken for absent."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.queries import TYPES
from ivig_fhir.chart.read import read_chart
from ivig_fhir.errors import ChartError
from ivig_fhir.fhir.building import decode

NOW = datetime(2026, 5, 15, 9, tzinfo=UTC)
EPIC = {
    "no-vitals": "epic/patient-e0w0LEDCYtfckT6N.CkJKCw3",
    "scattered": "epic/patient-eAB3mDIBBcyUKviyzrxsnAw3",
    "thousand": "epic/patient-eq081-VQEgP8drUUqCWzHfw3",
    "daily": "epic/patient-erXuFYUfucBZaryVksYEcMg3",
}
CERNER = {"full": "cerner/patient-12724066", "sparse": "cerner/patient-12752183"}


def load(path: Path) -> Any:
    data = path.read_bytes()
    return decode(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)


def bodies(shared: Path, folder: str) -> dict[Path, Any]:
    """What the server said, by the file that keeps it; a file without an answer is none."""
    kept = {p: load(p) for p in sorted((shared / "data" / "vendor" / folder).glob("*.json*"))}
    return {p: answer["body"] for p, answer in kept.items() if "body" in answer}


def held(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Type and id of each resource of an answer that the app reads."""
    entries = [e["resource"] for e in body.get("entry", [])] if body["resourceType"] == "Bundle" else [body]
    return [(r["resourceType"], r["id"]) for r in entries if r["resourceType"] in TYPES]


def known(chart) -> set[tuple[str, str]]:
    """Type and id of each resource of a chart."""
    return {(type_, r["id"]) for type_ in chart.answers for r in chart.resources(type_)}


@pytest.fixture(scope="session")
def recorded(shared, content):
    """The chart that a folder of recorded answers makes; a folder without the Patient gets a bare one."""

    def read(folder: str):
        documents = list(bodies(shared, folder).values())
        if all(d.get("resourceType") != "Patient" for d in documents):
            documents.append({"resourceType": "Patient", "id": folder.partition("/patient-")[2]})
        return read_chart(from_documents(documents), content, NOW, UTC)

    return read


@pytest.mark.parametrize("folder", [*EPIC.values(), *CERNER.values()])
def test_every_recorded_answer_is_read_and_no_resource_is_lost(recorded, folder):
    chart = recorded(folder)
    assert any(a.resources for a in chart.answers.values())
    assert all(not o.said.startswith("An entry") for o in chart.oddities)
    assert chart.digest == recorded(folder).digest


def test_no_recorded_answer_of_a_patient_is_left_out(shared, recorded):
    """Every file of every `patient-…` folder is read here, but for what a validator said and one note on page sizes; and so is what it holds."""
    folders = sorted(f"{p.parent.name}/{p.name}" for p in (shared / "data" / "vendor").glob("*/patient-*"))
    assert folders == sorted([*EPIC.values(), *CERNER.values()])
    on_disk = {
        p for f in folders for p in (shared / "data" / "vendor" / f).rglob("*") if p.is_file() and p.parent.name != "hapi-validation"
    }
    read = {p: body for f in folders for p, body in bodies(shared, f).items()}
    assert on_disk - read.keys() == {p for p in on_disk if "-paginated-" in p.name}
    assert (len(on_disk), len(read)) == (36, 35)
    assert [p for p, body in read.items() if not isinstance(body, dict) or "resourceType" not in body] == []
    told = {f: {r for body in bodies(shared, f).values() for r in held(body)} for f in folders}
    assert {f: told[f] - known(recorded(f)) for f in folders} == {f: set() for f in folders}


@pytest.mark.parametrize(("name", "weights", "newest"), [("scattered", 59, "100"), ("daily", 51, "71.1")])
def test_epic_weights_are_found_by_their_loinc_code_among_six(recorded, name, weights, newest):
    found = recorded(EPIC[name]).panel("body-weight")
    assert (len(found), found[0].value) == (weights, Decimal(newest))


def test_a_thousand_vital_signs_can_hold_no_weight_and_the_type_is_not_complete(recorded):
    chart = recorded(EPIC["thousand"])
    assert len(chart.resources("Observation")) == 1000
    assert not chart.panel("body-weight")
    assert not chart.answer("Observation").complete


def test_an_empty_list_in_epic_is_neither_an_allergy_nor_a_denial_and_not_complete(recorded):
    chart = recorded(EPIC["thousand"])
    assert [(a.not_asked, a.negation) for a in chart.allergies] == [(True, False)]
    assert "only in part" in chart.answer("AllergyIntolerance").said


def test_an_outcome_alone_is_no_result(recorded):
    chart = recorded(EPIC["no-vitals"])
    assert len(chart.allergies) == 2
    assert not chart.answer("AllergyIntolerance").complete


def test_cerner_weights_of_minutes_apart_are_both_kept(recorded):
    assert [m.value for m in recorded(CERNER["full"]).panel("body-weight")[:2]] == [55, 76]


def test_translations_inside_a_cerner_quantity_are_not_the_value(recorded):
    assert all(m.value is None or m.value < 1000 for m in recorded(CERNER["full"]).panel("body-weight"))


def test_cerner_creatinine_becomes_milligrams(recorded):
    found = recorded(CERNER["full"]).panel("creatinine")
    assert round(found[0].value, 2) == Decimal("0.36")
    assert found[0].raw.code == "umol/L"


def test_cerner_plans_are_no_orders_and_erroneous_allergies_no_allergies(recorded):
    chart = recorded(CERNER["full"])
    kinds = [d.kind for d in chart.drugs]
    assert (kinds.count("request"), kinds.count("statement")) == (6, 19)  # the reported plans are what the patient takes at home
    assert len(chart.resources("MedicationRequest")) == 25
    assert len(chart.allergies) == 110
    ivig = [a for a in chart.allergies if any(c.code == "294635009" for c in a.codes)]
    assert [(a.active, a.soft, a.criticality) for a in ivig] == [(True, True, "high")]


def test_a_value_dated_in_2099_is_not_used(recorded):
    chart = recorded(CERNER["full"])
    assert all(m.time is None or m.time.earliest.year < 2027 for m in chart.measurements)


def test_every_synthetic_patient_is_read(shared, content):
    weighed = 0
    for path in sorted((shared / "data" / "patients").rglob("*.json*")):
        document = load(path)
        if path.name == "crd_transaction_bundle.json":
            with pytest.raises(ChartError):
                from_documents(document)
            document = [document, {"resourceType": "Patient", "id": "pat014"}]
            chart = read_chart(from_documents(document, "pat014"), content, NOW, UTC)
            assert round(chart.panel("body-weight")[0].value, 2) == Decimal("79.38")
        else:
            chart = read_chart(from_documents(document), content, NOW, UTC)
        weighed += bool(chart.panel("body-weight"))
        assert chart.patient.reference != "Patient/", path
        assert all(a.complete for a in chart.answers.values()), path
    assert weighed >= 59
