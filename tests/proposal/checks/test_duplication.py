"""Another immunoglobulin therapy, and the cumulative dose."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from a_case import ASPIRIN, IG, RUN, case, cited, content, drug, event, found, infusion, outcome

from ivig_fhir.proposal.case import Case
from ivig_fhir.proposal.checks.duplication import cumulative_dose, immunoglobulin


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (drug("request", "active", "Hizentra 4 g SC weekly"), "override"),
        (drug("statement", "active", "IVIG"), "override"),
        (drug("request", "pending", "Privigen 70 g"), "override"),
        (drug("request", "recent", "Hizentra 4 g SC weekly", ended="2026-01-31"), "clear"),
        (drug("request", "active", "Rho(D) immune globulin"), "clear"),
        (drug("request", "active", "Gamunex-C 35 g", run=RUN), "clear"),
        (drug("request", "pending", "Gamunex-C 35 g", run=RUN), "clear"),
        (drug("request", "active", "Gamunex-C 35 g", run="urn:uuid:other"), "override"),
        (infusion("2026-03-01", run=RUN), "clear"),
        (event("Immunization", "cvx|87", when="2026-02-27"), "override"),  # immunoglobulin recorded as an immunization
        (event("Immunization", "cvx|87", when="2026-02-10"), "warning"),
        (event("Immunization", "cvx|30", when="2026-02-27"), "clear"),  # hepatitis B immune globulin
    ],
)
def test_another_order_counts_and_this_run_does_not(item: object, severity: str) -> None:
    assert outcome(immunoglobulin(case(item, ASPIRIN, run=RUN))) == severity


@pytest.mark.parametrize(
    ("when", "severity"),
    [
        ("2026-02-16T09:00:01Z", "override"),
        ("2026-02-16T09:00:00Z", "warning"),  # 14 days
        ("2026-02-09T09:00:01Z", "warning"),
        ("2026-02-09T09:00:00Z", "clear"),  # 21 days
        (None, "override"),
    ],
)
def test_an_infusion_of_another_course_counts_for_three_weeks(when: str | None, severity: str) -> None:
    assert outcome(immunoglobulin(case(infusion(when)))) == severity


def repeated(weeks: int | str, *facts: object, **options: Any) -> Case:
    """The same order under a regimen that comes back after so many weeks, at the soonest."""
    made = case(*facts, **options)
    assert made.order.regimen is not None
    return replace(made, order=replace(made.order, regimen=replace(made.order.regimen, interval_weeks=(Decimal(weeks), Decimal(8)))))


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (infusion("2026-02-23T10:00:00Z"), "clear"),  # seven days before the first infusion
        (infusion("2026-02-23T10:00:01Z"), "override"),
        (infusion("2026-02-23"), "clear"),  # the hour was not recorded
        (infusion("2026-02-24"), "override"),
        (infusion("2026-02-12"), "clear"),
        (infusion("2026-02-23", reason="icd10cm|G61.81"), "clear"),
        (infusion("2026-02-23", reason="icd10cm|D83.9"), "override"),  # given for something else
        (infusion(None), "override"),
    ],
)
def test_a_weekly_regimen_expects_its_own_infusions(item: object, severity: str) -> None:
    assert outcome(immunoglobulin(repeated(1, item))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (infusion("2026-02-16T09:00:00Z"), "warning"),  # fourteen days
        (infusion("2026-02-17T12:00:00Z"), "override"),
        (infusion("2026-02-09T09:00:00Z"), "clear"),
    ],
)
def test_an_interval_of_two_weeks_is_judged_as_any_longer_one(item: object, severity: str) -> None:
    assert outcome(immunoglobulin(repeated(2, item))) == severity


@pytest.mark.parametrize(("weeks", "severity"), [("1.9", "clear"), ("2", "warning"), ("2.1", "warning"), ("3", "warning")])
def test_only_an_interval_below_two_weeks_expects_an_infusion_of_fourteen_days_ago(weeks: str, severity: str) -> None:
    assert outcome(immunoglobulin(repeated(weeks, infusion("2026-02-16T08:00:00Z")))) == severity


def test_a_record_without_any_medicine_cannot_show_a_duplicate() -> None:
    empty = immunoglobulin(case())
    assert outcome(empty) == "override"
    assert [e.said for e in found(empty).evidence] == [
        "MedicationRequest: none recorded", "MedicationStatement: none recorded", "MedicationAdministration: none recorded",
    ]  # fmt: skip
    assert outcome(immunoglobulin(case(ASPIRIN))) == "clear"


def test_a_dose_that_is_high_by_itself_cites_the_order() -> None:
    rolling, daily = cumulative_dose(case(dose_g="148", days=4)), cumulative_dose(case(dose_g="74", days=1))
    assert [(e.reference, e.said) for e in found(rolling).evidence] == [("order", "148 g")]
    assert [(e.reference, e.said) for e in found(daily).evidence] == [("order", "1.06 g/kg")]


def test_what_could_not_be_read_is_not_clear_and_not_empty() -> None:
    assert outcome(immunoglobulin(case(unread=("MedicationAdministration",)))) == "unknown"
    assert outcome(immunoglobulin(case(infusion("2026-02-27"), unread=("MedicationRequest",)))) == "override"


@pytest.mark.parametrize(
    ("dose_g", "days", "severity"),
    [("147", 4, "clear"), ("147.1", 4, "override"), ("73.5", 1, "clear"), ("73.6", 1, "override")],
)
def test_a_small_excess_is_rounding(dose_g: str, days: int, severity: str) -> None:
    assert outcome(cumulative_dose(case(dose_g=dose_g, days=days))) == severity


@pytest.mark.parametrize(("when", "severity"), [("2026-02-02T12:00:00Z", "override"), ("2026-02-02T09:00:00Z", "clear")])
def test_grams_of_other_courses_are_added_for_28_days(when: str, severity: str) -> None:
    assert outcome(cumulative_dose(case(infusion(when), dose_g="84"))) == severity


def test_kawasaki_disease_is_treated_in_one_day() -> None:
    made = case(dose_g="140", days=1)
    exempt = replace(made, order=replace(made.order, indication=replace(made.order.indication, id="kawasaki")))
    assert (outcome(cumulative_dose(made)), outcome(cumulative_dose(exempt))) == ("override", "clear")


def test_evidence_holds_what_was_counted_and_what_was_not() -> None:
    result = cumulative_dose(case(infusion("2026-02-20", "140", id="a"), infusion("2026-02-21", None, id="b"), dose_g="70"))
    assert outcome(result) == "override"
    assert cited(result) == {"order", "administration/a", "administration/b"}
    assert "could not be counted" in found(result).message
    assert "3 g/kg" in found(result).message


@pytest.mark.parametrize(
    ("facts", "options"),
    [
        ((infusion("2026-02-20", None),), {}),
        ((), {"kg": None}),
        ((), {"dose_g": None}),
        ((), {"unread": ("MedicationAdministration",)}),
        ((drug("request", "recent", code_=IG, when="2026-02-20"),), {}),
    ],
)
def test_a_dose_that_cannot_be_counted_is_not_clear(facts: tuple[object, ...], options: dict[str, object]) -> None:
    assert outcome(cumulative_dose(case(*facts, **options))) == "unknown"  # type: ignore[arg-type]


def test_the_diseases_that_are_let_off_the_limit_of_a_day_are_order_sets() -> None:
    let_off = content().checks["duplication.cumulative-dose"].thresholds["exempt_daily"]
    assert let_off and set(let_off) <= set(content().order_sets)
