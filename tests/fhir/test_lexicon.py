"""The lexicon finds in one look what each value set finds alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.fhir.codes import ICD10CM, RXNORM, SNOMED, Code, ValueSet
from ivig_fhir.fhir.lexicon import Lexicon
from ivig_fhir.fhir.terms import Term

SETS = (
    ValueSet("globulin", frozenset({Code(RXNORM, "1426680")}), (), ("immune globulin", "ivig", "*globulin g"), ("rho", "hepatitis b")),
    ValueSet("kidney", frozenset(), (Code(ICD10CM, "N18"), Code(ICD10CM, "N1")), ("ckd", "kidney disease", "nephro*"), ("no ",)),
    ValueSet("short", frozenset({Code(SNOMED, "1")}), (), ("ig", "5%", "b"), ()),
)
WORDS = [
    "immune",
    "globulin",
    "ivig",
    "gammaglobulin g",
    "rho",
    "RhoGAM",
    "CKD",
    "kidney",
    "disease",
    "nephrosis",
    "no",
    "ig",
    "5%",
    "b",
    "(b)",
    "x_ig",
]


def alone(codes: tuple[Code, ...], texts: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """What the sets say one by one; an excluded word in any text wins."""
    kept = [s for s in SETS if not s.excludes(texts)]
    return {s.id for s in kept if s.by_code(codes)}, {s.id for s in kept if s.by_text(texts)}


@given(
    st.lists(
        st.sampled_from([Code(RXNORM, "1426680"), Code(ICD10CM, "N183"), Code(ICD10CM, "N"), Code(SNOMED, "N18"), Code(SNOMED, "1")]),
        max_size=2,
    ),
    st.lists(st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join) | st.text("igvb5% _-", max_size=8), max_size=2),
)
def test_one_look_equals_asking_every_set(codes: list[Code], texts: list[str]) -> None:
    found = Lexicon(SETS).meaning(codes, texts)
    assert (set(found.by_code), set(found.by_text)) == alone(tuple(codes), tuple(texts))


@pytest.mark.parametrize(
    ("text", "codes", "sets"),
    [
        ("Immune Globulin, human", (), {"globulin"}),
        ("Rho(D) immune globulin", (Code(RXNORM, "1426680"),), set()),
        ("immunoglobulin g", (), {"globulin"}),
        ("chronic kidney disease", (), {"kidney"}),
        ("nephropathy", (), {"kidney"}),
        ("xnephropathy", (), set()),
        ("", (Code(ICD10CM, "N183"),), {"kidney"}),
        ("type b", (), {"short"}),
    ],
)
def test_codes_and_words_name_their_sets(text: str, codes: tuple[Code, ...], sets: set[str]) -> None:
    found = Lexicon(SETS).meaning(codes, (text,))
    assert found.by_code | found.by_text == sets


def test_a_term_is_found_at_its_second_place_too() -> None:
    assert Term.whole("ig").stands_in("big ig")
    assert not Term.whole("ig").stands_in("big igs")
    assert Term.beginning("ig").stands_in("big igs")
