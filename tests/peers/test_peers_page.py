"""docs/generated/peers.md is of the journey as it is now: every step, on every peer, with what each probe saw."""

from __future__ import annotations

from journey.a_hospital import ROOT
from peers import a_hapi, a_medplum, a_sekmet
from peers.a_journey import STEPS
from peers.a_probe import PROBES

PAGE = (ROOT / "docs" / "generated" / "peers.md").read_text(encoding="utf-8")


def test_every_step_and_every_probe_is_on_the_page_for_every_peer() -> None:
    rows = {line.split("|")[1].strip(): line.count("|") for line in PAGE.splitlines() if line.startswith("|")}
    wanted = [*(claim for _, claim, _ in STEPS), *(name for name, _ in PROBES)]
    assert {name: rows.get(name) for name in wanted} == dict.fromkeys(wanted, 5)
    assert all(name in PAGE for name in (a_hapi.NAME, a_sekmet.NAME, a_medplum.NAME))


def test_every_step_held_on_every_peer() -> None:
    assert "DOES NOT HOLD" not in PAGE
