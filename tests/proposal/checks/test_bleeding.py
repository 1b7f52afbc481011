"""Bleeding disorders, few platelets, drugs against clotting, and thromboprophylaxis beside them."""

from __future__ import annotations

from functools import partial

import pytest
from a_case import ASPIRIN, case, cited, drug, found, lab, outcome, problem

from ivig_fhir.proposal.checks.bleeding import disorder

ENOUGH = lab("platelets", "230")
HEMOPHILIA = problem("icd10cm|D66")
prophylaxis = partial(case, selections={"thromboprophylaxis": True})


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (HEMOPHILIA, "warning"),
        (problem("snomed|128106003"), "warning"),
        (problem("icd10cm|D68.32"), "warning"),
        (problem("icd10cm|D68.51"), "clear"),  # thrombophilia
        (problem("icd10cm|D69.3"), "clear"),  # immune thrombocytopenia counts by its platelets
        (problem("icd10cm|D66", active=False), "clear"),
        (ASPIRIN, "warning"),
        (drug("request", "active", "apixaban 5 MG Oral Tablet"), "warning"),
        (drug("statement", "active", "warfarin", "rxnorm|11289"), "warning"),
        (drug("request", "active", "heparin sodium, porcine 100 UNT/ML flush"), "clear"),
        (drug("request", "active", "heparin lock flush"), "clear"),
        (drug("request", "pending", "apixaban"), "clear"),
        (drug("administration", "given", "enoxaparin", when="2026-02-23T09:00:00Z"), "warning"),  # 7 days
        (drug("administration", "given", "enoxaparin", when="2026-02-23T08:59:59Z"), "clear"),
        (drug("request", "recent", "enoxaparin", ended="2026-02-23"), "warning"),
        (drug("request", "recent", "enoxaparin", ended="2026-02-22"), "clear"),
        (drug("request", "active", "heparinoid cream"), "clear"),
    ],
)
def test_a_disorder_or_a_drug_warns(item: object, severity: str) -> None:
    assert outcome(disorder(case(item, ENOUGH))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (lab("platelets", "49.9"), "warning"),
        (lab("platelets", "50"), "clear"),
        (lab("platelets", "50", comparator="<"), "warning"),
        (lab("platelets", "60", comparator="<"), "unknown"),
        (lab("platelets", "40", "2026-02-23T09:00:00Z"), "warning"),  # 7 days
        (lab("platelets", "40", "2026-02-23T08:59:59Z"), "unknown"),
        (lab("platelets", "230", "2026-02-22"), "unknown"),
        (lab("platelets", "40", status="preliminary"), "warning"),
        (lab("platelets", "230", status="preliminary"), "unknown"),
    ],
)
def test_platelets_of_the_last_week_decide_and_older_ones_do_not(item: object, severity: str) -> None:
    assert outcome(disorder(case(item))) == severity


def test_the_newest_platelets_count() -> None:
    assert outcome(disorder(case(lab("platelets", "40", "2026-02-25"), ENOUGH))) == "clear"


def test_platelets_that_contradict_each_other_are_not_known() -> None:
    assert outcome(disorder(case(ENOUGH, lab("platelets", "40")))) == "unknown"


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((ENOUGH,), "clear"),
        ((lab("platelets", "49"),), "override"),
        ((lab("platelets", "50"),), "clear"),
        ((ENOUGH, HEMOPHILIA), "override"),
        ((ENOUGH, ASPIRIN), "warning"),
        ((ENOUGH, problem("icd10cm|K92.2", onset="2026-02-23")), "override"),
        ((ENOUGH, problem("icd10cm|K92.2", onset="2026-02-22")), "clear"),
        ((ENOUGH, problem("icd10cm|K92.2")), "override"),
        ((ENOUGH, problem("icd10cm|K92.2", active=False)), "clear"),
        ((), "unknown"),
    ],
)
def test_thromboprophylaxis_beside_it_asks_for_a_reason(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(disorder(prophylaxis(*facts))) == severity


def test_bleeding_without_prophylaxis_is_not_this_check() -> None:
    assert outcome(disorder(case(ENOUGH, problem("icd10cm|K92.2")))) == "clear"


def test_missing_platelets_are_said_beside_what_was_found() -> None:
    result = found(disorder(case(HEMOPHILIA)))
    assert result.severity == "warning"
    assert "No platelet count" in result.message


def test_the_order_stands_beside_the_chart_in_the_evidence() -> None:
    assert cited(disorder(prophylaxis(ENOUGH, HEMOPHILIA))) == {"order", "Condition/icd10cm|D66"}
