"""Facts as they stand in FHIR: statuses honoured exactly, every code system, words alone, dates as bare days, types read in part."""

from __future__ import annotations

from typing import Any

import pytest
from a_record import SNOMED, UCUM, Resource, coded, observation, proposed, request, result

from ivig_fhir.proposal.findings import Clear, Finding, NotAssessed, Result
from ivig_fhir.proposal.model import Proposal

ICD10, RXNORM = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.nlm.nih.gov/research/umls/rxnorm"
SODIUM, BUN, DBP, TEMPERATURE, CREATININE, VISCOSITY = "2951-2", "3094-0", "8462-4", "8310-5", "2160-0", "3128-6"


def said(check: str, proposal: Proposal) -> str:
    """How a check ended."""
    found: Result = result(check, proposal)
    if isinstance(found, Finding):
        return found.severity
    return "clear" if isinstance(found, Clear) else "unknown"


def status(code: str) -> Resource:
    return {"coding": [{"code": code}]}


def condition(code: str, system: str = ICD10, **more: Any) -> Resource:
    return coded("Condition", "c1", system, code, **more)


def after_the_fact(check: str) -> bool:
    """Whether a diagnosis of the past counts too."""
    return check in ("meningitis.previous", "meningitis.migraine", "hemolysis.previous", "lung.previous-trali", "thrombosis.recent-event")


DIAGNOSES = [
    ("renal.acute-kidney-injury", "N17.9", {}),
    ("renal.reduced-function", "N18.4", {}),
    ("renal.risk-factors", "E11.9", {}),
    ("thrombosis.recent-event", "I26.99", {"onsetDateTime": "2026-02-20"}),
    ("thrombosis.risk-factors", "D68.51", {}),
    ("thrombosis.hyperviscosity", "D45", {}),
    ("volume.heart-failure", "I50.9", {}),
    ("meningitis.previous", "G03.0", {}),
    ("meningitis.migraine", "G43.909", {}),
    ("hemolysis.previous", "D59.2", {"note": [{"text": "after IVIG"}]}),
    ("lung.previous-trali", "J95.84", {}),
    ("infection.sepsis", "A41.9", {}),
    ("volume.depletion", "E86.0", {}),
    ("excipient.proline", "E72.59", {}),
    ("excipient.fructose", "E74.10", {}),
    ("glucose.maltose-meter", "E11.9", {}),
]
PRODUCTS = {"excipient.proline": "privigen", "excipient.fructose": "gammaplex-5", "glucose.maltose-meter": "octagam-10"}


def diagnosed(check: str, code: str, more: Resource, **states: Any) -> str:
    found = said(check, proposed(condition(code, **more, **states), product=PRODUCTS.get(check)))
    # A product with maltose is always said.
    return "clear" if (check, found) == ("glucose.maltose-meter", "info") else found


def missing(check: str) -> str:
    """What the check says of the quiet record, which has no recent urea nitrogen."""
    return "unknown" if check == "volume.depletion" else "clear"


@pytest.mark.parametrize(("check", "code", "more"), DIAGNOSES, ids=[d[0] for d in DIAGNOSES])
def test_a_diagnosis_counts_by_its_clinical_and_verification_status(check: str, code: str, more: Resource) -> None:
    found = diagnosed(check, code, more)
    assert found in ("warning", "override")
    for clinical in ("recurrence", "relapse", "local-word"):
        assert diagnosed(check, code, more, clinicalStatus=status(clinical)) == found
    assert diagnosed(check, code, more, clinicalStatus=None) == found
    for verification in ("confirmed", "unconfirmed", "provisional", "differential"):
        assert diagnosed(check, code, more, verificationStatus=status(verification)) == found
    for verification in ("refuted", "entered-in-error"):
        assert diagnosed(check, code, more, verificationStatus=status(verification)) == missing(check)
    past = found if after_the_fact(check) else missing(check)
    for clinical in ("inactive", "remission", "resolved"):
        assert diagnosed(check, code, more, clinicalStatus=status(clinical)) == past


@pytest.mark.parametrize(("check", "code", "more"), DIAGNOSES, ids=[d[0] for d in DIAGNOSES])
def test_a_finding_carries_evidence_threshold_mitigation_and_citation(check: str, code: str, more: Resource) -> None:
    found = result(check, proposed(condition(code, **more), product=PRODUCTS.get(check)))
    assert isinstance(found, Finding)
    assert "Condition/c1" in {e.reference for e in found.evidence}
    assert all((found.threshold, found.mitigation, found.citations))


