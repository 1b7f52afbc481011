"""The revisions of the store stand in one line: each follows exactly one other, from the first to the newest."""

from __future__ import annotations

import re
from pathlib import Path

VERSIONS = Path(__file__).resolve().parents[2] / "ivig_fhir" / "store" / "migrations" / "versions"
REVISION, BEFORE = (re.compile(rf'^{name} = (None|"(\d+)")$', re.MULTILINE) for name in ("revision", "down_revision"))


def line(follows: dict[str, str | None]) -> list[str]:
    """The revisions in the order in which they are applied, as far as one leads to the next."""
    after = {before: revision for revision, before in follows.items()}
    made, here = [], after.get(None)
    while here is not None and here not in made:
        made.append(here)
        here = after.get(here)
    return made


def test_every_revision_is_reached_once_from_the_first() -> None:
    follows = {}
    for file in VERSIONS.glob("0*.py"):
        text = file.read_text(encoding="utf-8")
        revision, before = REVISION.search(text), BEFORE.search(text)
        assert revision, file.name
        assert before, file.name
        assert file.name.startswith(str(revision[2]))
        follows[str(revision[2])] = before[2]
    assert sorted(line(follows)) == sorted(follows)


def test_two_that_follow_one_and_two_that_follow_each_other_are_noticed() -> None:
    assert len(line({"1": None, "2": "1", "3": "1"})) == len(("1", "3"))
    assert line({"1": None, "2": "3", "3": "2"}) == ["1"]
