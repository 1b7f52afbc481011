"""Proof: every step of the journey on a real HAPI FHIR server, and what its cache and its version conflicts do not break."""

from __future__ import annotations

import pytest
import requests
from an_ehr_server import Send
from peers.a_journey import STEPS, not_held, walked
from peers.a_place import Place

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]


def test_every_step_holds_on_hapi_in_one_transaction(on_hapi: Place) -> None:
    steps = list(walked(on_hapi))
    assert not_held(steps) == []
    assert len(steps) == len(STEPS)
    assert on_hapi.seen["mode"] == "transaction"
    assert {p["type"] for p in on_hapi.seen["parts"]} == {
        "MedicationRequest", "ServiceRequest", "DetectedIssue", "RequestGroup", "Provenance", "Task"
    }  # fmt: skip


def test_an_order_is_found_although_the_servers_search_cache_said_that_there_is_none(on_hapi: Place) -> None:
    """The answer is lost and the server then silent: the order is uncertain, and found once the server answers again."""
    tab = on_hapi.prescriber(on_hapi.bring("cvid-obese"))
    tab.give_reasons()
    run, lost = tab.run, []

    def silent(asked: requests.PreparedRequest, send: Send) -> requests.Response:
        if asked.method == "POST" and str(asked.url).rstrip("/") == on_hapi.peer.base:
            lost.append(on_hapi.looked(run))
            send(asked)
            raise requests.ReadTimeout(request=asked)
        if lost and "/MedicationRequest" in str(asked.url):
            raise requests.ConnectTimeout(request=asked)
        return send(asked)

    on_hapi.wire.fault = silent
    tab.approve()
    assert (tab.json["state"], lost) == ("uncertain", [0])
    on_hapi.wire.fault = None
    assert on_hapi.looked(run) == 0, "HAPI's cache was to say that there is nothing"
    found = tab.post("resend", {})
    assert (found.status, found.json["state"]) == (200, "sent")
    assert len(on_hapi.orders(run)) == 1
    assert sum(r.method == "POST" and str(r.url).rstrip("/") == on_hapi.peer.base for r in on_hapi.wire.sent) == 1


def test_a_version_conflict_in_a_transaction_leaves_every_part_as_it_was(on_hapi: Place) -> None:
    steps = {s.id: s for s in walked(on_hapi, ("pick", "store", "worklist", "query", "race"))}
    assert not_held(list(steps.values())) == []
    assert on_hapi.seen["stale"] == 409  # where others say 412
    [patient] = [now for now in on_hapi.made.values() if now.startswith("Patient/")]
    [task] = on_hapi.of(patient.removeprefix("Patient/"), "Task")
    assert (task["status"], task["businessStatus"]["text"]) == ("requested", "awaiting-verification")
