"""A short journey on a real HAPI FHIR server, where its jars are here: the long one is a proof."""

from __future__ import annotations

import pytest
from peers.a_journey import not_held, walked
from peers.a_place import Place

pytestmark = pytest.mark.timeout(600)
SHORT = ("pick", "read", "store", "receipt", "worklist", "recalculate", "verify", "sheet")


def test_an_order_goes_from_a_chart_on_hapi_to_its_verification_and_its_sheet(on_hapi: Place) -> None:
    steps = list(walked(on_hapi, SHORT))
    assert not_held(steps) == []
    assert [s.id for s in steps] == list(SHORT)
    assert on_hapi.seen["mode"] == "transaction"
