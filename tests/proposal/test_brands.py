"""Which products an entry may be about, by words and by codes."""

from __future__ import annotations

import pytest
from a_case import codes, content

from ivig_fhir.proposal.brands import products_named


@pytest.mark.parametrize(
    ("written", "text", "products"),
    [
        ("", "Privigen 10 % 20 g/200 mL", {"privigen"}),
        ("", "PRIVIGEN", {"privigen"}),
        ("", "Gammagard Liquid", {"gammagard-liquid"}),
        ("", "Gammagard Liquid ERC 10 g", {"gammagard-liquid-erc"}),
        ("", "Gammagard", set()),
        ("", "Privigenic", set()),
        ("", "", set()),
        ("hcpcs|J1459", "", {"privigen"}),
        ("rxnorm|1809671", "", {"gammagard-liquid"}),
        ("ndc|0944-2700-05", "", {"gammagard-liquid"}),
        ("ndc|00944270005", "", {"gammagard-liquid"}),
        ("ndc|0944-2705-05", "", {"gammagard-liquid-erc"}),
        ("hcpcs|J1561", "", {"gamunex-c", "gammaked"}),
        ("rxnorm|1426680", "", set()),
        ("hcpcs|J1459", "Privigen", {"privigen"}),
        ("hcpcs|J1459", "Gamunex-C", set()),
        ("hcpcs|J1561", "Hizentra", {"hizentra"}),
    ],
)
def test_words_and_codes_name_a_product(written: str, text: str, products: set[str]) -> None:
    assert products_named(content(), codes(written), (text,) if text else ()) == products
