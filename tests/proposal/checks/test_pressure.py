"""Blood pressure before the infusion."""

from __future__ import annotations

import pytest
from a_case import case, found, lab, outcome

from ivig_fhir.chart.facts import Measurement, Source, Unusable
from ivig_fhir.proposal.checks.pressure import hypertension

NOW = "2026-03-02T08:00:00Z"


def pressure(systolic: str, diastolic: str, when: str = NOW) -> tuple[Measurement, Measurement]:
    return lab("sbp", systolic, when), lab("dbp", diastolic, when)


@pytest.mark.parametrize(
    ("systolic", "diastolic", "severity"),
    [
        ("180", "70", "override"),
        ("179.9", "70", "warning"),
        ("160", "70", "warning"),
        ("159.9", "70", "clear"),
        ("120", "120", "override"),
        ("120", "119.9", "warning"),
        ("120", "100", "warning"),
        ("120", "99.9", "clear"),
        ("190", "130", "override"),
        ("90", "50", "clear"),
    ],
)
def test_either_side_has_its_two_limits(systolic: str, diastolic: str, severity: str) -> None:
    assert outcome(hypertension(case(*pressure(systolic, diastolic)))) == severity


@pytest.mark.parametrize(
    ("when", "severity"),
    [("2026-03-01T09:00:00Z", "override"), ("2026-03-01T08:59:59Z", "unknown"), ("2026-03-01", "override"), ("2026-02-28", "unknown")],
)
def test_a_pressure_counts_for_a_day(when: str, severity: str) -> None:
    assert outcome(hypertension(case(*pressure("190", "90", when)))) == severity


def test_only_the_newest_pressure_counts() -> None:
    before = pressure("200", "120", "2026-03-02T06:00:00Z")
    assert outcome(hypertension(case(*before, *pressure("140", "80")))) == "clear"


@pytest.mark.parametrize(
    "facts",
    [
        (),
        (lab("sbp", "120", NOW),),
        (lab("dbp", "80", NOW),),
        pressure("120", "80", "2026-03-01"),
        (lab("sbp", "120", NOW, status="preliminary"), lab("dbp", "80", NOW)),
        (lab("sbp", "120", NOW), lab("sbp", "150", NOW), lab("dbp", "80", NOW)),
    ],
)
def test_without_both_sides_final_recent_and_of_one_mind_it_is_not_known(facts: tuple[object, ...]) -> None:
    assert outcome(hypertension(case(*facts))) == "unknown"


def test_a_newer_pressure_that_could_not_be_read_keeps_it_open() -> None:
    refused = Unusable(
        "sbp", Source("Observation/x", None, "2026-03-02T08:30:00Z"), "systolic 25", "outside 40 to 320 mm[Hg]", "implausible"
    )
    assert outcome(hypertension(case(*pressure("120", "80"), unusable=(refused,)))) == "unknown"
    assert outcome(hypertension(case(*pressure("185", "80"), unusable=(refused,)))) == "override"


def test_one_side_is_enough_to_fire_and_a_preliminary_value_too() -> None:
    assert outcome(hypertension(case(lab("sbp", "185", NOW)))) == "override"
    assert outcome(hypertension(case(lab("dbp", "125", NOW, status="preliminary")))) == "override"


def test_of_two_arms_the_higher_one_counts() -> None:
    assert outcome(hypertension(case(lab("sbp", "176", NOW), lab("sbp", "182", NOW), lab("dbp", "80", NOW)))) == "override"


def test_the_finding_names_value_limit_and_threshold() -> None:
    result = found(hypertension(case(*pressure("185", "105"))))
    assert result.message == "At or above 180 mmHg: sbp 185. At or above 100 mmHg: dbp 105."
    assert "systolic from 180" in result.threshold
    assert {e.reference for e in result.evidence} == {f"Observation/sbp-185-{NOW}", f"Observation/dbp-105-{NOW}"}
