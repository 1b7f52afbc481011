"""Hyperviscosity."""

from __future__ import annotations

import pytest
from a_case import case, found, lab, outcome, problem

from ivig_fhir.chart.facts import Source, Unusable
from ivig_fhir.proposal.checks.hyperviscosity import hyperviscosity
from ivig_fhir.proposal.checks.thrombosis import risk_factors

MGUS = problem("icd10cm|D47.2")


@pytest.mark.parametrize(
    ("panel", "value", "severity"),
    [
        ("serum-viscosity", "4", "override"),
        ("serum-viscosity", "3.9", "warning"),
        ("serum-viscosity", "1.81", "warning"),
        ("serum-viscosity", "1.8", "clear"),
        ("igm", "3000", "warning"),
        ("igm", "2999", "clear"),
        ("total-protein", "10", "warning"),
        ("total-protein", "9.9", "clear"),
        ("triglycerides", "1000", "warning"),
        ("triglycerides", "999", "clear"),
        ("hematocrit", "55", "warning"),
        ("hematocrit", "54.9", "clear"),
    ],
)
def test_what_makes_blood_thick_has_its_limit(panel: str, value: str, severity: str) -> None:
    assert outcome(hyperviscosity(case(lab(panel, value)))) == severity
    assert outcome(risk_factors(case(lab(panel, value)))) == ("clear" if severity == "clear" else "warning")


@pytest.mark.parametrize(("protein", "albumin", "severity"), [("9", "3.5", "warning"), ("9", "3.51", "clear"), ("8.9", "3.5", "clear")])
def test_a_wide_gap_to_albumin_counts(protein: str, albumin: str, severity: str) -> None:
    assert outcome(hyperviscosity(case(lab("total-protein", protein), lab("albumin", albumin)))) == severity


@pytest.mark.parametrize(
    ("protein", "albumin", "severity"),
    [(">", "", "warning"), ("<", "", "clear"), ("", "<", "warning"), ("", ">", "clear")],
)
def test_a_gap_between_bounds_counts_only_where_it_is_at_least_that_wide(protein: str, albumin: str, severity: str) -> None:
    facts = (lab("total-protein", "9.5", comparator=protein), lab("albumin", "3.5", comparator=albumin))
    assert outcome(hyperviscosity(case(*facts))) == severity


@pytest.mark.parametrize(
    ("when", "severity"),
    [("2025-09-03T09:00:00Z", "warning"), ("2025-09-03T08:59:59Z", "clear"), ("2025-09-03", "warning"), ("2025-09-02", "clear")],
)
def test_values_count_for_half_a_year(when: str, severity: str) -> None:
    assert outcome(hyperviscosity(case(lab("igm", "4000", when)))) == severity
    assert outcome(hyperviscosity(case(lab("total-protein", "9", when), lab("albumin", "3", when)))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (problem("icd10cm|C88.00"), "warning"),
        (problem("icd10cm|C90.01"), "warning"),
        (problem("icd10cm|D45"), "warning"),
        (problem("icd10cm|E78.3"), "warning"),
        (problem(text="Hyperviscosity syndrome"), "warning"),
        (problem("icd10cm|D45", soft=True), "warning"),
        (problem("icd10cm|D45", active=False), "clear"),
        (problem("icd10cm|E78.5"), "clear"),
    ],
)
def test_a_diagnosis_that_thickens_the_blood_counts_while_active(item: object, severity: str) -> None:
    assert outcome(hyperviscosity(case(item))) == severity


def test_with_a_paraprotein_only_a_final_recent_viscosity_says_that_all_is_well() -> None:
    assert outcome(hyperviscosity(case(MGUS))) == "unknown"
    assert outcome(hyperviscosity(case(MGUS, lab("serum-viscosity", "1.5", status="preliminary")))) == "unknown"
    assert outcome(hyperviscosity(case(MGUS, lab("serum-viscosity", "1.5", "2025-06-01")))) == "unknown"
    assert outcome(hyperviscosity(case(MGUS, lab("serum-viscosity", "1.5")))) == "clear"
    assert outcome(hyperviscosity(case(MGUS, lab("serum-viscosity", "1.9")))) == "warning"


def test_a_recent_value_that_could_not_be_read_keeps_it_open() -> None:
    refused = Unusable(
        "serum-viscosity", Source("Observation/x", None, "2026-02-01"), "viscosity 5", "the unit {ratio} is not one for this value"
    )
    assert outcome(hyperviscosity(case(unusable=(refused,)))) == "unknown"
    assert outcome(hyperviscosity(case(lab("igm", "3100"), unusable=(refused,)))) == "warning"


def test_preliminary_values_and_bounds_fire() -> None:
    assert outcome(hyperviscosity(case(lab("igm", "3100", status="preliminary")))) == "warning"
    assert outcome(hyperviscosity(case(lab("igm", "3000", comparator=">")))) == "warning"
    assert outcome(hyperviscosity(case(lab("serum-viscosity", "1.8", comparator=">")))) == "warning"


def test_every_reason_is_said_with_its_limit() -> None:
    result = found(hyperviscosity(case(lab("serum-viscosity", "4.5"), lab("hematocrit", "57", unit="%"), problem("icd10cm|D45"))))
    assert "at or above 4 cP" in result.message
    assert "at or above 55 %" in result.message
    assert len(result.evidence) == 3


@pytest.mark.parametrize("type_", ["Condition", "Observation"])
def test_what_could_not_be_read_is_not_clear(type_: str) -> None:
    assert outcome(hyperviscosity(case(unread=(type_,)))) == "unknown"
