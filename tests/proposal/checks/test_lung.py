"""Transfusion-related acute lung injury before."""

from __future__ import annotations

import pytest
from a_case import case, found, outcome, problem

from ivig_fhir.proposal.checks.lung import previous_trali


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("icd10cm|J95.84"), "override"),
        (problem("icd10cm|J95.84", active=False), "override"),
        (problem("icd10cm|J9584", onset="2001-01-01", active=False), "override"),
        (problem(text="TRALI 2019"), "override"),
        (problem(text="Transfusion-related acute lung injury"), "override"),
        (problem(text="Transfusion related acute lung injury, resolved", active=False), "override"),
        (problem("icd10cm|J95.851", "Ventilator associated pneumonia"), "clear"),
        (problem(text="Australian bat lyssavirus"), "clear"),
        (problem(text="Extralingual lesion"), "clear"),
    ],
)
def test_an_injury_of_the_lungs_counts_for_ever(item: object, severity: str) -> None:
    assert outcome(previous_trali(case(item))) == severity


def test_words_alone_are_to_be_confirmed() -> None:
    assert "by text, confirm" in found(previous_trali(case(problem(text="TRALI 2019")))).evidence[0].said
    assert "by text" not in found(previous_trali(case(problem("icd10cm|J95.84")))).evidence[0].said


def test_conditions_that_could_not_be_read_are_not_clear() -> None:
    assert outcome(previous_trali(case(unread=("Condition",)))) == "unknown"
