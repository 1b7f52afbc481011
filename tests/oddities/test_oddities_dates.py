"""Oddities 48 to 56: dates, people, and the structure of what comes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from oddities.a_real_file import CAMILA, LIN, ROOT, SCATTERED, SMART, Json, Read, bodies, body, found, load, resources

from ivig_fhir.chart.answers import Reason
from ivig_fhir.errors import ChartError
from ivig_fhir.fhir.dates import parse_time

ADULT = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1970-06-01"}
UCUM = "http://unitsofmeasure.org"
Reads = Callable[..., Read]


def weight(kg: int, when: str, id_: str = "w") -> Json:
    quantity = {"value": kg, "unit": "kg", "system": UCUM, "code": "kg"}
    code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
    made = {"resourceType": "Observation", "id": id_, "status": "final", "subject": {"reference": "Patient/p"}, "code": code}
    return {**made, "effectiveDateTime": when, "valueQuantity": quantity}


@pytest.mark.oddity(48)
@pytest.mark.parametrize(
    "form", ["2026-05-14T12:00:00Z", "2026-05-14T12:00:00.000Z", "2026-05-14T12:00:00+00:00", "2026-05-14T07:00:00-05:00"]
)
def test_every_form_of_one_instant_is_one_instant(form: str) -> None:
    time = parse_time(form)
    assert time is not None
    assert time.earliest == datetime(2026, 5, 14, 12, tzinfo=UTC)
    assert time.text == form


@pytest.mark.oddity(48)
def test_the_newest_of_many_forms_is_the_newest_instant(read: Reads) -> None:
    record = read(ADULT, weight(80, "2026-05-14T23:00:00-05:00", "west"), weight(81, "2026-05-15T03:00:00Z", "east"))
    assert record.proposal.weight.source == "Observation/west"


@pytest.mark.oddity(48)
@pytest.mark.parametrize(("form", "partial"), [("2026", True), ("2026-05", True), ("2026-05-15", False)])
def test_a_year_or_a_month_is_never_recent(read: Reads, form: str, partial: bool) -> None:
    record = read(ADULT, weight(80, form))
    assert parse_time(form).is_partial is partial  # type: ignore[union-attr]
    assert (record.of("weight.stale") == "clear") is not partial
    lab = {**weight(80, form), "id": "cr", "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]}}
    creatinine = {**lab, "valueQuantity": {"value": 1, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}}
    assert (read(ADULT, creatinine).of("renal.creatinine-missing") == "clear") is not partial


@pytest.mark.oddity(49)
def test_times_without_a_zone_are_the_site_s_and_lose_no_chart(read: Reads, data: Path) -> None:
    files = sorted((data / "patients" / "ecqm").glob("*.json"))
    assert len(files) > 30
    for path in files:
        record = read(load(path))
        assert all(a.complete for a in record.chart.answers.values()), path.name
        onsets = [p.onset for p in record.chart.problems if p.onset is not None]
        assert all(o.earliest.tzinfo is not None for o in onsets), path.name
    onset = read(load(found(data / "patients" / "ecqm", "FHIR347__denom1-"))).chart.problems[0].onset
    assert onset is not None
    assert (onset.text, onset.earliest) == ("2019-01-01T08:30:00", datetime(2019, 1, 1, 8, 30, tzinfo=UTC))


@pytest.mark.oddity(49)
def test_one_bad_resource_hides_no_other(read: Reads) -> None:
    bad: list[Any] = [
        {"resourceType": "Observation", "id": "bad", "subject": {"reference": "Patient/p"}, "code": 5, "valueQuantity": []},
        {**weight(80, "not a date", "undated")},
        {"resourceType": ["Condition"]},
        "a word",
    ]
    record = read(ADULT, *bad, weight(81, "2026-05-14"))
    assert record.proposal.weight.source == "Observation/w"
    assert ["not a FHIR resource" in o.said for o in record.chart.oddities] == [True]


@pytest.mark.oddity(50)
def test_references_by_query_and_by_urn_are_resolved_or_left_and_never_an_id(read: Reads, data: Path) -> None:
    document = load(found(data / "patients" / "synthea-2023", "ad134528"))
    assert "Practitioner?identifier=" in str(document)
    record = read(document)
    assert record.chart.oddities == ()
    assert all(a.complete for a in record.chart.answers.values())
    assert not [e for f in record.proposal.findings for e in f.evidence if "?" in e.reference or "urn:" in e.reference]


@pytest.mark.oddity(51)
def test_of_twenty_four_names_the_official_one_is_shown_and_the_number_without_blanks(read: Reads, data: Path) -> None:
    patient = body(data, SMART, "patient")
    assert (len(patient["name"]), len(patient["contact"])) == (24, 72)
    official = next(n for n in patient["name"] if n["use"] == "official")
    assert read(patient).chart.patient.name.startswith(official["family"])
    epic = body(data, CAMILA, "patient")
    assert any(i.get("value") != i.get("value", "").strip() for i in epic["identifier"])
    assert read(epic).chart.patient.identifier == read(epic).chart.patient.identifier.strip() != ""


@pytest.mark.oddity(51)
@pytest.mark.parametrize(
    ("name", "check", "ended"),
    [
        ("Patient-ihe-pcd", "identity.birth-date-or-sex", True),
        ("Patient-pat1", "identity.birth-date-or-sex", True),
        ("Patient-newborn", "identity.birth-date-or-sex", False),
        ("Patient-animal", "identity.birth-date-or-sex", False),
    ],
)
def test_a_patient_without_a_sex_a_birth_date_or_a_name_is_read_and_what_lacks_is_asked(
    read: Reads, data: Path, name: str, check: str, ended: bool
) -> None:
    record = read(load(data / "hl7-r4-examples" / f"{name}.json"))
    assert (record.of(check) != "clear") is ended
    assert record.proposal.outcome == "data-required"


@pytest.mark.oddity(51)
@pytest.mark.parametrize(
    ("element", "severity"), [({"deceasedBoolean": True}, "hard-stop"), ({"deceasedDateTime": "2026-01-01"}, "hard-stop"), ({}, "clear")]
)
def test_either_statement_of_death_stops(read: Reads, element: Json, severity: str) -> None:
    assert read({**ADULT, **element}).of("identity.deceased") == severity


@pytest.mark.oddity(51)
@pytest.mark.parametrize(("born", "age"), [("2025-12-20", "4 months"), ("2024-09-01", "20 months")])
def test_an_infant_s_age_is_counted_in_months(read: Reads, born: str, age: str) -> None:
    assert read({**ADULT, "birthDate": born}).json["patient"]["age"] == age


@pytest.mark.oddity(51)
def test_a_name_that_is_not_ascii_stays_as_it_is(read: Reads) -> None:
    assert (
        read({**ADULT, "name": [{"family": "Łukasiewicz Åström", "given": ["María3"]}]}).chart.patient.name == "Łukasiewicz Åström, María3"
    )


@pytest.mark.oddity(52)
@pytest.mark.parametrize("folder", [LIN, CAMILA, SMART])
def test_the_current_encounter_is_never_guessed_from_the_chart(read: Reads, data: Path, folder: str) -> None:
    record = read(*bodies(data, folder))
    open_ = [e for e in record.chart.resources("Encounter") if e["status"] == "in-progress"]
    assert open_
    assert "Encounter/" not in str(record.json)
    assert record.proposal.selections.setting == "outpatient"  # a default, and shown as one


@pytest.mark.oddity(53)
def test_extensions_of_primitives_and_any_order_of_keys_do_no_harm(read: Reads) -> None:
    absent = [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    turned = {
        "_onsetDateTime": {"extension": absent},
        "extension": [{"url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Condition.x", "valueString": "y"}],
        "contained": [{"resourceType": "PractitionerRole", "id": "r"}],
        "code": {"coding": [{"code": "N17.9", "system": "http://hl7.org/fhir/sid/icd-10-cm"}]},
        "subject": {"reference": "Patient/p"},
        "id": "c",
        "resourceType": "Condition",
    }
    record = read(ADULT, turned)
    assert record.of("renal.acute-kidney-injury") == "override"
    assert record.chart.problems[0].onset is None
    assert record.chart.oddities == ()


@pytest.mark.oddity(53)
def test_extensions_of_another_version_in_recorded_answers_are_passed_over(read: Reads, data: Path) -> None:
    answers = bodies(data, LIN)
    assert "hl7.org/fhir/5.0/" in str(answers) or "open.epic.com" in str(answers)
    assert all("not a FHIR resource" not in o.said for o in read(*answers).chart.oddities)


@pytest.mark.oddity(54)
def test_values_after_death_stop_nothing_less(read: Reads, data: Path) -> None:
    document = load(found(data / "patients" / "synthea-2020", "61845b03"))
    dead = next(resources(document, "Patient"))["deceasedDateTime"]
    after = [r for r in resources(document, "Observation") if r["effectiveDateTime"] > dead]
    assert len(after) == 16
    assert read(document).of("identity.deceased") == "hard-stop"


@pytest.mark.oddity(54)
def test_a_weight_of_childhood_alone_is_no_adult_s_weight(read: Reads) -> None:
    record = read(ADULT, weight(20, "1977-06-01"))
    assert record.of("weight.stale") == "override"
    assert record.of("weight.implausible") == "override"


@pytest.mark.oddity(55)
@pytest.mark.parametrize(
    "content", [b'{"resourceType": "Bundle", "entry": [', b"", b"\xff\xfe\x00", b"[]", b"7", b"\x1f\x8b\x08\x00broken"]
)
def test_a_malformed_file_is_one_sentence_and_no_trace(tmp_path: Path, content: bytes) -> None:
    chart = tmp_path / "chart.json"
    chart.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-m", "ivig_fhir.cli", "propose", "--chart", str(chart)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


@pytest.mark.oddity(55)
def test_a_packed_file_is_read_and_a_document_without_a_patient_is_refused(read: Reads, tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps([ADULT]).encode())
    path = tmp_path / "chart.json.gz"
    path.write_bytes(packed)
    assert read(*load(path)).chart.patient.reference == "Patient/p"
    with pytest.raises(ChartError):
        _ = read(weight(70, "2026-05-01")).chart


@pytest.mark.oddity(56)
def test_a_live_vaccine_is_known_by_its_cvx_code_beside_others(read: Reads, data: Path) -> None:
    listed = body(data, SCATTERED, "immunization")
    mmr = next(
        r for r in resources(listed, "Immunization") if r["occurrenceDateTime"] == "2019-05-28" and r["vaccineCode"]["text"] == "MMR"
    )
    assert [c["code"] for c in mmr["vaccineCode"]["coding"]] == ["03", "0006-4681-01"]
    owner = {**ADULT, "id": mmr["patient"]["reference"].partition("/")[2]}
    assert read(owner, mmr, now=datetime(2019, 6, 5, 9, tzinfo=UTC)).of("vaccine.recent-live") == "warning"
    assert read(owner, mmr, now=datetime(2019, 9, 5, 9, tzinfo=UTC)).of("vaccine.recent-live") == "clear"


@pytest.mark.oddity(56)
@pytest.mark.parametrize(
    ("code", "system", "text", "fires"),
    [
        ("94", "cvx", "", True), ("21", "cvx", "", True), ("140", "cvx", "Influenza", False),
        ("", "", "MMR vaccine", True), ("", "", "Influenza vaccine", False),
    ],
)  # fmt: skip
def test_vaccines_by_code_and_by_text_alone(read: Reads, code: str, system: str, text: str, fires: bool) -> None:
    coding = [{"system": "http://hl7.org/fhir/sid/cvx", "code": code}] if system else []
    made = {"resourceType": "Immunization", "id": "i", "status": "completed", "patient": {"reference": "Patient/p"}}
    given = {**made, "vaccineCode": {"coding": coding, "text": text}, "occurrenceDateTime": "2026-05-10"}
    assert (read(ADULT, given).of("vaccine.recent-live") != "clear") is fires
    for status in ("entered-in-error", "not-done"):
        assert read(ADULT, {**given, "status": status}).of("vaccine.recent-live") == "clear"


def test_a_type_of_which_a_page_is_missing_is_not_complete(read: Reads, data: Path) -> None:
    answer = read(*bodies(data, SMART)).chart.answer("Observation")
    assert answer.problem is Reason.ERROR
