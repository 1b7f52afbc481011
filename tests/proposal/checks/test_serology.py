"""Hepatitis B serology before the first dose, and a positive antibody after one."""

from __future__ import annotations

import pytest
from a_case import case, cited, drug, event, found, infusion, lab, outcome

from ivig_fhir.proposal.checks.serology import baseline, passive_anti_hbc

NEGATIVE = {"code": "snomed|260385009", "text": "Negative"}
HBSAG, CORE = lab("hbsag", None, **NEGATIVE), lab("anti-hbc-total", None, **NEGATIVE)
RITUXIMAB = "10 ML rituximab 10 MG/ML Injection"


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "info"),
        ((HBSAG, CORE), "clear"),
        ((HBSAG,), "info"),
        ((CORE,), "info"),
        ((infusion("2020-01-01"),), "clear"),
        ((infusion(None),), "clear"),
        ((event("Immunization", "cvx|87", when="2024-05-01"),), "clear"),  # immunoglobulin recorded as an immunization
        ((drug("request", "active", "IVIG"),), "info"),  # ordered is not given
        ((drug("administration", "given", "Rho(D) immune globulin"),), "info"),
    ],
)
def test_serology_is_asked_for_before_the_first_dose_and_only_then(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(baseline(case(*facts))) == severity


@pytest.mark.parametrize(
    ("when", "severity"),
    [
        ("2025-03-02T09:00:00Z", "clear"),  # 365 days
        ("2025-03-02T08:59:59Z", "info"),
        ("2025-03-03", "clear"),
        ("2025-03-02", "info"),  # the day may have begun before
        (None, "info"),
    ],
)
def test_a_result_counts_for_a_year(when: str | None, severity: str) -> None:
    assert outcome(baseline(case(HBSAG, lab("anti-hbc-total", None, when, **NEGATIVE)))) == severity


@pytest.mark.parametrize(
    ("result", "severity"),
    [
        ({"text": "Non-reactive"}, "clear"),
        ({"text": "POSITIVE"}, "clear"),
        ({"text": "0.12 S/CO"}, "clear"),
        ({"text": "Test not performed"}, "info"),
        ({"text": "Specimen haemolysed"}, "info"),
        ({**NEGATIVE, "status": "preliminary"}, "info"),
    ],
)
def test_only_an_answer_is_a_result(result: dict[str, object], severity: str) -> None:
    assert outcome(baseline(case(HBSAG, lab("anti-hbc-total", None, **result)))) == severity


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (drug("request", "active", RITUXIMAB, "rxnorm|1657862"), "warning"),
        (drug("statement", "active", "tofacitinib 5 MG Oral Tablet"), "warning"),
        (drug("administration", "given", RITUXIMAB, when="2025-12-02T09:00:00Z"), "warning"),  # 90 days
        (drug("administration", "given", RITUXIMAB, when="2025-12-02T08:59:59Z"), "info"),
        (drug("request", "pending", RITUXIMAB), "info"),
        (drug("request", "active", "adalimumab"), "info"),
    ],
)
def test_a_drug_that_wakes_hepatitis_b_makes_it_urgent(item: object, severity: str) -> None:
    result = baseline(case(item))
    assert outcome(result) == severity
    assert (item.source.reference in cited(result)) is (severity == "warning")  # type: ignore[attr-defined]


def test_the_message_names_what_is_missing_and_evidence_shows_an_old_result() -> None:
    old = lab("anti-hbc-total", None, "2019-01-01", **NEGATIVE)
    result = found(baseline(case(HBSAG, old)))
    assert cited(result) == {old.source.reference}
    assert "anti-HBc" in result.message or "core" in result.message
    assert "surface" not in result.message


@pytest.mark.parametrize("type_", ["Observation", "MedicationAdministration"])
def test_what_could_not_be_read_is_neither_a_first_dose_nor_a_result(type_: str) -> None:
    assert outcome(baseline(case(unread=(type_,)))) == "unknown"
    assert outcome(baseline(case(HBSAG, CORE, unread=(type_,)))) == "unknown"


POSITIVE = {"code": "snomed|10828004", "text": "Positive"}


@pytest.mark.parametrize(
    ("given", "drawn", "severity"),
    [
        ("2025-12-03T09:00:00Z", "2026-02-25T09:00:00Z", "info"),  # 84 days
        ("2025-12-03T08:59:59Z", "2026-02-25T09:00:00Z", "clear"),
        ("2026-02-25T09:00:00Z", "2026-02-25T08:59:00Z", "clear"),  # drawn before it
        ("2026-02-25", "2026-02-25", "info"),
        ("2025-12-03", "2026-02-25", "info"),
        ("2025-12-02", "2026-02-25", "clear"),
        (None, "2026-02-25", "info"),
        ("2025-12-03", None, "info"),
    ],
)
def test_a_positive_antibody_within_twelve_weeks_after_may_be_passive(given: str | None, drawn: str | None, severity: str) -> None:
    assert outcome(passive_anti_hbc(case(infusion(given), lab("anti-hbc-total", None, drawn, **POSITIVE)))) == severity


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((infusion("2026-02-20"), lab("anti-hbc-total", None, text="Reactive")), "info"),
        ((infusion("2026-02-20"), lab("anti-hbc-total", None, text="Non-reactive")), "clear"),
        ((infusion("2026-02-20"), lab("anti-hbc-total", None, text="Not detected")), "clear"),
        ((infusion("2026-02-20"), lab("anti-hbc-igm", None, **POSITIVE)), "clear"),
        ((infusion("2026-02-20"), lab("hbsag", None, **POSITIVE)), "clear"),
        ((lab("anti-hbc-total", None, **POSITIVE),), "clear"),
        ((event("Immunization", "cvx|87", when="2026-02-20"), lab("anti-hbc-total", None, **POSITIVE)), "info"),
    ],
)
def test_it_takes_a_positive_total_antibody_and_an_infusion(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(passive_anti_hbc(case(*facts))) == severity


def test_both_the_result_and_the_infusion_are_shown() -> None:
    result = passive_anti_hbc(case(infusion("2026-02-20", id="i"), lab("anti-hbc-total", None, **POSITIVE)))
    assert cited(result) == {"administration/i", "Observation/anti-hbc-total-None-2026-03-01T07:00:00Z"}
