"""Writes docs/generated: a page for each order set, product and check, from the content and from the scenarios of tests/scenarios.

Usage: python scripts/generated_pages.py [--check]

With --check nothing is written; 1 when a page is stale, missing or left over.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from ivig_fhir.content.document import Block, Document, Grid, Heading, Link, Sentence, as_markdown
from ivig_fhir.content.load import parse_content, read_folder
from ivig_fhir.content.model import Check, Content
from ivig_fhir.content.pages import Library, check_page, order_set_page, product_page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.example_orders import of_order_set, of_product  # noqa: E402 - found once the root is on the path
from scripts.scenarios import NOW, USUAL, Example, examples, proposed, said, spoken  # noqa: E402 - found once the root is on the path

PAGES = ROOT / "docs" / "generated"
FOLDERS = ("order-sets", "products", "checks")
INDEX = "README.md"
FIGURES = {  # what other commands write beside these pages
    "real-charts.md": "Which weight each real chart gave, and why",
    "web-real-charts.md": "Each real chart on its whole way through the web",
    "properties.md": "Properties of 100,000 random proposals",
    "mutation.md": "Mutation testing of the arithmetic",
    "recompute.md": "The second calculation on random orders, and mistakes planted into the first",
    "thresholds.md": "Every threshold of the checks, moved by one step",
    "performance.json": "Time and memory",
    "roles.md": "Who may do what",
    "oddities.md": "Oddities of real data, and the tests that read them",
    "faults.md": "Faults survived, by kind and by database",
    "peers.md": "The same journey on FHIR servers that nobody here wrote",
    "smart-conformance.md": "Requirements of SMART App Launch, and their tests",
}


def pages() -> dict[str, str]:
    """Every page by its name below docs/generated."""
    texts = read_folder(ROOT / "order_sets")
    content = parse_content(texts)
    library = Library(texts, content, NOW.date())
    by_check: dict[str, list[Example]] = {}
    for example in examples():
        by_check.setdefault(example.check, []).append(example)
    made = {f"order-sets/{o.id}.md": order_set_page(o.id, library, of_order_set(o, content)) for o in content.order_sets.values()}
    made |= {f"products/{p.id}.md": product_page(p.id, library, of_product(p, content)) for p in content.products.values()}
    made |= {
        f"checks/{check.id}.md": check_page(check.id, library, shown(check, by_check.get(check.id, []), content))
        for check in content.checks.values()
    }
    return {INDEX: as_markdown(index(made, content)), **{name: as_markdown(page) for name, page in made.items()}}


def shown(check: Check, mine: list[Example], content: Content) -> list[Block]:
    """An example for each branch, as the engine answers it. ValueError for an example in which its branch keeps silent."""
    rows = []
    for branch in check.severity:
        for example in (e for e in mine if e.branch == branch):
            found = spoken(example, proposed(example, content), content)
            if found is None:
                raise ValueError(f"{example.name} keeps silent in its example")
            evidence = f" On: {'; '.join(found.evidence)}." if found.evidence else ""
            rows.append((branch, "; ".join(said(example, content)), f"{found.severity}: {found.message}{evidence}"))
    if not rows:
        return []
    return [
        Heading("Examples"),
        Sentence(f"{USUAL} What differs, and what is then found:"),
        Grid(("branch", "patient", "found"), tuple(rows)),
    ]


def index(made: Mapping[str, Document], content: Content) -> Document:
    """The list of the pages."""
    blocks: list[Block] = [
        Sentence(content.constants["words"]["unreviewed"], loud=True),
        Sentence(f"Made by “make generated” from content {content.version} and from tests/scenarios. Nothing here is written by hand."),
    ]
    for folder in FOLDERS:
        rows = tuple((Link(page.title, name),) for name, page in made.items() if name.startswith(f"{folder}/"))
        blocks += [Heading(folder.replace("-", " ").capitalize()), Grid(("page",), rows)]
    figures = tuple((Link(title, name),) for name, title in FIGURES.items())
    blocks += [
        Heading("Figures and proofs"),
        Sentence("Made by “make generated”, “make proof” and “make bench”."),
        Grid(("page",), figures),
    ]
    return Document("The clinical content, page by page", tuple(blocks))


def stale(made: Mapping[str, str]) -> list[str]:
    """The pages that are not as they would be made now, and those that nothing makes any more."""
    kept = {p.relative_to(PAGES).as_posix() for folder in FOLDERS for p in (PAGES / folder).glob("*.md")}
    differ = [name for name, text in made.items() if not (PAGES / name).exists() or (PAGES / name).read_text(encoding="utf-8") != text]
    return [*differ, *sorted(kept - made.keys())]


def main() -> int:
    """Writes the pages, or says which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    check = parser.parse_args().check
    made = pages()
    old = stale(made)
    for name in old:
        path = PAGES / name
        if check:
            print(f"stale: {path.relative_to(ROOT)}", file=sys.stderr)
        elif name in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made[name], encoding="utf-8")
        else:
            path.unlink()
    print(f"{len(made)} pages, {len(old)} {'stale' if check else 'written'}")
    return 1 if check and old else 0


if __name__ == "__main__":
    sys.exit(main())
