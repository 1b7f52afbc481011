"""Acute kidney injury and reduced kidney function."""

from __future__ import annotations

from decimal import Decimal

import pytest
from a_case import case, cited, event, found, lab, outcome, problem

from ivig_fhir.chart.facts import Source, Unusable
from ivig_fhir.proposal.checks.renal import acute_kidney_injury, egfr, reduced_function


def creatinine(value: str, when: str | None = "2026-03-01T07:00:00Z", **more: object) -> object:
    return lab("creatinine", value, when, **more)


def reported(value: str, when: str = "2026-03-01T07:00:00Z", loinc: str = "98979-8", **more: object) -> object:
    return lab("egfr", value, when, loinc=loinc, **more)


@pytest.mark.parametrize(
    ("first", "second", "severity"),
    [
        (("0.9", "2026-03-01T08:00:00Z"), ("1.2", "2026-03-02T07:00:00Z"), "override"),
        (("0.91", "2026-03-01T08:00:00Z"), ("1.2", "2026-03-02T07:00:00Z"), "clear"),
        (("1.0", "2026-02-28T08:00:00Z"), ("1.3", "2026-03-02T08:00:00Z"), "override"),  # 48 hours apart
        (("1.0", "2026-02-28T07:59:59Z"), ("1.3", "2026-03-02T08:00:00Z"), "clear"),
        (("0.6", "2026-02-24T08:00:00Z"), ("0.9", "2026-02-28T07:00:00Z"), "override"),
        (("0.61", "2026-02-24T08:00:00Z"), ("0.9", "2026-02-28T07:00:00Z"), "clear"),
        (("0.6", "2026-02-23T08:00:00Z"), ("0.9", "2026-03-02T08:00:00Z"), "override"),  # 7 days apart
        (("0.6", "2026-02-23T07:59:59Z"), ("0.9", "2026-03-02T08:00:00Z"), "clear"),
        (("0.6", "2026-02-20T08:00:00Z"), ("0.9", "2026-02-23T08:00:00Z"), "clear"),  # the rise itself is a week old
        (("1.2", "2026-03-01T08:00:00Z"), ("0.9", "2026-03-02T07:00:00Z"), "clear"),
    ],
)
def test_a_rise_of_creatinine_counts_within_its_window(first: tuple[str, str], second: tuple[str, str], severity: str) -> None:
    assert outcome(acute_kidney_injury(case(creatinine(*first), creatinine(*second)))) == severity


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"onset": "2026-02-16"}, "override"),
        ({"onset": "2026-02-15"}, "clear"),
        ({"recorded": "2026-02-20"}, "override"),
        ({"onset": "2026-01-01", "recorded": "2026-02-28"}, "clear"),
        ({}, "override"),
        ({"onset": "2026-02-28", "active": False}, "clear"),
    ],
)
def test_a_diagnosis_of_injury_counts_while_it_is_recent_or_undated(more: dict[str, object], severity: str) -> None:
    assert outcome(acute_kidney_injury(case(problem("icd10cm|N17.9", **more), creatinine("0.9")))) == severity


def refused(kind: str, when: str | None) -> Unusable:
    return Unusable("creatinine", Source("Observation/c", None, when), "Creatinine 6", "its unit is not known", kind, None)


@pytest.mark.parametrize(
    ("kind", "when", "severity"),
    [
        ("unreadable", "2026-03-02T07:00:01Z", "unknown"),
        ("implausible", "2026-03-02T07:00:01Z", "unknown"),
        ("unreadable", None, "unknown"),
        ("unreadable", "2026-03-02T07:00:00Z", "clear"),
        ("absent", "2026-03-02T08:00:00Z", "clear"),
        ("status", "2026-03-02T08:00:00Z", "clear"),
    ],
)
def test_a_newer_creatinine_that_cannot_be_read_leaves_an_injury_open(kind: str, when: str | None, severity: str) -> None:
    last = creatinine("0.9", "2026-03-02T07:00:00Z")
    assert outcome(acute_kidney_injury(case(last, unusable=(refused(kind, when),)))) == severity


def test_a_creatinine_without_a_date_may_be_the_newest() -> None:
    last = creatinine("0.9", "2026-03-02T07:00:00Z")
    assert outcome(acute_kidney_injury(case(last))) == "clear"
    assert outcome(acute_kidney_injury(case(last, creatinine("6.0", None)))) == "unknown"


def test_a_preliminary_rise_counts_and_a_preliminary_fall_clears_nothing() -> None:
    before = creatinine("0.9", "2026-03-01T08:00:00Z")
    assert outcome(acute_kidney_injury(case(before, creatinine("1.5", "2026-03-02T07:00:00Z", status="preliminary")))) == "override"
    risen = creatinine("1.5", "2026-03-02T06:00:00Z")
    fallen = creatinine("0.9", "2026-03-02T08:00:00Z", status="preliminary")
    assert outcome(acute_kidney_injury(case(before, risen, fallen))) == "override"


