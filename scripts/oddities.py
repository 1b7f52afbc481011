"""Writes docs/generated/oddities.md: what is odd about real FHIR data, what this app does about it, and the tests that show it.

Usage: python scripts/oddities.py

The oddities stand in scripts/oddities.toml, the tests name theirs with @pytest.mark.oddity.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from ivig_fhir.content.document import Cell, Document, Grid, Sentence, as_markdown  # noqa: E402 - once the root is on the path

PAGE = ROOT / "docs" / "generated" / "oddities.md"
TABLE: dict[str, list[str]] = tomllib.loads((ROOT / "scripts" / "oddities.toml").read_text(encoding="utf-8"))["oddity"]


def marks(folder: Path = ROOT / "tests") -> Iterator[tuple[int, str, str]]:
    """(number, file, test) of every marked test."""
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            for call in (d for d in node.decorator_list if isinstance(d, ast.Call) and ast.unparse(d.func) == "pytest.mark.oddity"):
                for argument in call.args:
                    yield int(ast.literal_eval(argument)), path.relative_to(folder).as_posix(), node.name


def shown_by() -> dict[int, list[str]]:
    """What the tests of each oddity claim, with their file."""
    found: dict[int, list[str]] = defaultdict(list)
    for number, file, test in marks():
        found[number].append(f"{Path(file).stem.removeprefix('test_')}: {test.removeprefix('test_').replace('_', ' ')}")
    return found


def page() -> str:
    """The page as Markdown."""
    tests = shown_by()
    rows: tuple[tuple[Cell, ...], ...] = tuple((number, *TABLE[number], "; ".join(tests.get(int(number), []))) for number in TABLE)
    blocks = (
        Sentence(
            "Made by “make generated” from scripts/oddities.toml and from the marks of the tests. Each was seen in answers that two vendors' "
            "sandboxes gave, or in public charts; the tests read those files where they are at hand, and fixtures that equal them."
        ),
        Grid(("number", "what is odd", "what this app does", "shown by"), rows),
    )
    return as_markdown(Document("Oddities of real data, and the tests that read them", blocks))


def main() -> None:
    """Writes the page; a test tells whether it is stale."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
