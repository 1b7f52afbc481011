"""docs/generated is what `make generated` would write now: a page for each order set, product and check, examples included."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivig_fhir.content.load import load_content
from scripts.generated_pages import FIGURES, PAGES, pages, stale

CONTENT = load_content(Path(__file__).resolve().parents[1] / "order_sets")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """Every page as it would be made now."""
    return pages()


def test_no_page_is_stale_missing_or_left_over(made: dict[str, str]) -> None:
    assert stale(made) == [], "run `make generated`"


def test_every_order_set_product_and_check_has_its_page_in_the_index(made: dict[str, str]) -> None:
    wanted = {f"order-sets/{i}.md" for i in CONTENT.order_sets} | {f"products/{i}.md" for i in CONTENT.products}
    wanted |= {f"checks/{i}.md" for i in CONTENT.checks}
    assert set(made) == {"README.md", *wanted}
    assert set(re.findall(r"\]\((\S+)\)", made["README.md"])) == wanted | set(FIGURES)


def test_what_the_index_names_is_there_and_what_is_there_is_named(made: dict[str, str]) -> None:
    assert {p.name for p in PAGES.iterdir() if p.is_file()} == {"README.md", *FIGURES}


def test_a_page_that_nothing_makes_any_more_is_noticed(made: dict[str, str]) -> None:
    fewer = {name: text for name, text in made.items() if name != "products/privigen.md"}
    assert stale(fewer) == ["products/privigen.md"]
    changed = {**made, "products/privigen.md": "other"}
    assert stale(changed) == ["products/privigen.md"]


def test_the_page_of_a_check_shows_what_the_engine_answers_to_its_examples(made: dict[str, str]) -> None:
    page = made["checks/renal.reduced-function.md"]
    assert "## Examples" in page
    assert re.search(r"\| below-60 \| Creatinine: 1.5 mg/dL[^|]*\| warning: Estimated GFR is 59.9", page)
    assert (PAGES / "README.md").exists()


def test_the_page_of_an_order_set_shows_what_each_regimen_gives(made: dict[str, str]) -> None:
    for item in CONTENT.order_sets.values():
        page = made[f"order-sets/{item.id}.md"]
        rows = page.partition("## What is proposed")[2].partition("## Sources")[0]
        assert [r.title for r in item.regimens if f"| {r.title} |" not in rows] == []
    assert "| 35 g Gamunex-C, 350 mL | 2026-03-02, 2026-03-03, 2026-03-04, 2026-03-05 |" in made["order-sets/cidp.md"]


def test_the_page_of_a_product_shows_its_pump_steps_for_a_labelled_indication(made: dict[str, str]) -> None:
    assert re.search(r"\| 1 × 20 g \+ 1 × 10 g \+ 1 × 5 g \| 21 mL/h for 30 min, .*\(illustrative\)", made["products/privigen.md"])
