"""Drugs that promote clotting."""

from __future__ import annotations

import pytest
from a_case import case, content, drug, found, outcome

from ivig_fhir.proposal.checks.thrombosis_drugs import thrombogenic_drugs


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (drug("request", "active", "estradiol 1 MG Oral Tablet"), "warning"),
        (drug("request", "active", code_="rxnorm|4124"), "warning"),
        (drug("request", "active", "Estrogens, conjugated 0.3 MG"), "warning"),
        (drug("request", "active", "tamoxifen 20 MG"), "warning"),
        (drug("request", "active", "lenalidomide 25 MG Oral Capsule"), "warning"),
        (drug("request", "active", "darbepoetin alfa"), "warning"),
        (drug("request", "active", "Epogen"), "warning"),
        (drug("request", "active", "upadacitinib 15 MG"), "warning"),
        (drug("request", "active", "tranexamic acid 650 MG"), "warning"),
        (drug("request", "active", "romiplostim"), "warning"),
        (drug("statement", "active", "testosterone"), "warning"),
        (drug("request", "active", "estradiol 0.1 MG/ML Vaginal Cream"), "clear"),
        (drug("request", "active", code_="rxnorm|4083", text="estradiol vaginal insert"), "clear"),
        (drug("request", "active", "fulvestrant"), "clear"),
        (drug("request", "active", "ruxolitinib 15 MG/GM topical cream"), "clear"),
        (drug("request", "active", "norepinephrine 1 MG/ML"), "clear"),
        (drug("request", "pending", "estradiol 1 MG Oral Tablet"), "clear"),
        (drug("dispense", "given", "estradiol 1 MG Oral Tablet", when="2026-02-28"), "clear"),
    ],
)
def test_what_counts_as_promoting_clotting(item: object, severity: str) -> None:
    assert outcome(thrombogenic_drugs(case(item))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (drug("administration", "given", "epoetin alfa", when="2026-01-31T09:00:00Z"), "warning"),  # 30 days
        (drug("administration", "given", "epoetin alfa", when="2026-01-31T08:59:59Z"), "clear"),
        (drug("administration", "given", "epoetin alfa", when=None), "warning"),
        (drug("request", "recent", "estradiol", when="2025-06-01", ended="2026-01-31T09:00:00Z"), "warning"),
        (drug("request", "recent", "estradiol", when="2025-06-01", ended="2026-01-31T08:59:59Z"), "clear"),
        (drug("statement", "recent", "thalidomide", when="2025-06-01", ended="2026-02-20"), "warning"),
    ],
)
def test_a_drug_counts_for_thirty_days_after_its_end(item: object, severity: str) -> None:
    assert outcome(thrombogenic_drugs(case(item))) == severity


def test_all_of_them_are_listed_by_class() -> None:
    result = found(thrombogenic_drugs(case(drug("request", "active", "estradiol"), drug("request", "active", "epoetin alfa"))))
    assert (
        result.message
        == "Drugs that promote clotting: oestrogen or a selective oestrogen receptor modulator, erythropoietin or a relative."
    )
    assert len(result.evidence) == 2


def test_every_class_is_a_code_set() -> None:
    assert set(content().checks["thrombosis.thrombogenic-drugs"].thresholds["classes"]) <= set(content().value_sets)
