"""A sample of the fault proof: journeys under faults on both databases, and writers that are wrong on purpose, each of which is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.a_stand import Nursery, Stand, nursery
from faults.a_storm import dies, journeys


@pytest.fixture(scope="module")
def warm() -> Iterator[Nursery]:
    """A warm interpreter to fork from."""
    with nursery() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def stand(request: pytest.FixtureRequest, warm: Nursery, tmp_path: Path) -> Iterator[Stand]:
    """App, proxy and EHR as processes, on either database."""
    file = f"sqlite:///{tmp_path / 'app.sqlite'}"
    made = Stand(warm, tmp_path, file if request.param == "sqlite" else request.getfixturevalue("postgres")())
    yield made
    made.close()


def test_whatever_fails_no_order_is_lost_doubled_or_reported_that_is_not_there(stand: Stand) -> None:
    census: Counter[str] = Counter()
    journeys(stand, census, 1, 2, 5)
    assert census["checks of both stores"] > census["journeys"]


@pytest.mark.parametrize(
    ("stand", "act", "die"),
    [
        ("sqlite", "approve", "after write 1"),
        ("postgresql", "verify", "after write 1"),
        ("sqlite", "hold", "after write 1"),
        ("postgresql", "go on after a look held", "after write 1"),
    ],
    indirect=["stand"],
)
def test_an_app_that_dies_half_way_finds_out_what_became_of_it(stand: Stand, act: str, die: str) -> None:
    dies(stand, Counter(), act, die)


LOST = ("drop after commit", "500 after commit", "truncate", "empty body after commit")
FOUND = {
    "resends_blindly": ("doubled", LOST),
    "takes_silence_for_no": ("and there all the same", LOST),
    "takes_silence_for_yes": ("and not there", ("drop before send", "500")),
    "takes_a_lost_decision_for_made": ("and (draft|active|on-hold) in the EHR", ("drop before send", "500")),
    "forgets_an_approval": ("a confirmed approval is lost|something still waits", ("drop before send", "429")),
}


# One of them here, with the seed that finds it soonest: each takes minutes; the others are part of the proof.
QUICK = {"takes_silence_for_yes": 4}


@pytest.mark.parametrize("broken", [b if b in QUICK else pytest.param(b, marks=pytest.mark.proof) for b in FOUND])
def test_a_writer_that_is_wrong_is_found(warm: Nursery, tmp_path: Path, broken: str) -> None:
    what, faults = FOUND[broken]
    made = Stand(warm, tmp_path, f"sqlite:///{tmp_path / 'app.sqlite'}", broken)
    try:
        with pytest.raises(AssertionError, match=what):
            journeys(made, Counter(), QUICK.get(broken, 1), 25, 3, names=faults)
    finally:
        made.close()
