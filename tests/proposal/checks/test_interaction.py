"""FcRn inhibitors, plasma exchange and therapeutic antibodies."""

from __future__ import annotations

import pytest
from a_case import case, drug, event, found, outcome

from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.proposal.checks.interaction import fcrn_inhibitor, monoclonal_antibodies, plasma_exchange

FCRN = "efgartigimod alfa 400 MG"


def given(when: str | None, text: str = FCRN) -> object:
    return drug("administration", "given", text, when=when)


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (drug("request", "active", "Vyvgart Hytrulo"), "override"),
        (drug("statement", "active", "rozanolixizumab"), "override"),
        (drug("request", "pending", FCRN), "clear"),
        (drug("dispense", "given", FCRN, when="2026-02-28"), "clear"),
        (given("2026-02-16T09:00:00Z"), "override"),  # 14 days
        (given("2026-02-16T08:59:59Z"), "clear"),
        (given("2026-02-16"), "override"),
        (given("2026-02-15"), "clear"),
        (given(None), "override"),
        (drug("request", "recent", FCRN, ended="2026-02-16"), "override"),
        (drug("request", "recent", FCRN, ended="2026-02-15"), "clear"),
        (drug("request", "recent", FCRN, when="2025-06-01"), "override"),  # its last dose is not known
        (drug("statement", "recent", FCRN, when="2026-01-01", doses=[("2026-01-01", None)]), "clear"),
        (drug("statement", "recent", FCRN, when="2026-02-20", doses=[("2026-02-20", None)]), "override"),
        (drug("request", "active", "ravulizumab"), "clear"),
    ],
)
def test_an_fcrn_inhibitor_counts_until_two_weeks_after_its_last_dose(item: object, severity: str) -> None:
    assert outcome(fcrn_inhibitor(case(item))) == severity


def test_an_infusion_tells_when_an_order_without_an_end_was_last_given() -> None:
    order = drug("request", "recent", FCRN, when="2025-12-01")
    assert outcome(fcrn_inhibitor(case(order, given("2026-01-10")))) == "clear"
    assert outcome(fcrn_inhibitor(case(order, given("2025-11-01")))) == "override"


# The course of the case: 2 and 3 March, from 10:00.
def exchange(when: str | None, type_: str = "ServiceRequest", status: str = "active") -> object:
    return event(type_, "snomed|20720000", when=when, status=status)


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (exchange("2026-03-05T10:00:00Z"), "override"),  # 48 hours after the last infusion
        (exchange("2026-03-05T10:00:01Z"), "clear"),
        (exchange("2026-03-05"), "override"),
        (exchange("2026-03-06"), "clear"),
        (exchange("2026-03-02T20:00:00Z"), "override"),  # between the two
        (exchange("2026-03-02T09:59:59Z"), "clear"),
        (exchange("2026-03-05T02:00:00Z", status="on-hold"), "override"),
        (exchange(None), "override"),
        (exchange("2026-03-05T02:00:00Z", "Procedure", "preparation"), "override"),
        (exchange("2026-03-01T12:00:00Z", "Procedure", "in-progress"), "clear"),
        (event("ServiceRequest", text="Therapeutic plasma exchange", when="2026-03-04"), "override"),
        (event("ServiceRequest", "cpt|36514", when="2026-03-04"), "override"),
        (event("Procedure", "icd10pcs|6A550Z3", when="2026-03-04", status="preparation"), "override"),
        (event("ServiceRequest", text="Complex wound care", when="2026-03-04"), "clear"),
    ],
)
def test_an_exchange_planned_until_two_days_after_takes_the_dose(item: object, severity: str) -> None:
    assert outcome(plasma_exchange(case(item))) == severity


@pytest.mark.parametrize(
    ("when", "severity"),
    [
        ("2026-03-01T10:00:00Z", "info"),  # 24 hours before the first infusion
        ("2026-03-01T09:59:59Z", "clear"),
        ("2026-03-01", "info"),
        ("2026-02-28", "clear"),
        ("2026-03-02T12:00:00Z", "override"),
        (None, "info"),
    ],
)
def test_an_exchange_that_was_done_just_before_is_information(when: str | None, severity: str) -> None:
    assert outcome(plasma_exchange(case(exchange(when, "Procedure", "completed")))) == severity


def test_a_series_of_exchanges_counts_for_all_its_days() -> None:
    first, last = parse_time("2026-02-20"), parse_time("2026-03-10")
    assert first is not None
    assert last is not None
    series = event("ServiceRequest", "snomed|20720000", time=FhirTime("from 2026-02-20 to 2026-03-10", first.earliest, last.latest))
    assert outcome(plasma_exchange(case(series))) == "override"


def test_without_a_dose_the_planned_days_count() -> None:
    assert outcome(plasma_exchange(case(exchange("2026-03-05T10:00:00Z"), dose_g=None))) == "override"
    assert outcome(plasma_exchange(case(exchange("2026-03-05T10:00:01Z"), dose_g=None))) == "clear"


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (drug("request", "active", "eculizumab 10 MG/ML Injection"), "warning"),
        (drug("request", "active", "Ultomiris"), "warning"),
        (drug("request", "active", "10 ML rituximab 10 MG/ML Injection", "rxnorm|1657862"), "info"),
        (drug("statement", "active", "adalimumab"), "info"),
        (given("2026-01-01T09:00:00Z", "rituximab"), "info"),  # 60 days
        (given("2026-01-01T08:59:59Z", "rituximab"), "clear"),
        (given("2026-01-01", "eculizumab"), "warning"),
        (given("2025-12-31", "eculizumab"), "clear"),
        (drug("request", "pending", "eculizumab"), "clear"),
        (drug("request", "active", "norepinephrine 1 MG/ML"), "clear"),
    ],
)
def test_antibodies_count_for_sixty_days(item: object, severity: str) -> None:
    assert outcome(monoclonal_antibodies(case(item))) == severity


def test_a_complement_inhibitor_outweighs_another_antibody_and_both_are_named() -> None:
    result = found(monoclonal_antibodies(case(drug("request", "active", "rituximab"), drug("request", "active", "eculizumab"))))
    assert result.severity == "warning"
    assert len(result.evidence) == 2
