"""The long proof: hundreds of journeys under faults on each database, a death at every point of every act; counted in docs/generated."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from faults.a_report import page
from faults.a_stand import Stand, nursery
from faults.a_storm import ACTS, deaths_of, dies, journeys

BATCHES, SIZE = 40, 10  # of random journeys, on each database
BOUND = float(os.environ.get("FAULTS_SECONDS") or 5400)  # after which no new batch begins
REPORT = Path(__file__).resolve().parents[2] / "docs" / "generated" / "faults.md"
WORKERS = int(os.environ.get("FAULTS_WORKERS") or max(2, os.cpu_count() or 2))

pytestmark = [pytest.mark.proof, pytest.mark.timeout(2 * BOUND + 1800)]
Done = tuple[str, Counter[str], str]


def batch(name: str, address: str, folder: Path, number: int) -> Done:
    """One batch of random journeys on a stand of its own: the database, what was counted, and what failed."""
    return _on_a_stand(name, address, folder, lambda stand, census: journeys(stand, census, number, SIZE))


def deaths(name: str, address: str, folder: Path, act: str) -> Done:
    """A death at every point of one act."""

    def every(stand: Stand, census: Counter[str]) -> None:
        for die in list(deaths_of(stand, census, act)):
            dies(stand, census, act, die)

    return _on_a_stand(name, address, folder, every)


def _on_a_stand(name: str, address: str, folder: Path, work: Callable[[Stand, Counter[str]], None]) -> Done:
    census: Counter[str] = Counter()
    with nursery() as warm:
        stand = Stand(warm, folder, address)
        try:
            work(stand, census)
        except AssertionError as error:
            return name, census, "\n".join([str(error), *getattr(error, "__notes__", [])])
        finally:
            stand.close()
    return name, census, ""


def test_no_order_is_lost_doubled_or_reported_that_is_not_there(tmp_path: Path, postgres: Callable[[], str]) -> None:
    began = time.monotonic()

    def places() -> Iterator[tuple[str, str, Path]]:
        for number in range(10_000):
            folder = tmp_path / str(number)
            yield ("sqlite", f"sqlite:///{folder / 'app.sqlite'}", folder) if number % 2 == 0 else ("postgresql", postgres(), folder)

    at = places()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        work: list[tuple[Any, Any]] = [
            *((batch, number) for number in range(8)),
            *((deaths, act) for act in ACTS),
            *((batch, number) for number in range(8, BATCHES)),
        ]
        begun = [pool.submit(_in_time, began, does, *next(at), what) for does, what in work for _ in range(2)]
        done = [one.result() for one in begun]
    failed = [said for _, _, said in done if said]
    assert failed == [], f"{len(failed)} of {len(done)}"
    counted = {name: sum((c for n, c, _ in done if n == name), Counter[str]()) for name in ("sqlite", "postgresql")}
    REPORT.write_text(page(counted), encoding="utf-8")


def _in_time(began: float, work: Callable[..., Done], name: str, address: str, folder: Path, what: Any) -> Done:
    """The work, unless it is too late to begin it."""
    return work(name, address, folder, what) if time.monotonic() - began < BOUND else (name, Counter(), "")
