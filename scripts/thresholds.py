"""Moves every numeric threshold of the checks by one step, up and down, and tells whether a test notices; 1 when one does not.

Usage: python scripts/thresholds.py [--only CHECK-ID] [--quick]

One step is one unit of the last place that the content writes (60 to 59 and 61, 0.3 to 0.2 and 0.4). The tests are those of tests/proposal/checks
and, where the shared data is there, each vignette. A first run notes which test reads which threshold; then only those are run again, with that one
threshold moved, until the first fails. What no test notices has to be argued in EQUIVALENT, or is a gap. Writes docs/generated/thresholds.md.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from ivig_fhir.content.load import load_content  # noqa: E402
from ivig_fhir.content.model import Content  # noqa: E402

REPORT = ROOT / "docs" / "generated" / "thresholds.md"
TESTS = "tests/proposal/checks"
# check, threshold, direction -> why no test can notice that it moved
EQUIVALENT: dict[tuple[str, str, str], str] = {}
HEAD = """# Thresholds of the checks, each moved by one step

Made by `python scripts/thresholds.py`. Every number in `[check.thresholds]` of `order_sets/checks/` was moved by one unit of its last place, down and
up, and the tests that read it were run again. "Noticed" means that a test failed.

"""

Key = tuple[str, tuple[Any, ...]]  # check id, and the path to the number inside its thresholds


class Watched(dict[str, Any]):
    """Thresholds of one check that tell which of them are read."""

    reads: ClassVar[set[str]] = set()

    def __init__(self, id_: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.id = id_

    def __getitem__(self, name: str) -> Any:
        Watched.reads.add(f"{self.id} {name}")
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        Watched.reads.add(f"{self.id} {name}")
        return super().get(name, default)


@dataclass(frozen=True)
class Moved:
    """One threshold, moved."""

    key: Key
    was: Decimal
    now: Decimal

    @property
    def name(self) -> str:
        """The threshold as the content names it."""
        return ".".join(str(p) for p in self.key[1])

    @property
    def direction(self) -> str:
        return "up" if self.now > self.was else "down"


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Decimal]]:
    """Every number inside a threshold, with where it stands."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from numbers(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from numbers(inner, (*path, place))
    elif not isinstance(value, bool) and str(value).replace(".", "", 1).isdigit():
        yield path, Decimal(str(value))


def moves(content: Content) -> list[Moved]:
    """Every number of every check, one step down and one step up; nothing below zero."""
    found = []
    for id_, check in content.checks.items():
        for path, was in numbers(dict(check.thresholds)):
            step = Decimal(1).scaleb(int(was.as_tuple().exponent))
            found += [Moved((id_, path), was, now) for now in (was - step, was + step) if now >= 0]
    return found


def replaced(value: Any, path: tuple[Any, ...], now: Decimal) -> Any:
    """The same value with one number inside it replaced."""
    if not path:
        return str(now) if isinstance(value, str) else int(now) if isinstance(value, int) else now
    if isinstance(value, Mapping):
        return {k: replaced(v, path[1:], now) if k == path[0] else v for k, v in value.items()}
    made = [replaced(v, path[1:], now) if place == path[0] else v for place, v in enumerate(value)]
    return made if isinstance(value, list) else tuple(made)


class Bench:
    """All content objects that the tests use, with watched thresholds; one of them can be moved."""

    def __init__(self) -> None:
        self.shared = load_content(ROOT / "order_sets")
        self.contents: list[Content] = [self.shared]
        for name in ("a_case", "tests.a_case", "an_order"):
            module = importlib.import_module(name)
            self.contents.append(module.content())
        for loaded in ("ivig_fhir.cli.inputs", "ivig_fhir.content.load"):
            vars(importlib.import_module(loaded))["load_content"] = lambda folder: self.shared
        self.plain = {id_: Watched(id_, check.thresholds) for id_, check in self.shared.checks.items()}
        self.put(self.plain)

    def put(self, thresholds: Mapping[str, Mapping[str, Any]]) -> None:
        for content in self.contents:
            for id_, values in thresholds.items():
                object.__setattr__(content.checks[id_], "thresholds", values)

    def move(self, moved: Moved) -> None:
        id_, path = moved.key
        self.put({id_: Watched(id_, replaced(dict(self.plain[id_]), path, moved.now))})

    def restore(self, moved: Moved) -> None:
        self.put({moved.key[0]: self.plain[moved.key[0]]})


