"""Central lines and their infections."""

from __future__ import annotations

import pytest
from a_case import case, event, found, outcome, problem

from ivig_fhir.proposal.checks.line import central_catheter, infection


@pytest.mark.parametrize(
    ("item", "severity"),
    [
        (event("Device", text="PICC right arm"), "warning"),
        (event("Device", "snomed|52124006"), "warning"),
        (event("DeviceUseStatement", text="Hickman catheter"), "warning"),
        (event("Procedure", text="Insertion of central venous catheter", when="2025-01-01"), "warning"),
        (event("Procedure", text="Removal of central venous catheter"), "clear"),
        (event("Device", text="PICC removed 2026-01-01"), "clear"),
        (event("Device", text="Peripheral IV"), "clear"),
        (event("Device", text="Pacemaker"), "clear"),
        (event("ServiceRequest", text="PICC placement"), "clear"),
        (problem("icd10cm|Z45.2"), "warning"),
        (problem("icd10cm|Z45.2", active=False), "clear"),
        (problem(text="Implanted port in place"), "warning"),
        (problem("icd10cm|Z95.828"), "unknown"),
    ],
)
def test_a_central_line_warns(item: object, severity: str) -> None:
    assert outcome(central_catheter(case(item))) == severity


def test_a_line_known_by_its_words_is_to_be_confirmed() -> None:
    (shown,) = found(central_catheter(case(event("Device", text="PICC right arm")))).evidence
    assert "by text, confirm" in shown.said


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"onset": "2026-01-31T09:00:00Z"}, "override"),  # 30 days
        ({"onset": "2026-01-31T08:59:59Z"}, "clear"),
        ({"onset": "2026-01-31"}, "override"),
        ({"onset": "2026-01-29"}, "clear"),
        ({"recorded": "2026-02-20"}, "override"),
        ({}, "override"),
        ({"onset": "2026-02-20", "active": False}, "clear"),
        ({"onset": "2026-02-20", "soft": True}, "override"),
    ],
)
def test_an_active_infection_counts_for_a_month_and_without_a_date(more: dict[str, object], severity: str) -> None:
    assert outcome(infection(case(problem("icd10cm|T80.211A", **more)))) == severity
