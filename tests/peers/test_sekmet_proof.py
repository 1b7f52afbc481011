"""Proof: every step of the journey on sekmet-fhir, which keeps neither findings nor groups, and says so."""

from __future__ import annotations

import pytest
from peers.a_journey import STEPS, not_held, walked
from peers.a_place import Place

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]


def test_every_step_holds_on_sekmet(on_sekmet: Place) -> None:
    steps = list(walked(on_sekmet))
    assert not_held(steps) == []
    assert len(steps) == len(STEPS)
    assert (on_sekmet.seen["mode"], on_sekmet.seen["stale"]) == ("transaction", 412)


def test_what_sekmet_does_not_keep_is_said_before_anybody_approves_and_is_not_in_the_receipt(on_sekmet: Place) -> None:
    tab = on_sekmet.prescriber(on_sekmet.bring("cidp-adult"))
    assert "Not stored in the EHR: DetectedIssue, RequestGroup." in tab.page.text
    tab.approve()
    assert {p["type"] for p in tab.json["receipt"]["parts"]} == {"MedicationRequest", "ServiceRequest", "Provenance", "Task"}
    assert tab.json["receipt"]["incomplete"] is False
