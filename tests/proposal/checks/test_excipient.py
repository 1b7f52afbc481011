"""Hyperprolinaemia and L-proline."""

from __future__ import annotations

import pytest
from a_case import case, outcome, problem

from ivig_fhir.proposal.checks.excipient import proline


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("snomed|59655002"), "hard-stop"),
        (problem(text="Hyperprolinaemia type II"), "hard-stop"),
        (problem("icd10cm|E72.59", "Hyperprolinemia"), "hard-stop"),
        (problem("snomed|59655002", soft=True), "override"),
        (problem("icd10cm|E72.59", "Other disorders of glycine metabolism"), "override"),
        (problem("snomed|59655002", active=False), "clear"),
        (problem("icd10cm|E11.9"), "clear"),
    ],
)
def test_proline_is_forbidden_as_firmly_as_the_diagnosis_is(item: object, severity: str) -> None:
    assert outcome(proline(case(item, product="privigen"))) == severity


def test_a_glycine_product_is_clear_even_when_conditions_cannot_be_read() -> None:
    assert outcome(proline(case(problem("snomed|59655002")))) == "clear"
    assert outcome(proline(case(unread=("Condition",)))) == "clear"


def test_a_proline_product_is_not_clear_when_conditions_cannot_be_read() -> None:
    assert outcome(proline(case(product="privigen", unread=("Condition",)))) == "unknown"
