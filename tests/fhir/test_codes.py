"""Codes that compare as their system does, and sets that match codes, prefixes and whole words."""

from __future__ import annotations

import pytest

from ivig_fhir.fhir.codes import CVX, HCPCS, ICD10CM, ICD10PCS, NDC, RXNORM, SNOMED, Code, ValueSet, code, codings, texts


@pytest.mark.parametrize(
    ("system", "value", "expected"),
    [
        (SNOMED, " 32273002 ", Code(SNOMED, "32273002")),
        (ICD10CM, "d69.3", Code(ICD10CM, "D693")),
        (ICD10CM, "D693", Code(ICD10CM, "D693")),
        ("urn:oid:2.16.840.1.113883.6.90", "D69.3", Code(ICD10CM, "D693")),
        ("urn:oid:2.16.840.1.113883.6.88", "1426680", Code(RXNORM, "1426680")),
        ("urn:oid:2.16.840.1.113883.6.103", "250.00", Code("urn:oid:2.16.840.1.113883.6.103", "250.00")),
        (CVX, "3", Code(CVX, "03")),
        (CVX, "111", Code(CVX, "111")),
        (HCPCS, "j1561", Code(HCPCS, "J1561")),
        ("urn:oid:2.16.840.1.113883.6.285", "J1561", Code(HCPCS, "J1561")),
        (ICD10PCS, "6a550z3", Code(ICD10PCS, "6A550Z3")),
        (NDC, "0944-2700-05", Code(NDC, "00944270005")),
        (NDC, "00944-2700-05", Code(NDC, "00944270005")),
        (NDC, "00944270005", Code(NDC, "00944270005")),
        (NDC, "44206-439-40", Code(NDC, "44206043940")),
        (NDC, "0944-2700", Code(NDC, "009442700")),
        (NDC, "0944270005", Code(NDC, "0944270005")),
        (NDC, "0944-27x0", Code(NDC, "0944-27x0")),
        (None, "1", None),
        (SNOMED, None, None),
        (SNOMED, "  ", None),
        (SNOMED, 32273002, None),
    ],
)
def test_a_code_is_compared_in_the_form_of_its_system(system, value, expected):
    assert code(system, value) == expected


def test_codings_and_texts_pass_over_what_is_malformed():
    concept = {"coding": [{"system": SNOMED, "code": "1", "display": "One "}, {"code": "2"}, "x", None], "text": " One "}
    assert codings(concept) == (Code(SNOMED, "1"),)
    assert texts(concept) == ("One",)
    for odd in (None, "x", 7, [], {}, {"coding": "x"}, {"coding": None, "text": 7}, {"coding": [{"display": 7}]}):
        assert codings(odd) == ()
        assert texts(odd) == ()


def test_a_prefix_matches_its_own_system_only():
    chosen = ValueSet("x", prefixes=(Code(ICD10CM, "N18"),))
    assert chosen.by_code([Code(ICD10CM, "N183")])
    assert not chosen.by_code([Code(SNOMED, "N183")])
    assert not chosen.by_code([Code(ICD10CM, "N17")])


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("Epinephrine 1 MG/ML", True),
        ("racemic epinephrine", True),
        ("norepinephrine 1 MG/ML", False),
        ("epinephrines", False),
        ("EPINEPHRINE", True),
    ],
)
def test_a_word_matches_whole_words_in_any_case(text, matches):
    assert bool(ValueSet("x", terms=("epinephrine",)).by_text([text])) is matches


@pytest.mark.parametrize(
    ("term", "text", "matches"), [("*sporin", "cyclosporin", True), ("ciclo*", "ciclosporin", True), ("ciclo*", "tetracyclo", False)]
)
def test_a_star_drops_the_boundary_on_its_side(term, text, matches):
    assert bool(ValueSet("x", terms=(term,)).by_text([text])) is matches


def test_an_excluded_word_wins_over_words_and_is_a_prefix():
    chosen = ValueSet("x", terms=("immune globulin",), exclude_terms=("rho", "hepatitis b"))
    assert chosen.by_text(["Immune globulin 10 %"])
    assert not chosen.by_text(["Rho(D) immune globulin"])
    assert chosen.excludes(["RhoGAM"])
    assert not chosen.excludes(["thorhod"])
    assert chosen.by_text(["Rho(D) immune globulin", "immune globulin, human"]) == "immune globulin, human"
