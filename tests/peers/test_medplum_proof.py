"""Proof: every step of the journey on Medplum's router with its memory repository, which does not undo a failed transaction."""

from __future__ import annotations

import pytest
from peers.a_journey import STEPS, not_held, walked
from peers.a_place import Place

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]


def test_every_step_holds_on_medplum_one_part_after_the_other(on_medplum: Place) -> None:
    steps = list(walked(on_medplum))
    assert not_held(steps) == []
    assert len(steps) == len(STEPS)
    assert (on_medplum.seen["mode"], on_medplum.seen["stale"]) == ("sequential", 412)


def test_no_transaction_goes_to_a_server_that_does_not_undo_a_failed_one(on_medplum: Place) -> None:
    steps = list(walked(on_medplum, ("pick", "store", "worklist", "query", "race")))
    assert not_held(steps) == []
    assert [r.url for r in on_medplum.wire.sent if r.method == "POST" and str(r.url).rstrip("/") == on_medplum.peer.base] == []
    [patient] = [now for now in on_medplum.made.values() if now.startswith("Patient/")]
    assert [t["status"] for t in on_medplum.of(patient.removeprefix("Patient/"), "Task")] == ["requested"]