@pytest.mark.parametrize(
    ("check", "system", "code", "product"),
    [
        ("excipient.fructose", SNOMED, "20052008", "gammaplex-5"),
        ("excipient.fructose", "urn:oid:2.16.840.1.113883.6.96", "20052008", "flebogamma-dif-10"),
        ("excipient.fructose", "urn:oid:2.16.840.1.113883.6.90", "E7412", "gammaplex-5"),
        ("lung.previous-trali", ICD10, "j95.84", None),
        ("meningitis.migraine", SNOMED, "4473006", None),
        ("infection.sepsis", SNOMED, "448417001", None),
        ("volume.depletion", SNOMED, "28560003", None),
        ("thrombosis.hyperviscosity", SNOMED, "109992005", None),
    ],
)
def test_a_diagnosis_counts_in_every_system_and_spelling(check: str, system: str, code: str, product: str | None) -> None:
    assert said(check, proposed(condition(code, system), product=product)) in ("warning", "override", "hard-stop")


def test_a_code_of_an_older_system_is_not_taken_for_a_newer_one() -> None:
    assert said("meningitis.migraine", proposed(condition("G43.9", "http://hl7.org/fhir/sid/icd-9-cm"))) == "clear"


ALLERGIES = [
    ("excipient.corn-maltose", "Corn", "octagam-5", "hard-stop"),
    ("excipient.corn-maltose", "Corn", "octagam-10", "override"),
    ("excipient.other", "Polysorbate 80", "bivigam", "override"),
    ("excipient.other", "Human albumin", "gammagard-sd", "override"),
    ("excipient.other", "Polyethylene glycol 3350", "flebogamma-dif-5", "override"),
]


def allergic(check: str, text: str, product: str, **states: Any) -> str:
    made = {"resourceType": "AllergyIntolerance", "id": "a1", "patient": {"reference": "Patient/p1"}, "clinicalStatus": status("active")}
    return said(check, proposed({**made, "code": {"text": text}, **states}, product=product))


@pytest.mark.parametrize(("check", "text", "product", "severity"), ALLERGIES, ids=[f"{a[1]}-{a[2]}" for a in ALLERGIES])
def test_an_allergy_counts_by_its_clinical_and_verification_status(check: str, text: str, product: str, severity: str) -> None:
    assert allergic(check, text, product) == severity
    assert allergic(check, text, product, clinicalStatus=None) == severity
    assert allergic(check, text, product, verificationStatus=status("unconfirmed")) == severity
    for clinical in ("inactive", "resolved"):
        assert allergic(check, text, product, clinicalStatus=status(clinical)) == "clear"
    for verification in ("refuted", "entered-in-error"):
        assert allergic(check, text, product, verificationStatus=status(verification)) == "clear"
    assert allergic(check, text, "gamunex-c") == "clear"


DRUGS = [
    ("renal.nephrotoxic-drugs", "ibuprofen 200 MG Oral Tablet", None),
    ("thrombosis.thrombogenic-drugs", "estradiol 1 MG Oral Tablet", None),
    ("glucose.maltose-meter", "insulin glargine", "octagam-10"),
]


def ordered(check: str, text: str, product: str | None, **states: Any) -> str:
    found = said(check, proposed(request("m1", text, **states), product=product))
    return "clear" if (check, found) == ("glucose.maltose-meter", "info") else found


@pytest.mark.parametrize(("check", "text", "product"), DRUGS, ids=[d[0] for d in DRUGS])
def test_an_order_of_a_drug_counts_by_status_intent_and_what_it_forbids(check: str, text: str, product: str | None) -> None:
    found = ordered(check, text, product)
    assert found in ("warning", "override")
    assert ordered(check, text, product, status="unknown") == found
    assert ordered(check, text, product, reportedBoolean=True) == found
    for intent in ("original-order", "reflex-order", "filler-order", "instance-order"):
        assert ordered(check, text, product, intent=intent) == found
    for word in ("cancelled", "entered-in-error", "draft", "on-hold"):
        assert ordered(check, text, product, status=word) == "clear"
    for intent in ("proposal", "plan", "option"):
        assert ordered(check, text, product, intent=intent) == "clear"
    assert ordered(check, text, product, doNotPerform=True) == "clear"
    ended = {"dispenseRequest": {"validityPeriod": {"end": "2025-11-30"}}}
    assert ordered(check, text, product, **ended) == "clear"


def medicine(type_: str, text: str, word: str, when: str | None) -> Resource:
    made: Resource = {"resourceType": type_, "id": "m1", "status": word, "subject": {"reference": "Patient/p1"}}
    return {**made, "medicationCodeableConcept": {"text": text}, **({"effectiveDateTime": when} if when else {})}


