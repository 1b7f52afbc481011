"""Oddities 32 to 40, 57 and 58: allergies and conditions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from oddities.a_real_file import CAMILA, LIN, NICKEL, SMART, Json, Read, bodies, body, found, load, resources

from ivig_fhir.fhir.codes import ICD10CM, RXNORM, SNOMED, UNII

ADULT = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1970-06-01"}
ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"
Reads = Callable[..., Read]


def condition(text: str, *codes: tuple[str, str], id_: str = "c", **more: object) -> Json:
    """An active condition of the adult: its text, then its codes with their systems."""
    coding = [{"system": system, "code": code} for system, code in codes]
    made = {"resourceType": "Condition", "id": id_, "subject": {"reference": "Patient/p"}, "code": {"text": text, "coding": coding}}
    return {**made, **more}


def clinical(status: str) -> Json:
    return {"clinicalStatus": {"coding": [{"code": status}]}}


def allergy(text: str, *codes: tuple[str, str], **more: object) -> Json:
    """An allergy of the adult."""
    made = condition(text, *codes, id_="a", **more)
    return {
        **{k: v for k, v in made.items() if k != "subject"},
        "resourceType": "AllergyIntolerance",
        "patient": {"reference": "Patient/p"},
    }


@pytest.mark.oddity(32)
def test_an_empty_list_of_epic_is_neither_an_allergy_nor_none_known(read: Reads, data: Path) -> None:
    listed = body(data, LIN, "allergyintolerance")
    [entry] = resources(listed, "AllergyIntolerance")
    assert (entry["code"]["text"], entry["clinicalStatus"]["coding"][0]["code"]) == ("Not on File", "active")
    record = read(*bodies(data, LIN))
    [known] = record.chart.allergies
    assert (known.not_asked, known.negation) == (True, False)
    assert record.of("hypersensitivity.allergies-unknown") == "override"
    whole = read({**ADULT, "id": entry["patient"]["reference"].partition("/")[2]}, entry)
    assert whole.finding("hypersensitivity.allergies-unknown").branch == "not-asked"
    assert "Not on File" in whole.said("hypersensitivity.allergies-unknown")


@pytest.mark.oddity(33)
def test_a_denial_by_its_text_counts_and_one_entered_in_error_does_not(read: Reads, data: Path) -> None:
    denial = next(r for r in resources(body(data, SMART, "allergy")) if r["code"].get("text") == "No Known Medication Allergies")
    assert denial["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    owner = {**ADULT, "id": "12724066"}
    assert read(owner, denial).of("hypersensitivity.allergies-unknown") == "override"
    standing = {**denial, "verificationStatus": {"coding": [{"code": "confirmed"}]}, **clinical("active")}
    record = read(owner, standing)
    assert [a.negation for a in record.chart.allergies] == [True]
    assert record.of("hypersensitivity.allergies-unknown") == "clear"


@pytest.mark.oddity(34)
def test_allergies_of_every_kind_are_kept_but_for_those_in_error(read: Reads, data: Path) -> None:
    listed = list(resources(body(data, SMART, "allergy")))
    chart = read(*bodies(data, SMART)).chart
    assert (len(listed), len(chart.allergies)) == (115, 110)
    worded = {a.texts[0] for a in chart.allergies if not a.codes}
    assert {"insulin", "Sprain", "CeraVe Itch Relief"} <= worded
    assert not [a for a in chart.allergies if a.texts[:1] in (("insulin",), ("Sprain",)) and (a.negation or a.not_asked)]
    wrong = [r for r in listed if r["verificationStatus"]["coding"][0]["code"] == "entered-in-error"]
    assert not [r for r in wrong if "clinicalStatus" in r]


@pytest.mark.oddity(34)
def test_unknown_as_an_allergy_is_no_denial(read: Reads, data: Path) -> None:
    unknown = next(r for r in resources(body(data, SMART, "allergy")) if r["code"].get("text") == "Unknown")
    [known] = read({**ADULT, "id": "12724066"}, unknown).chart.allergies
    assert not known.negation


@pytest.mark.oddity(35)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Allergy to intravenous immunoglobulin", (SNOMED, "294635009")),
        ("", (SNOMED, "294635009")),
        ("", (RXNORM, "1426680")),
        ("Immune globulin", ("urn:local", "1")),
    ],
)
def test_an_allergy_to_immunoglobulin_is_known_as_a_disorder_as_a_substance_and_by_its_text(
    read: Reads, text: str, code: tuple[str, str]
) -> None:
    record = read(ADULT, allergy(text, code, **clinical("active")))
    assert (
        record.of("hypersensitivity.severe-reaction") in ("hard-stop", "override")
        or record.of("hypersensitivity.other-reaction") != "clear"
    )


@pytest.mark.oddity(35)
def test_codes_of_substances_are_kept_under_the_names_that_epic_gives_their_systems(read: Reads, data: Path) -> None:
    [nickel, penicillins] = read(*bodies(data, NICKEL)).chart.allergies
    assert {c.system for c in nickel.codes} >= {RXNORM, UNII}
    assert {c.system for c in penicillins.codes} >= {SNOMED}
    assert "urn:oid:2.16.840.1.113883.4.9" in str(body(data, NICKEL, "allergyintolerance"))


@pytest.mark.oddity(36)
def test_an_encounter_diagnosis_without_a_clinical_status_is_active(read: Reads, data: Path) -> None:
    listed = list(resources(body(data, CAMILA, "condition-encounter"), "Condition"))
    assert sum("clinicalStatus" not in r for r in listed) == 5
    problems = read(*bodies(data, CAMILA)).chart.problems
    assert all(p.active for p in problems)
    assert {s for p in problems for s in (c.system for c in p.codes)} >= {SNOMED, ICD9, ICD10CM}


@pytest.mark.oddity(36)
def test_a_code_of_icd_9_is_never_read_as_one_of_icd_10(read: Reads) -> None:
    assert read(ADULT, condition("", (ICD9, "N17.9"))).of("renal.acute-kidney-injury") != "override"
    assert read(ADULT, condition("", (ICD10CM, "N17.9"))).of("renal.acute-kidney-injury") == "override"


@pytest.mark.oddity(36)
@pytest.mark.parametrize("status", ["provisional", "differential", "unconfirmed"])
def test_a_suspected_condition_is_called_suspected_and_its_year_stays_a_year(read: Reads, status: str) -> None:
    suspected = condition("", (ICD10CM, "N17.9"), verificationStatus={"coding": [{"code": status}]}, onsetDateTime="2026")
    record = read(ADULT, suspected)
    [problem] = record.chart.problems
    assert problem.soft
    assert problem.onset is not None
    assert problem.onset.is_partial
    assert "suspected" in record.said("renal.acute-kidney-injury")


@pytest.mark.oddity(36)
def test_a_condition_that_only_its_text_names_is_offered_to_be_confirmed(read: Reads) -> None:
    record = read(ADULT, condition("Chronic kidney disease, stage 4"))
    assert "Chronic kidney disease, stage 4, by text, confirm" in record.said("record.value-unusable")
    assert record.of("renal.reduced-function") != "clear"


@pytest.mark.oddity(37)
@pytest.mark.parametrize("name", ["79b1d90a", "ad134528"])
def test_findings_of_a_social_kind_are_not_shown(read: Reads, data: Path, name: str) -> None:
    record = read(load(found(data / "patients" / "synthea-2023", name)))
    held = " ".join(p.said for p in record.chart.problems)
    assert "riminal record" in held
    assert "employment" in held
    shown = str(record.json)
    assert "riminal record" not in shown
    assert "mployment" not in shown


@pytest.mark.oddity(38)
@pytest.mark.parametrize(
    ("text", "code"),
    [("IgA nephropathy", (SNOMED, "236407003")), ("IgA nephropathy", (ICD10CM, "N02.B1")), ("IgA myeloma", (ICD10CM, "C90.00"))],
)
def test_a_disease_with_iga_in_its_name_is_no_deficiency(read: Reads, text: str, code: tuple[str, str]) -> None:
    for entry in (condition(text, code), condition(text)):
        record = read(ADULT, entry)
        assert record.of("hypersensitivity.iga-deficiency") == "clear"
        assert record.of("hypersensitivity.iga-antibodies") == "clear"
    assert read(ADULT, condition("", (ICD10CM, "D80.2"))).of("hypersensitivity.iga-deficiency") == "warning"


@pytest.mark.oddity(39)
def test_a_past_problem_that_stays_active_is_shown_with_its_date(read: Reads, data: Path) -> None:
    document = load(found(data / "patients" / "synthea-2020", "ab4e7a7d"))
    miscarriage = [r for r in resources(document, "Condition") if "iscarriage" in r["code"]["text"]]
    assert miscarriage
    record = read(document)
    assert record.of("pregnancy.current") not in ("hard-stop", "override")
    arrest = read(load(found(data / "patients" / "synthea-2023", "04f25f73"))).chart.problems
    assert {p.texts[0] for p in arrest if "ardiac" in p.texts[0]} >= {"Cardiac Arrest", "History of cardiac arrest (situation)"}


@pytest.mark.oddity(39)
@pytest.mark.parametrize("status", ["active", "resolved", "inactive"])
def test_a_stroke_that_is_over_still_counts_for_thrombosis(read: Reads, status: str) -> None:
    record = read(ADULT, condition("Stroke", (SNOMED, "230690007"), **clinical(status), onsetDateTime="2020-02-01"))
    assert record.of("thrombosis.risk-factors") == "warning"
    assert "Stroke" in record.said("thrombosis.risk-factors")


@pytest.mark.oddity(40)
def test_blanks_around_a_code_do_not_hide_it(read: Reads, data: Path) -> None:
    document = load(data / "patients" / "davinci-crd" / "crd_transaction_bundle.json")
    cond015c = next(r for r in resources(document, "Condition") if r["id"] == "cond015c")
    assert cond015c["code"]["coding"][0]["code"] == " G30.0"
    record = read({**ADULT, "id": "pat015"}, cond015c)
    assert [c.code for p in record.chart.problems for c in p.codes] == ["G300"]
    assert read(ADULT, condition("", (ICD10CM, " N17.9 "))).of("renal.acute-kidney-injury") == "override"


@pytest.mark.oddity(57)
def test_where_text_and_code_disagree_the_code_fires_with_the_text_beside_it(read: Reads) -> None:
    entry = condition("Migraine", (ICD10CM, "N17.9"))
    entry["code"]["coding"][0]["display"] = "Acute kidney failure, unspecified"
    record = read(ADULT, entry)
    assert record.of("renal.acute-kidney-injury") == "override"
    assert "Migraine, coded as Acute kidney failure, unspecified" in record.said("renal.acute-kidney-injury")
    entry["code"]["text"] = "Kidney failure, acute"
    assert "coded as" not in read(ADULT, entry).said("renal.acute-kidney-injury")


@pytest.mark.oddity(57)
def test_a_text_that_denies_does_not_clear_what_a_code_says(read: Reads) -> None:
    both = allergy("No known allergies", (SNOMED, "294635009"), **clinical("active"), criticality="high")
    assert read(ADULT, both).of("hypersensitivity.severe-reaction") == "hard-stop"


@pytest.mark.oddity(58)
def test_an_unconfirmed_allergy_to_immunoglobulin_stops_as_surely_as_a_confirmed_one(read: Reads, data: Path) -> None:
    listed = next(r for r in resources(body(data, SMART, "allergy")) if "294635009" in str(r["code"]))
    assert (listed["verificationStatus"]["coding"][0]["code"], listed["criticality"]) == ("unconfirmed", "high")
    record = read(*bodies(data, SMART))
    assert record.proposal.outcome in ("stopped", "data-required")
    assert record.of("hypersensitivity.severe-reaction") == "hard-stop"
    confirmed = read({**ADULT, "id": "12724066"}, {**listed, "verificationStatus": {"coding": [{"code": "confirmed"}]}})
    assert confirmed.of("hypersensitivity.severe-reaction") == "hard-stop"
