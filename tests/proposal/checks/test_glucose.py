"""Maltose and glucose meters."""

from __future__ import annotations

import pytest
from a_case import case, cited, drug, found, made_of, outcome, problem

from ivig_fhir.content.site import Site
from ivig_fhir.proposal.checks.glucose import maltose_meter

MALTOSE = made_of("maltose")
DIABETES = problem("snomed|44054006")
INSULIN = drug("request", "active", "insulin glargine 300 UNT/ML")


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "info"),
        ((DIABETES,), "warning"),
        ((problem("icd10cm|E08.9"),), "warning"),
        ((problem("icd10cm|O24.419"),), "info"),
        ((problem("snomed|44054006", active=False),), "info"),
        ((INSULIN,), "override"),
        ((DIABETES, INSULIN), "override"),
        ((drug("request", "active", code_="rxnorm|4821"),), "override"),
        ((drug("statement", "active", "Glyburide 5 MG"),), "override"),
        ((drug("statement", "active", "repaglinide"),), "override"),
        ((drug("request", "recent", "insulin lispro", ended="2026-02-28"),), "info"),
        ((drug("request", "pending", "insulin lispro"),), "info"),
        ((drug("administration", "given", "insulin regular", status="in-progress", when="2026-03-02T08:00:00Z"),), "override"),
        ((drug("administration", "given", "insulin regular", when="2026-01-02T08:00:00Z"),), "info"),
        ((drug("request", "active", "metformin 500 MG"),), "info"),
    ],
)
def test_the_more_a_patient_is_treated_by_the_meter_the_graver_it_is(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(maltose_meter(case(*facts, product=MALTOSE))) == severity


@pytest.mark.parametrize("facts", [(), (DIABETES,), (DIABETES, INSULIN)])
def test_other_products_and_safe_meters_take_the_danger_away(facts: tuple[object, ...]) -> None:
    assert outcome(maltose_meter(case(*facts))) == "clear"
    assert outcome(maltose_meter(case(*facts, product=MALTOSE, site=Site(glucose_meters_maltose_safe=True)))) == "info"


@pytest.mark.parametrize("answer", [None, False])
def test_a_site_that_does_not_vouch_for_its_meters_keeps_the_danger(answer: bool | None) -> None:
    assert outcome(maltose_meter(case(INSULIN, product=MALTOSE, site=Site(glucose_meters_maltose_safe=answer)))) == "override"


def test_what_could_not_be_read_is_no_absence_of_insulin() -> None:
    assert outcome(maltose_meter(case(product=MALTOSE, unread=("MedicationRequest",)))) == "unknown"
    assert outcome(maltose_meter(case(product=MALTOSE, unread=("Condition",)))) == "unknown"
    partly = maltose_meter(case(DIABETES, product=MALTOSE, unread=("MedicationRequest",)))
    assert outcome(partly) == "warning"
    assert "insulin may be missing" in found(partly).message
    assert outcome(maltose_meter(case(INSULIN, product=MALTOSE, unread=("Condition",)))) == "override"


def test_a_product_whose_composition_nobody_knows_is_not_assessed() -> None:
    assert outcome(maltose_meter(case(product=made_of()))) == "unknown"


def test_evidence_shows_the_diagnosis_and_the_drug() -> None:
    result = maltose_meter(case(DIABETES, INSULIN, product=MALTOSE))
    assert {r.partition("/")[0] for r in cited(result)} == {"Condition", "request", "order_sets"}