@pytest.mark.parametrize(
    ("type_", "word", "counts"),
    [
        ("MedicationStatement", "active", True),
        ("MedicationStatement", "intended", True),
        ("MedicationStatement", "unknown", True),
        ("MedicationStatement", "not-taken", False),
        ("MedicationStatement", "entered-in-error", False),
        ("MedicationStatement", "on-hold", False),
        ("MedicationAdministration", "completed", True),
        ("MedicationAdministration", "in-progress", True),
        ("MedicationAdministration", "stopped", True),
        ("MedicationAdministration", "not-done", False),
        ("MedicationAdministration", "entered-in-error", False),
    ],
)
@pytest.mark.parametrize(
    ("check", "text"), [("renal.nephrotoxic-drugs", "naproxen 500 MG"), ("thrombosis.thrombogenic-drugs", "epoetin alfa 4000 UNT/ML")]
)
def test_a_statement_and_an_administration_count_by_status(type_: str, word: str, counts: bool, check: str, text: str) -> None:
    found = said(check, proposed(medicine(type_, text, word, "2026-02-27T08:00:00Z")))
    assert found == ("warning" if counts else "clear")


@pytest.mark.parametrize(
    ("check", "day", "severity"),
    [
        ("renal.nephrotoxic-drugs", "2026-02-23", "warning"),  # seven days, by the end of the day
        ("renal.nephrotoxic-drugs", "2026-02-22", "clear"),
        ("thrombosis.thrombogenic-drugs", "2026-01-31", "warning"),
        ("thrombosis.thrombogenic-drugs", "2026-01-30", "clear"),
    ],
)
def test_a_bare_day_counts_by_its_end(check: str, day: str, severity: str) -> None:
    text = "naproxen" if check.startswith("renal") else "epoetin alfa"
    assert said(check, proposed(medicine("MedicationAdministration", text, "completed", day))) == severity


VALUES = [
    ("sodium.low", SODIUM, 128, "mmol/L", "warning"),
    ("sodium.high", SODIUM, 152, "mmol/L", "warning"),
    ("infection.fever", TEMPERATURE, 38.6, "Cel", "warning"),
    ("volume.hypertension", DBP, 121, "mm[Hg]", "override"),
    ("thrombosis.hyperviscosity", VISCOSITY, 4.2, "cP", "override"),
]


@pytest.mark.parametrize(("check", "loinc", "value", "unit", "severity"), VALUES, ids=[v[0] for v in VALUES])
def test_a_value_counts_by_its_status(check: str, loinc: str, value: float, unit: str, severity: str) -> None:
    def with_status(word: str) -> str:
        return said(check, proposed(observation("o1", loinc, value, unit, "2026-03-02T08:30:00Z", status=word), drop=("temperature",)))

    for word in ("final", "amended", "corrected", "preliminary"):
        assert with_status(word) == severity
    for word in ("registered", "cancelled", "entered-in-error", "unknown"):
        assert with_status(word) in ("clear", "unknown")


@pytest.mark.parametrize(
    ("check", "loinc", "value", "unit", "severity"),
    [
        ("infection.fever", TEMPERATURE, 100.4, "[degF]", "warning"),
        ("infection.fever", TEMPERATURE, 100.3, "[degF]", "clear"),
        ("infection.fever", TEMPERATURE, 101, "Cel", "unknown"),
        ("sodium.low", SODIUM, 129, "meq/L", "warning"),
        ("sodium.low", SODIUM, 129, "mg/dL", "unknown"),
        ("volume.hypertension", "8480-6", 24, "kPa", "override"),
        ("thrombosis.hyperviscosity", "2571-8", 11.3, "mmol/L", "warning"),
        ("thrombosis.hyperviscosity", "2571-8", 11.29, "mmol/L", "clear"),
        ("thrombosis.hyperviscosity", "2472-9", 30, "g/L", "warning"),
        ("thrombosis.hyperviscosity", "2472-9", 29.9, "g/L", "clear"),
        ("thrombosis.hyperviscosity", "4544-3", 0.55, "1", "warning"),
        ("thrombosis.hyperviscosity", VISCOSITY, 4.2, "mPa.s", "override"),
        ("thrombosis.hyperviscosity", VISCOSITY, 1.2, "{ratio}", "unknown"),
    ],
)
def test_a_value_counts_in_every_unit_that_is_understood_and_in_no_other(
    check: str, loinc: str, value: float, unit: str, severity: str
) -> None:
    record = proposed(observation("o1", loinc, value, unit, "2026-03-02T08:30:00Z"), drop=("temperature",))
    assert said(check, record) == severity


@pytest.mark.parametrize(
    ("loinc", "nitrogen", "unit", "severity"),
    [
        (BUN, 26, "mg/dL", "warning"),
        (BUN, 25, "mg/dL", "clear"),
        (BUN, 9.3, "mmol/L", "warning"),
        ("22664-7", 9.3, "mmol/L", "warning"),
        ("22664-7", 8.9, "mmol/L", "clear"),
        ("3091-6", 56, "mg/dL", "warning"),
        ("3091-6", 53, "mg/dL", "clear"),
    ],
)
def test_urea_and_its_nitrogen_are_told_apart(loinc: str, nitrogen: float, unit: str, severity: str) -> None:
    creatinine = observation("creatinine", CREATININE, 106, "umol/L", "2026-03-01T07:00:00Z")
    record = proposed(observation("o1", loinc, nitrogen, unit, "2026-03-01T07:00:00Z"), creatinine)
    assert said("volume.depletion", record) == severity


