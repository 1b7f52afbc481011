"""Sucrose in the product."""

from __future__ import annotations

import pytest
from a_case import case, cited, lab, made_of, outcome, problem

from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks import renal, renal_risk
from ivig_fhir.proposal.checks.renal_product import sucrose
from ivig_fhir.proposal.findings import Result

SUCROSE, CREATININE = made_of("sucrose"), lab("creatinine", "0.9")


def judged(*facts: object, **more: object) -> Result:
    """B05 after the checks of the kidney that stand before it."""
    made: Case = case(*facts, product=SUCROSE, **more)  # type: ignore[arg-type]
    earlier = {id_: check(made) for id_, check in (*renal.CHECKS, *renal_risk.CHECKS)}
    return sucrose(case(*facts, product=SUCROSE, earlier=earlier, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((CREATININE,), "warning"),
        ((CREATININE, problem("icd10cm|E11.9")), "hard-stop"),
        ((lab("creatinine", "1.5"),), "hard-stop"),
        ((CREATININE, problem("icd10cm|N17.9")), "hard-stop"),
        ((CREATININE, problem("icd10cm|N18.3")), "hard-stop"),
        ((CREATININE, problem("icd10cm|A41.9")), "hard-stop"),
        ((), "override"),
    ],
)
def test_sucrose_is_forbidden_to_kidneys_at_risk(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(judged(*facts)) == severity


def test_age_alone_is_a_risk() -> None:
    assert outcome(judged(CREATININE, born="1961-03-02")) == "hard-stop"
    assert outcome(judged(CREATININE, born="1961-03-03")) == "warning"


def test_the_stop_stands_on_the_evidence_of_the_risk() -> None:
    assert cited(judged(CREATININE, problem("icd10cm|E11.9"))) == {"Condition/icd10cm|E11.9", "order_sets/products/other.toml"}


def test_other_products_are_clear_and_unknown_ones_are_not() -> None:
    assert outcome(sucrose(case())) == "clear"
    assert outcome(sucrose(case(product=made_of()))) == "unknown"
