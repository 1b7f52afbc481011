"""Consent, coverage and prior authorization."""

from __future__ import annotations

from typing import Any

import pytest
from a_case import case, cited, found, outcome, paper

from ivig_fhir.content.site import Site
from ivig_fhir.proposal.checks.authorization import consent, coverage


def agreed(when: str | None = "2025-10-01", **more: Any) -> object:
    return paper("Consent", when=when, **more)


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ((), "warning"),
        ((agreed("2025-03-02T09:00:00Z"),), "clear"),  # 365 days
        ((agreed("2025-03-02T08:59:59Z"),), "warning"),
        ((agreed("2025-03-02"),), "warning"),  # the day may have begun before
        ((agreed("2026-03-02"),), "clear"),
        ((agreed("2026-03-05"),), "warning"),
        ((agreed(None),), "warning"),
        ((agreed(status="proposed"),), "warning"),
        ((agreed(status="inactive"),), "warning"),
        ((agreed(status="rejected"),), "warning"),
        ((agreed(scope=("treatment",)),), "clear"),
        ((agreed(scope=("patient-privacy", "privacy consent")),), "warning"),
        ((agreed(scope=("research",)),), "warning"),
        ((agreed(ends="2026-02-01"),), "warning"),
        ((agreed(ends="2026-03-02"),), "clear"),
        ((agreed(use="permit"),), "clear"),
        ((agreed(use="deny"),), "warning"),
        ((agreed(), agreed(use="deny")), "warning"),
        ((agreed(), agreed(use="deny", scope=("patient-privacy",))), "clear"),
        ((agreed("2020-01-01"), agreed("2026-01-01")), "clear"),
    ],
)
def test_an_active_consent_to_treatment_holds_for_a_year(facts: tuple[object, ...], severity: str) -> None:
    assert outcome(consent(case(*facts))) == severity


@pytest.mark.parametrize(("required", "severity"), [(True, "warning"), (False, "clear")])
def test_the_site_says_whether_consent_is_asked_for(required: bool, severity: str) -> None:
    assert outcome(consent(case(site=Site(consent_required=required)))) == severity
    assert outcome(consent(case(site=Site(consent_required=False), unread=("Consent",)))) == "clear"


def test_a_consent_that_does_not_count_is_shown() -> None:
    assert cited(consent(case(agreed(status="proposed", id="p")))) == {"Consent/p"}


def test_consents_that_could_not_be_read_are_not_missing() -> None:
    assert outcome(consent(case(unread=("Consent",)))) == "unknown"
    assert outcome(consent(case(agreed(use="deny"), unread=("Consent",)))) == "warning"


COVERED = paper("Coverage")


def granted(text: str = "Gamunex-C", code: str = "hcpcs|J1561", **more: Any) -> object:
    return paper("ClaimResponse", text, code, **more)


@pytest.mark.parametrize(
    ("facts", "branch"),
    [
        ((COVERED, granted()), None),
        ((granted(),), "no-coverage"),
        ((paper("Coverage", status="cancelled"), granted()), "no-coverage"),
        ((paper("Coverage", ends="2026-03-02"), granted()), "no-coverage"),  # the course ends on 3 March
        ((paper("Coverage", ends="2026-03-03"), granted()), None),
        ((paper("Coverage", begins="2026-03-02"), granted()), None),
        ((paper("Coverage", begins="2026-03-03"), granted()), "no-coverage"),
        ((paper("Coverage", status="draft"), COVERED, granted()), None),
        ((COVERED,), "no-authorization"),
        ((COVERED, granted(use="predetermination")), "no-authorization"),
        ((COVERED, granted(use="claim")), "no-authorization"),
        ((COVERED, granted(status="cancelled")), "not-granted"),
        ((COVERED, granted(outcome="queued")), "not-granted"),
        ((COVERED, granted(outcome="partial")), "not-granted"),
        ((COVERED, granted(said_outcome="Request DENIED")), "not-granted"),
        ((COVERED, granted(said_outcome="Certified in total")), None),
        ((COVERED, granted(against=("review action A3",))), "not-granted"),
        ((COVERED, granted("Privigen", "hcpcs|J1459")), "other-product"),
        ((COVERED, granted("", "")), "other-product"),
        ((COVERED, granted("Immune globulin", "hcpcs|J1566")), "other-product"),
        ((COVERED, granted("Gamunex-C", "")), None),
        ((COVERED, granted("", "hcpcs|J1561")), None),
        ((COVERED, granted("Gammaked", "hcpcs|J1561")), "other-product"),
        ((COVERED, granted(ends="2026-02-28")), "expired"),
        ((COVERED, granted(begins="2026-03-03")), "expired"),
        ((COVERED, granted(begins="2026-01-01", ends="2026-03-03")), None),
        ((COVERED, granted(ends="2026-02-28"), granted()), None),
        ((COVERED, granted("Privigen", ""), granted()), None),
    ],
)
def test_coverage_and_an_authorization_for_this_product_have_to_hold(facts: tuple[object, ...], branch: str | None) -> None:
    result = coverage(case(*facts))
    assert outcome(result) == ("clear" if branch is None else "warning")
    assert branch is None or found(result).branch == branch


@pytest.mark.parametrize(("setting", "severity"), [("outpatient", "warning"), ("home", "warning"), ("inpatient", "clear")])
def test_in_hospital_no_authorization_is_asked_for(setting: str, severity: str) -> None:
    assert outcome(coverage(case(selections={"setting": setting}))) == severity
    unread = ("Coverage", "ClaimResponse")
    assert outcome(coverage(case(selections={"setting": "inpatient"}, unread=unread))) == "clear"


def test_the_coverage_may_be_missing_and_the_authorization_unread() -> None:
    result = found(coverage(case(unread=("ClaimResponse",))))
    assert "No active coverage" in result.message
    assert "authorization" not in result.message
    assert outcome(coverage(case(COVERED, unread=("ClaimResponse",)))) == "unknown"
    assert outcome(coverage(case(granted(), unread=("Coverage",)))) == "unknown"


def test_both_may_be_missing() -> None:
    result = found(coverage(case()))
    assert "No active coverage" in result.message
    assert "No prior authorization" in result.message
