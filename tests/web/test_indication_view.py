"""The indication's card: whoever recommends it, what to document and when to stop, and what is unsure marked as such."""

from __future__ import annotations

import pytest

from ivig_fhir.web.indication_view import TIERS, View, indication_view
from tests.a_case import content
from tests.a_record import coded, proposed

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def card(indication: str, code: str, **chosen: str) -> View:
    """The card of an indication for the quiet patient with that diagnosis."""
    made = proposed(coded("Condition", "cidp", ICD, code), **{"indication": indication, "regimen": None, "product": None, **chosen})
    return indication_view(made, content())


def test_every_tier_has_its_words() -> None:
    assert set(TIERS) == {o.tier for o in content().order_sets.values()}


def test_the_card_says_who_says_what_and_marks_what_is_unsure() -> None:
    told = {e["body"]: e["mark"] for e in card("sle", "M32.9")["evidence"]}
    assert told["Ontario"] == "unsure"
    assert told["EULAR 2019 and 2023"] == "not looked up"
    assert told["FDA"] == ""


@pytest.mark.parametrize(
    ("indication", "code", "said"),
    [
        ("pi-cvid", "D83.9", "at least 500, usually 600 to 800 mg/dL. Before the 3rd"),
        ("pi-xla-other", "D80.0", "at least 500, usually 800 or more mg/dL."),
        ("hsct", "D89.811", "at least 400 mg/dL."),
    ],
)
def test_the_trough_is_said_with_its_unit(indication: str, code: str, said: str) -> None:
    assert dict(card(indication, code)["rows"])["Trough IgG"].startswith(said)


def test_only_what_the_order_set_has_is_a_row() -> None:
    rows = dict(card("cidp", "G61.81")["rows"])
    assert {"On label", "How it is used", "Aim", "Response", "Stop", "How long", "Weight"} == set(rows)
    assert dict(card("kawasaki", "M30.3")["rows"])["Again"].startswith("Once more, 36 hours")


def test_payers_ask_for_what_is_common_and_for_what_is_the_indications_own() -> None:
    asked = card("cidp", "G61.81")["payers"]
    assert "A specialist prescribes or is consulted." in asked
    assert any(s.startswith("Electrodiagnosis") for s in asked)
    assert not any("IgG" in s for s in asked)
    assert card("ra", "M06.9")["payers"] == []