def test_bounds_show_a_rise_only_where_they_decide_it() -> None:
    before = ("0.5", "2026-03-01T08:00:00Z")
    assert outcome(acute_kidney_injury(case(creatinine(*before, comparator="<"), creatinine("0.9", "2026-03-02T07:00:00Z")))) == "override"
    assert outcome(acute_kidney_injury(case(creatinine(*before, comparator=">"), creatinine("0.9", "2026-03-02T07:00:00Z")))) == "clear"


def test_without_any_creatinine_an_injury_would_not_show() -> None:
    assert outcome(acute_kidney_injury(case())) == "unknown"


@pytest.mark.parametrize(
    ("value", "severity"),
    [("1.49", "clear"), ("1.5", "warning"), ("2.67", "warning"), ("2.68", "override")],  # 60.5, 59.98, 30.03 and 29.89
)
def test_egfr_is_compared_unrounded(value: str, severity: str) -> None:
    assert outcome(reduced_function(case(creatinine(value)))) == severity


def test_a_value_just_below_a_limit_is_not_shown_as_the_limit() -> None:
    message = found(reduced_function(case(creatinine("1.5")))).message
    assert "59.9 mL/min" in message
    assert "CKD-EPI 2021" in message


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((problem("icd10cm|N18.31"),), "warning"),
        ((problem("icd10cm|N18.31", active=False),), "clear"),
        ((problem("icd10cm|Z99.2"),), "override"),
        ((event("Procedure", "snomed|302497006", when="2026-01-31T09:00:00Z"),), "override"),
        ((event("Procedure", "snomed|302497006", when="2026-01-31T08:59:59Z"),), "clear"),
        ((event("ServiceRequest", "snomed|265764009", when="2026-03-05"),), "override"),
        ((event("Procedure", "snomed|302497006"),), "override"),
        ((event("Device", "snomed|302497006"),), "clear"),
    ],
)
def test_kidney_disease_and_dialysis_count_beside_a_good_egfr(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(reduced_function(case(creatinine("0.9"), *facts))) == severity


@pytest.mark.parametrize(
    ("facts", "options", "result"),
    [
        ((), {}, "unknown"),
        ((creatinine("0.9"),), {"sex": ""}, "unknown"),
        ((creatinine("0.9"),), {"born": None}, "unknown"),
        ((creatinine("0.9"), reported("80")), {"sex": ""}, "clear"),
        ((reported("45"),), {}, "warning"),
        ((reported("60", comparator=">"),), {}, "unknown"),
        ((reported("20", comparator="<"),), {}, "override"),
        ((reported("45", loinc="48643-1"),), {}, "unknown"),
        ((reported("45", loinc="48642-3"),), {}, "warning"),
        ((creatinine("0.4"),), {"born": "2018-01-01", "cm": None}, "unknown"),
        ((creatinine("0.4"),), {"born": "2018-01-01", "cm": "110"}, "clear"),
        ((creatinine("1.1"),), {"born": "2018-01-01", "cm": "110"}, "warning"),
        ((creatinine("5", comparator=">"),), {}, "override"),
        ((creatinine("1.5", comparator="<"),), {}, "unknown"),
        ((creatinine("0.9"),), {"unread": ("Procedure",)}, "unknown"),
        ((creatinine("2.68"),), {"unread": ("Procedure",)}, "override"),
    ],
)
def test_egfr_is_computed_else_as_reported_else_unknown(facts: tuple[object, ...], options: dict[str, object], result: str) -> None:
    assert outcome(reduced_function(case(*facts, **options))) == result  # type: ignore[arg-type]


def test_eighteen_years_change_the_formula() -> None:
    child = egfr(case(creatinine("0.8"), born="2008-03-03", cm="170"))
    adult = egfr(case(creatinine("0.8"), born="2008-03-02", cm="170"))
    assert (child and child.how, adult and adult.how) == ("bedside Schwartz", "CKD-EPI 2021")


def test_of_a_preliminary_and_a_final_creatinine_the_worse_counts() -> None:
    worse, better = creatinine("2.9", "2026-02-27"), creatinine("0.9", "2026-03-01", status="preliminary")
    assert outcome(reduced_function(case(worse, better))) == "override"


def test_two_values_of_one_instant_that_contradict_each_other_are_no_value() -> None:
    assert egfr(case(creatinine("0.9"), creatinine("2.9"))) is None


def test_a_reported_value_across_a_limit_is_shown_and_the_worse_one_counts() -> None:
    computed, low = creatinine("0.9"), reported("45")
    result = reduced_function(case(computed, low))
    assert outcome(result) == "warning"
    assert len(cited(result)) == 2
    assert "disagree" in found(result).message
    assert "45" in found(result).message


def test_an_older_reported_value_contradicts_nothing() -> None:
    estimate = egfr(case(creatinine("0.9"), reported("45", "2026-01-01")))
    assert estimate is not None
    assert estimate.contradiction is None
    assert estimate.value > Decimal(100)
