"""An indication that only words name: offered to a person, never proposed on, whatever the words are."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.load import load_content
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.applicability import choose_order_set, indications_in, named_in
from ivig_fhir.proposal.selections import Selections
from tests.a_record import NOW

CONTENT = load_content(Path(__file__).resolve().parents[2] / "order_sets")
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01"}


def chart(*words: str, born: str = "1970-01-01", **more: Any) -> ChartSnapshot:
    """A chart whose problems are these words alone."""
    found = [
        {"resourceType": "Condition", "id": f"c{n}", "subject": {"reference": "Patient/p1"}, "code": {"text": w}, **more}
        for n, w in enumerate(words)
    ]
    return read_chart(from_documents([{**PATIENT, "birthDate": born}, *found]), CONTENT, NOW, UTC)


@pytest.mark.parametrize("id_", [s.id for s in CONTENT.order_sets.values() if s.codes.terms])
def test_each_word_of_an_order_set_offers_it_and_makes_no_indication(id_: str) -> None:
    order_set = CONTENT.order_sets[id_]
    born = "2026-02-01" if order_set.age_years[1] is not None else "1970-01-01"
    for word in order_set.codes.terms:
        made = chart(f"Known {word.upper()} (2019)", born=born)
        assert id_ in named_in(made, CONTENT), word
        assert indications_in(made, CONTENT) == ()


@pytest.mark.parametrize(
    "words",
    ["Group B streptococcus (GBS)", "Takes 4 mg", "IgA nephropathy", "Incidpal note", "Migraine", "Thrombocytopenia, cause unknown"],
)
def test_words_that_only_look_like_an_indication_offer_nothing(words: str) -> None:
    assert named_in(chart(words), CONTENT) == {}


def test_what_the_chart_said_is_offered_with_it() -> None:
    assert named_in(chart("CIDP since May"), CONTENT) == {"cidp": "CIDP since May"}


def test_a_problem_that_is_over_offers_nothing() -> None:
    over = {"coding": [{"code": "resolved"}]}
    assert named_in(chart("CIDP", clinicalStatus=over), CONTENT) == {}


def test_without_a_choice_the_words_are_named_in_the_refusal_and_not_taken() -> None:
    with pytest.raises(SelectionError) as refused:
        choose_order_set(chart("Myasthenia gravis"), Selections(), CONTENT)
    assert "no indication by a code, and by words alone mg; choose one of" in refused.value.message
