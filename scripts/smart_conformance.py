"""Writes docs/generated/smart-conformance.md: what SMART App Launch asks of a client, and the tests that show that this app does it.

Usage: python scripts/smart_conformance.py

The requirements stand in scripts/smart_requirements.toml, the tests name theirs with @pytest.mark.requirement.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ivig_fhir.content.document import Block, Cell, Document, Grid, Heading, Sentence, as_markdown  # noqa: E402 - once the root is on the path

PAGE = ROOT / "docs" / "generated" / "smart-conformance.md"
TABLE: dict[str, Any] = tomllib.loads((ROOT / "scripts" / "smart_requirements.toml").read_text(encoding="utf-8"))
SET = str(TABLE["set"])
WHY = {number: str(group["why"]) for group in TABLE["without_test"] for number in group["ids"]}


def marks(folder: Path = ROOT / "tests") -> Iterator[tuple[str, str, str]]:
    """(requirement id, file, test) of every marked test; a second id in a mark may be short, `@30`."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            for call in (d for d in node.decorator_list if isinstance(d, ast.Call) and ast.unparse(d.func) == "pytest.mark.requirement"):
                first = str(ast.literal_eval(call.args[0]))
                for argument in call.args:
                    said = str(ast.literal_eval(argument))
                    name = said if not said.startswith("@") else first.partition("@")[0] + said
                    yield name, path.relative_to(folder.parent).as_posix(), node.name


def shown_by() -> dict[int, list[str]]:
    """The tests of each requirement, as `file::test`."""
    found: dict[int, list[str]] = defaultdict(list)
    for name, file, test in marks():
        if name.startswith(f"{SET}@"):
            found[int(name.removeprefix(f"{SET}@"))].append(f"{file}::{test}")
    return found


def page() -> str:
    """The page as Markdown."""
    rows: dict[str, list[Any]] = TABLE["requirement"]
    tests = shown_by()
    covered = [number for number in rows if tests.get(int(number))]
    duties = [number for number, (level, _) in rows.items() if level.startswith("SHALL")]
    blocks: list[Block] = [
        Sentence(
            "Made by “make generated” from scripts/smart_requirements.toml and from the marks of the tests. Nothing here is written by hand."
        ),
        Sentence(
            f"{len(covered)} of {len(rows)} requirements have a test, {len(set(covered) & set(duties))} of the {len(duties)} that begin with SHALL. "
            "The others say why not."
        ),
        Heading("Requirements"),
        Grid(("id", "level", "what", "shown by, or why there is no test"), tuple(_row(number, rows, tests) for number in rows)),
    ]
    return as_markdown(Document("SMART App Launch 2.2.0: what a client has to do, and where it is shown", tuple(blocks)))


def _row(number: str, rows: Mapping[str, list[Any]], tests: Mapping[int, list[str]]) -> tuple[Cell, ...]:
    level, what = rows[number]
    pairs = (test.removeprefix("tests/").split(".py::test_") for test in tests.get(int(number), []))
    shown = [f"{file}: {name.replace('_', ' ')}" for file, name in pairs]
    return f"{SET}@{number}", level, what, "; ".join(shown) or f"No test: {WHY[int(number)]}."


def main() -> None:
    """Writes the page; a test tells whether it is stale."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
