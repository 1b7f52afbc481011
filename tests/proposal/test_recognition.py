"""Facts by value set: each once, code before words, in the order of the chart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from a_case import allergy, case, drug, event, problem

from ivig_fhir.proposal import matching


def test_a_fact_in_two_sets_is_one_match_and_its_code_counts_more_than_its_words() -> None:
    both = problem("icd10cm|N18.4", text="chronic kidney disease with heart failure")
    found = matching.problems(case(both), "heart-failure", "ckd")
    assert [(m.item, m.by_text) for m in found] == [(both, False)]


def test_facts_keep_the_order_of_the_chart_whatever_the_order_of_the_sets() -> None:
    first, second = problem("icd10cm|N18.4"), problem("icd10cm|I50.9")
    given = case(first, second)
    assert [m.item for m in matching.problems(given, "heart-failure", "ckd")] == [first, second]
    assert [m.item for m in matching.problems(given, "ckd", "heart-failure")] == [first, second]


def test_words_alone_are_marked_and_an_excluded_word_hides_the_fact() -> None:
    worded = drug("request", "active", "IVIG maintenance")
    hidden = drug("request", "active", "Rho(D) immune globulin", code_="rxnorm|1426680")
    assert [(m.item, m.by_text) for m in matching.drugs(case(worded, hidden), "ig-therapy")] == [(worded, True)]


def test_kinds_do_not_mix() -> None:
    given = case(problem("icd10cm|N18.4"), allergy("icd10cm|N18.4"), event("Procedure", "snomed|302497006"))
    assert len(matching.problems(given, "ckd")) == len(matching.allergies(given, "ckd")) == 1
    assert matching.events(given, ("Device",), "dialysis") == ()
    assert len(matching.events(given, ("Procedure",), "dialysis")) == 1


def test_a_set_that_content_lacks_is_an_error_and_never_an_empty_answer() -> None:
    with pytest.raises(KeyError):
        matching.problems(case(problem("icd10cm|N18.4")), "no-such-set")
    with pytest.raises(KeyError):
        case(problem("icd10cm|N18.4")).problems("no-such-set")


def test_another_chart_is_looked_up_anew() -> None:
    one, other = case(problem("icd10cm|N18.4")), case()
    assert matching.problems(replace(one, chart=other.chart), "ckd") == ()
    assert replace(one, earlier={}).recognised is one.recognised