class Vignettes:
    """The shared vignettes one by one, through the command in this process."""

    def __init__(self, shared: Path) -> None:
        sys.path.insert(0, str(shared / "vignettes" / "runner"))
        self.cases: ModuleType = importlib.import_module("cases")
        self.run: ModuleType = importlib.import_module("run")
        self.command: Callable[..., tuple[int, str, str]] = importlib.import_module("tests.proposal.test_vignettes").command
        self.all = [c for c in self.cases.load_all() if not c.never]
        self.folder = Path(tempfile.mkdtemp())

    def passes(self, case: Any) -> bool:
        bad, shape = self.run.run_case(case, self.command, self.folder)
        return not (bad or shape)


class Harness:
    """A pytest plugin: collects the tests once, then runs those that matter for each move."""

    def __init__(self, only: str | None, quick: bool) -> None:
        self.only, self.quick = only, quick
        self.results: list[tuple[Moved, str]] = []
        self.failed = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        bench = Bench()
        readers = self._readers(session.items)
        shared = Path(os.environ.get("SHARED_DATA") or ROOT.parent / "shared")
        vignettes = Vignettes(shared) if shared.is_dir() else None
        stories: dict[str, list[Any]] = {}
        for case in vignettes.all if vignettes else ():
            Watched.reads = set()
            if vignettes and vignettes.passes(case):
                for read in Watched.reads:
                    stories.setdefault(read, []).append(case)
        wanted = [m for m in moves(bench.shared) if self.only in (None, m.key[0])]
        for moved in wanted[:: 10 if self.quick else 1]:
            bench.move(moved)
            read = f"{moved.key[0]} {moved.key[1][0]}"
            by = next((i.nodeid.split("::", 1)[1] for i in readers.get(read, ()) if not self._passes(i)), "")
            if not by and vignettes:
                by = next((f"vignette {c.id}" for c in stories.get(read, ()) if not vignettes.passes(c)), "")
            bench.restore(moved)
            self.results.append((moved, by))
        return True

    def _readers(self, items: list[pytest.Item]) -> dict[str, list[pytest.Item]]:
        """Which tests read which threshold; all of them have to pass unmoved."""
        found: dict[str, list[pytest.Item]] = {}
        for item in items:
            Watched.reads = set()
            if not self._passes(item):
                raise SystemExit(f"{item.nodeid} fails without any change")
            for read in Watched.reads:
                found.setdefault(read, []).append(item)
        return found

    def _passes(self, item: pytest.Item) -> bool:
        from _pytest.runner import runtestprotocol

        return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def page(results: list[tuple[Moved, str]]) -> tuple[str, int]:
    """The page, and how many moves nobody noticed and nobody argued."""
    noticed = sum(bool(by) for _, by in results)
    lines, gaps = [], 0
    for moved, by in results:
        argued = EQUIVALENT.get((moved.key[0], moved.name, moved.direction))
        gaps += not by and argued is None
        lines.append(f"| {moved.key[0]} | {moved.name} | {moved.was} to {moved.now} | {by or argued or 'GAP: no test notices'} |")
    share = f"{noticed} of {len(results)} moves were noticed ({100 * noticed / max(1, len(results)):.1f} %).\n"
    return HEAD + share + "\n| check | threshold | moved | first test that noticed |\n|---|---|---|---|\n" + "\n".join(lines) + "\n", gaps


def main() -> int:
    """Runs everything, writes the page unless only a part was asked for, prints the gaps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="one check id; nothing is written")
    parser.add_argument("--quick", action="store_true", help="every tenth move; nothing is written")
    arguments = parser.parse_args()
    harness = Harness(arguments.only, arguments.quick)
    pytest.main([str(ROOT / TESTS), "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", "--rootdir", str(ROOT)], plugins=[harness])
    made, gaps = page(harness.results)
    print("\n".join(line for line in made.splitlines() if "GAP" in line or "were noticed" in line))
    if not (arguments.only or arguments.quick):
        REPORT.write_text(made, encoding="utf-8")
    return int(gaps > 0 or not harness.results)


if __name__ == "__main__":
    sys.exit(main())
