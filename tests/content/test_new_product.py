"""A new product is one file: it is proposed, compared, recognised in a chart and adopted by a site without a line of Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivig_fhir.content.load import load_content
from ivig_fhir.content.load_site import load_site
from ivig_fhir.content.model import Content
from tests.a_case import codes
from tests.a_record import infused, proposed


@pytest.fixture
def with_nova(folder: Path) -> Content:
    """The content with one more file: Privigen under another name."""
    text = (folder / "products/privigen.toml").read_text(encoding="utf-8")
    for old, new in (
        ('id = "privigen"', 'id = "nova"'),
        ('brand = "Privigen"', 'brand = "Nova"'),
        ('["privigen"]', '["nova"]'),
        ("44206-", "99999-"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "products/nova.toml").write_text(text, encoding="utf-8")
    return load_content(folder)


def test_it_is_proposed_with_its_own_vials_and_steps(with_nova: Content) -> None:
    made, like = proposed(product="nova", using=with_nova), proposed(product="privigen", using=with_nova)
    assert (made.product.brand, made.outcome) == ("Nova", "proposed")
    assert (made.vials, made.rate) == (like.vials, like.rate)


def test_it_is_known_in_a_chart_and_to_a_site(with_nova: Content) -> None:
    assert with_nova.constants["known_products"]["nova"] == ("nova",)
    assert load_site({"formulary": ["nova"]}, with_nova).formulary == ("nova",)
    recognised = with_nova.value_sets["ig-therapy"]
    assert recognised.by_text(["Nova 35 g"])
    assert recognised.by_code(codes("ndc|99999-439-40"))
    assert not recognised.by_code(codes("ndc|99998-439-40"))
    given = {**infused("2026-02-20T10:00:00Z"), "medicationCodeableConcept": {"text": "Nova 35 g"}}
    assert proposed(given, product="nova", using=with_nova).outcome == "proposed"
