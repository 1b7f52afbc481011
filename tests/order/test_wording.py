"""The dosage text that an EHR stores: held against the coded values, and nothing may be added to it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from an_approved_order import as_stored, written

from ivig_fhir.order.wording import wording


def stored(**shape: Any) -> dict[str, Any]:
    """The order as a faithful EHR holds it."""
    held, _ = as_stored(written(**shape))
    return deepcopy(held["medication-request"])


@pytest.mark.parametrize(
    "shape", [{}, {"days": 1, "per_kg": "1"}, {"series": 4, "per_kg": "1", "days": 2}, {"hours": "3"}, {"product": "octagam-10"}]
)
def test_the_text_of_every_shape_of_order_says_what_is_coded(shape: dict[str, Any]) -> None:
    assert wording(stored(**shape)).agrees is True


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("40 g (", "160 g ("),
        ("400 mL", "40 mL"),
        ("Tue 3 Mar 2026", "Wed 4 Mar 2026"),
        ("393 mL/h to the end", "930 mL/h to the end"),
        ("for 30 min", "for 3 min"),
        ("82.0 kg", "28.0 kg"),
        ("Never more than 40 g", "Never more than 400 g"),
    ],
)
def test_a_number_that_was_changed_in_the_words_alone_is_a_disagreement(old: str, new: str) -> None:
    order = stored()
    text = order["dosageInstruction"][0]["text"]
    assert old in text
    order["dosageInstruction"][0]["text"] = text.replace(old, new, 1)
    assert wording(order).agrees is False


@pytest.mark.parametrize("added", [" 160 g daily.", " Give 80 g each day.", " See pharmacy note.", " total per day 40 g"])
def test_words_that_were_added_are_a_disagreement(added: str) -> None:
    order = stored()
    order["dosageInstruction"][0]["text"] += added
    assert wording(order).agrees is False


def test_a_coded_value_that_was_changed_under_the_words_is_a_disagreement() -> None:
    order = stored()
    order["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] = 80
    found = wording(order)
    assert (found.agrees, "text and coded data differ in the dose" in found.recomputed) == (False, True)


def test_an_ehr_that_keeps_no_text_has_none_to_disagree() -> None:
    order = stored()
    del order["dosageInstruction"][0]["text"]
    assert wording(order).agrees is None
