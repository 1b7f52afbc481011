"""The cast itself: complete, synthetic, valid, each with a story and a scenario of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scenarios.a_story import NOW

from ivig_fhir.fhir.building import gate
from ivig_fhir.sandbox.cast import CastMember, read
from ivig_fhir.sandbox.settings import CAST

MEMBERS = {member.id: member for member in read(CAST, NOW)}
NAMED = {
    "cidp-adult", "cvid-adult", "cvid-obese", "itp-bleeding", "gbs-adult", "mg-crisis-ckd", "sle-adult", "ra-adult", "kawasaki-infant",
    "xla-child", "iga-anti-iga", "thrombosis-history", "no-weight", "stale-labs", "pounds-conflict", "ivig-allergy",
}  # fmt: skip


def resources(member: CastMember) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in member.bundle["entry"]]


def test_everybody_is_there() -> None:
    assert set(MEMBERS) == NAMED


@pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
def test_every_resource_of_a_member_passes_the_write_gate(member: CastMember) -> None:
    for resource in resources(member):
        gate(resource)


@pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
def test_a_member_has_a_story_and_is_recognizably_synthetic(member: CastMember) -> None:
    assert member.story.count(".") >= 2
    assert len(member.story) > 100
    [patient] = [r for r in resources(member) if r["resourceType"] == "Patient"]
    assert patient["id"] == member.id
    assert patient["identifier"][0]["value"].startswith("SYN-")


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_has_a_scenario(member: str) -> None:
    file = Path(__file__).parent / f"test_{member.replace('-', '_')}.py"
    assert file.exists()
    assert f'WHO = "{member}"' in file.read_text(encoding="utf-8")