def test_a_pressure_is_read_from_a_panel_and_a_half_of_it_is_not_enough() -> None:
    def component(loinc: str, value: int) -> Resource:
        code = {"coding": [{"system": "http://loinc.org", "code": loinc}]}
        return {"code": code, "valueQuantity": {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}}

    def panel(*components: Resource) -> str:
        made = observation("bp", "85354-9", None, None, "2026-03-02T08:30:00Z", component=list(components))
        return said("volume.hypertension", proposed(made, drop=("sbp",)))

    assert panel(component("8480-6", 182), component("8462-4", 80)) == "override"
    assert panel(component("8480-6", 122), component("8462-4", 80)) == "clear"
    assert panel(component("8480-6", 122)) == "unknown"


@pytest.mark.parametrize(
    ("check", "type_", "product"),
    [
        ("excipient.fructose", "Condition", "gammaplex-5"),
        ("excipient.corn-maltose", "AllergyIntolerance", "octagam-5"),
        ("excipient.other", "AllergyIntolerance", None),
        ("thrombosis.thrombogenic-drugs", "MedicationRequest", None),
        ("thrombosis.thrombogenic-drugs", "MedicationStatement", None),
        ("thrombosis.hyperviscosity", "Observation", None),
        ("volume.hypertension", "Observation", None),
        ("meningitis.previous", "Condition", None),
        ("meningitis.migraine", "Condition", None),
        ("hemolysis.previous", "Condition", None),
        ("hemolysis.previous", "AllergyIntolerance", None),
        ("lung.previous-trali", "Condition", None),
        ("sodium.low", "Observation", None),
        ("sodium.high", "Observation", None),
        ("glucose.maltose-meter", "MedicationRequest", "octagam-10"),
        ("infection.fever", "Observation", None),
        ("infection.sepsis", "Condition", None),
        ("volume.depletion", "Observation", None),
    ],
)
def test_a_type_that_was_withheld_leaves_the_check_open_and_says_so(check: str, type_: str, product: str | None) -> None:
    found = result(check, proposed(unread=(type_,), product=product))
    assert isinstance(found, NotAssessed)
    assert type_ in found.message


def test_what_was_read_of_a_type_that_was_read_in_part_still_fires() -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "id": "o",
        "issue": [{"severity": "warning", "code": "suppressed", "diagnostics": "Condition: Outside Record data may not be included."}],
    }
    found = proposed(outcome, condition("J95.84"))
    assert said("lung.previous-trali", found) == "override"
    assert said("meningitis.previous", found) == "unknown"


def test_a_drug_that_promotes_clotting_makes_a_patient_at_risk_and_lowers_the_rate() -> None:
    plan = {"indication": "itp-adult", "regimen": None, "product": "octagam-10"}
    quiet, taken = proposed(**plan), proposed(request("m1", "estradiol 1 MG Oral Tablet"), **plan)
    assert quiet.rate.cap_reason != "risk"
    assert taken.rate.cap_reason == "risk"


def test_evidence_names_reference_version_day_and_words() -> None:
    made = condition("J95.84", meta={"versionId": "7"}, recordedDate="2019-05-04", clinicalStatus=status("resolved"))
    found = result("lung.previous-trali", proposed(made))
    assert isinstance(found, Finding)
    assert [(e.reference, e.version, e.time, e.said) for e in found.evidence] == [("Condition/c1", "7", "2019-05-04", "J95.84, resolved")]
    assert found.threshold
    assert found.mitigation
    assert found.citations


def test_a_message_shows_converted_numbers_as_people_write_them() -> None:
    failure = condition("I50.9")
    first = observation("x1", "14682-9", 80, "umol/L", "2026-03-01T08:00:00Z")
    risen = observation("x2", "14682-9", 133, "umol/L", "2026-03-02T07:00:00Z")
    record = proposed(failure, first, risen, drop=("creatinine",), dose={"course_g": "100"}, days=1)
    assert "Creatinine rose from 0.9 to 1.5 mg/dL within 48 hours." in said_in("renal.acute-kidney-injury", record)
    assert "14.29 mL/kg a day" in said_in("volume.heart-failure", record)


def said_in(check: str, proposal: Proposal) -> str:
    """The message of a finding."""
    found = result(check, proposal)
    assert isinstance(found, Finding), found
    return found.message
