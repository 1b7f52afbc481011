"""Risk factors for the kidney and nephrotoxic drugs."""

from __future__ import annotations

import pytest
from a_case import ASPIRIN, case, cited, drug, found, lab, outcome, problem

from ivig_fhir.proposal.checks.renal_drugs import nephrotoxic_drugs
from ivig_fhir.proposal.checks.renal_risk import risk_factors

GOOD = lab("creatinine", "0.9")
IBUPROFEN = drug("request", "active", "Ibuprofen 200 MG Oral Tablet", "rxnorm|310965")


@pytest.mark.parametrize(
    ("facts", "options", "result"),
    [
        ((), {}, "clear"),
        ((), {"born": "1961-03-02"}, "warning"),
        ((), {"born": "1961-03-03"}, "clear"),
        ((), {"kg": "91.875"}, "warning"),  # BMI 30
        ((), {"kg": "91.8"}, "clear"),
        ((problem("icd10cm|E11.9"),), {}, "warning"),
        ((problem("icd10cm|D47.2"),), {}, "warning"),
        ((problem("icd10cm|A41.9", onset="2026-01-31"),), {}, "warning"),
        ((problem("icd10cm|A41.9", onset="2026-01-29"),), {}, "clear"),
        ((problem("icd10cm|A41.9"),), {}, "warning"),
        ((problem("icd10cm|E86.0", onset="2026-02-23"),), {}, "warning"),
        ((problem("icd10cm|E86.0", onset="2026-02-22"),), {}, "clear"),
        ((problem("icd10cm|N18.2"),), {}, "warning"),
        ((IBUPROFEN,), {}, "warning"),
        ((), {"cm": None}, "unknown"),
        ((), {"born": "2016-01-01", "cm": "140", "kg": "30"}, "clear"),
        ((), {"unread": ("MedicationRequest",)}, "unknown"),
    ],
)
def test_one_factor_is_enough_and_an_unknown_one_is_not_clear(facts: tuple[object, ...], options: dict[str, object], result: str) -> None:
    assert outcome(risk_factors(case(GOOD, *facts, **options))) == result  # type: ignore[arg-type]


def test_a_finding_names_every_factor_and_what_could_not_be_judged() -> None:
    result = risk_factors(case(lab("creatinine", "2"), problem("icd10cm|E11.9"), cm=None))
    message = found(result).message
    assert "reduced kidney function, diabetes" in message
    assert "Could not be judged: a BMI of 30 or more" in message
    assert len(cited(result)) == 2


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((IBUPROFEN,), "warning"),
        ((drug("request", "active", "Advil Liqui-Gels"),), "warning"),
        ((drug("request", "active", "diclofenac sodium 10 MG/ML Topical Gel"),), "clear"),
        ((drug("request", "active", "2 ML gentamicin 40 MG/ML Injection"),), "override"),
        ((drug("request", "active", "vancomycin 125 MG Oral Capsule"),), "clear"),
        ((drug("request", "active", "tenofovir disoproxil fumarate 300 MG Oral Tablet"),), "warning"),
        ((drug("request", "active", "acyclovir 400 MG Oral Tablet", "rxnorm|281"),), "clear"),
        ((drug("request", "active", "acyclovir 50 MG/ML Injection", "rxnorm|281"),), "warning"),
        ((drug("request", "active", "lisinopril 10 MG Oral Tablet"),), "clear"),
        ((drug("request", "active", "furosemide 40 MG Oral Tablet"),), "warning"),
        ((drug("request", "pending", "Ibuprofen"),), "clear"),
        ((drug("dispense", "given", "Ibuprofen", when="2026-03-01"), ASPIRIN), "clear"),
        ((IBUPROFEN, drug("request", "active", "tacrolimus 1 MG Oral Capsule")), "override"),
        ((IBUPROFEN, drug("statement", "active", "naproxen")), "warning"),
        ((IBUPROFEN, lab("creatinine", "1.49")), "warning"),
        ((IBUPROFEN, lab("creatinine", "1.5")), "override"),
        (
            (
                drug("request", "active", "Naproxen 500 MG Oral Tablet"),
                drug("request", "active", "losartan"),
                drug("request", "active", "hydrochlorothiazide"),
            ),
            "override",
        ),
        ((drug("request", "active", "losartan"), drug("request", "active", "hydrochlorothiazide")), "clear"),
    ],
)
def test_classes_risk_and_egfr_decide_how_much_a_drug_weighs(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(nephrotoxic_drugs(case(*facts))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (drug("request", "recent", "Ibuprofen", ended="2026-02-23T09:00:00Z"), "warning"),  # 7 days
        (drug("request", "recent", "Ibuprofen", ended="2026-02-23T08:59:59Z"), "clear"),
        (drug("request", "recent", "Ibuprofen", when="2019-01-01"), "clear"),
        (drug("administration", "given", "vancomycin 1000 MG Injection", when="2026-02-23T09:00:00Z"), "warning"),
        (drug("administration", "given", "vancomycin 1000 MG Injection", when="2026-02-22T21:00:00Z"), "clear"),
        (drug("administration", "given", "iohexol", when="2026-02-27T09:00:00Z"), "warning"),  # 72 hours
        (drug("administration", "given", "iohexol", when="2026-02-27T08:00:00Z"), "clear"),
    ],
)
def test_what_was_given_or_ended_counts_for_a_few_days(item: object, severity: str) -> None:
    assert outcome(nephrotoxic_drugs(case(item))) == severity


def test_a_record_without_any_medicine_is_said_and_weighs_nothing() -> None:
    assert outcome(nephrotoxic_drugs(case())) == "info"
    assert outcome(nephrotoxic_drugs(case(ASPIRIN))) == "clear"
    assert outcome(risk_factors(case(GOOD))) == "clear"


def test_medicines_that_could_not_be_read_are_not_an_empty_list() -> None:
    assert outcome(nephrotoxic_drugs(case(unread=("MedicationStatement",)))) == "unknown"
    assert outcome(nephrotoxic_drugs(case(IBUPROFEN, unread=("MedicationStatement",)))) == "warning"


def test_a_record_without_any_medicine_is_said_with_what_was_looked_through() -> None:
    result = found(nephrotoxic_drugs(case()))
    assert result.severity == "info"
    assert [e.said.partition(":")[0] for e in result.evidence] == ["MedicationRequest", "MedicationStatement", "MedicationAdministration"]
