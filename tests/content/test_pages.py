"""Every order set, product and check as a page: all of it, with its sources, and never without saying who has reviewed it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ivig_fhir.content.document import Document, Grid, Sentence, as_html, as_markdown
from ivig_fhir.content.governance import Review
from ivig_fhir.content.load import parse_content, read_folder
from ivig_fhir.content.pages import Library, check_page, file_page, order_set_page, product_page
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import part_of_order_set

TEXTS = read_folder(Path(__file__).resolve().parents[2] / "order_sets")
CONTENT = parse_content(TEXTS)
LIBRARY = Library(TEXTS, CONTENT, date(2026, 12, 1))
PAGES = [
    *((id_, order_set_page(id_, LIBRARY)) for id_ in CONTENT.order_sets),
    *((id_, product_page(id_, LIBRARY)) for id_ in CONTENT.products),
    *((id_, check_page(id_, LIBRARY)) for id_ in CONTENT.checks),
]


@pytest.mark.parametrize(("id_", "page"), PAGES, ids=[p[0] for p in PAGES])
def test_a_page_begins_with_its_review_and_ends_with_its_sources(id_: str, page: Document) -> None:
    assert page.blocks[0] == Sentence("This content has not been clinically reviewed.", loud=True)
    sources = page.blocks[-1]
    assert isinstance(sources, Grid)
    assert all(row[1] for row in sources.rows)
    assert as_html((page,), id_).count("<article>") == 1


def test_an_order_set_shows_every_regimen_piece_of_evidence_and_code() -> None:
    for item in CONTENT.order_sets.values():
        said = as_html((order_set_page(item.id, LIBRARY),), item.id)
        assert all(r.id in said for r in item.regimens)
        assert all(c.code.replace(".", "") in said.replace(".", "") for c in item.codes.exact)
        assert said.count("confidence") == 0


def test_a_product_shows_each_rate_step_and_vial() -> None:
    said = as_markdown(product_page("privigen", LIBRARY))
    assert "| 4.8 |  | yes |" in said
    assert "| vials (g) | 5, 10, 20, 40 |" in said


def test_a_check_shows_question_thresholds_branches_and_what_helps() -> None:
    said = as_markdown(check_page("renal.reduced-function", LIBRARY))
    check = CONTENT.checks["renal.reduced-function"]
    assert said.startswith(f"# {check.ref} {check.title}")
    assert check.question in said
    assert all(branch in said for branch in check.severity)
    assert all(m in said for m in check.mitigation)
    assert check.threshold in said
    assert "{" not in check.threshold


def test_a_page_names_the_review_that_the_site_has_signed_and_only_while_it_holds() -> None:
    part = part_of_order_set(CONTENT.order_sets["cidp"])
    site = Site(reviews={part.hash: Review("P. Reviewer", "2026-11-01", "2026-12-31")})
    signed = order_set_page("cidp", Library(TEXTS, CONTENT, date(2026, 12, 31), site)).blocks[0]
    assert signed == Sentence("Reviewed for this site by P. Reviewer on 2026-11-01, until 2026-12-31.", loud=True)
    late = order_set_page("cidp", Library(TEXTS, CONTENT, date(2027, 1, 1), site)).blocks[0]
    assert late == Sentence("This content has not been clinically reviewed.", loud=True)


def test_every_other_file_has_a_page_too() -> None:
    for name in CONTENT.files:
        assert file_page(name, LIBRARY).title


def test_what_is_not_there_has_no_page() -> None:
    with pytest.raises(KeyError):
        check_page("weight.mistaken", LIBRARY)
