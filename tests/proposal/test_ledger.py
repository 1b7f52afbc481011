"""Every source of grams, alone and beside every other: each dose counts once, and each entry says what became of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from a_case import IG, RUN, case, content, drug, event, infusion

from ivig_fhir.proposal.cumulative import CUMULATIVE, given

DAYS = Decimal(28)
DAY = "2026-02-20"
ORDER, GIVEN, DISPENSED, STATED = "MedicationRequest/o", "MedicationAdministration/a", "MedicationDispense/d", "MedicationStatement/s"


def entry(kind: str, state: str, reference: str, when: str | None = DAY, grams: str | None = "40", **more: Any) -> Any:
    """An entry about immunoglobulin with a reference as EHRs write it."""
    links = tuple(more.pop("links", ()))
    made = drug(kind, state, code_=IG, when=when, grams=grams, links=links, **more)
    object.__setattr__(made.source, "reference", reference)
    return made


def order(*doses: tuple[str, str | None], state: str = "recent", reference: str = ORDER, **more: Any) -> Any:
    return entry("request", state, reference, "2026-02-15", doses=doses or [(DAY, "40")], **more)


def administered(when: str | None = DAY, grams: str | None = "40", reference: str = GIVEN, **more: Any) -> Any:
    request = more.pop("request", "")
    links = (*((request,) if request else ()), *more.pop("links", ()))
    return entry("administration", "given", reference, when, grams, request=request, links=links, **more)


def dispensed(when: str | None = DAY, grams: str | None = "40", reference: str = DISPENSED, state: str = "given", **more: Any) -> Any:
    request = more.pop("request", "")
    links = (*((request,) if request else ()), *more.pop("links", ()))
    return entry("dispense", state, reference, when, grams, request=request, links=links, **more)


def stated(*doses: tuple[str, str | None], state: str = "recent", reference: str = STATED, **more: Any) -> Any:
    return entry("statement", state, reference, doses=doses or [(DAY, "40")], **more)


def told(*facts: object, run: str | None = None) -> tuple[str, list[str], list[str], list[str]]:
    """Grams, and the references that were counted, that another entry stands for, and that could not be counted."""
    result = given(case(*facts, run=run), DAYS)
    lists = [[e.reference for e in part] for part in (result.counted, result.elsewhere, result.not_counted)]
    return str(result.grams), lists[0], lists[1], lists[2]


@pytest.mark.parametrize("fact", [administered(), dispensed(), order(), stated()])
def test_each_source_alone_counts(fact: Any) -> None:
    assert told(fact) == ("40", [fact.source.reference], [], [])


@pytest.mark.parametrize(
    ("facts", "counted"),
    [
        ((administered(request=ORDER), order()), GIVEN),
        ((administered(DAY, "35", request=ORDER), order()), GIVEN),
        ((dispensed("2026-02-19", request=ORDER), order()), DISPENSED),
        ((administered(request=ORDER), dispensed("2026-02-19", request=ORDER)), GIVEN),
        ((administered(), dispensed("2026-02-19", links=[GIVEN])), GIVEN),
        ((administered(links=[DISPENSED]), dispensed("2026-02-19")), GIVEN),
        ((administered(run="urn:uuid:x"), order(run="urn:uuid:x")), GIVEN),
        ((administered(), stated((DAY, "40"), links=[GIVEN])), GIVEN),
        ((dispensed(), stated(("2026-02-22", "40"), links=[DISPENSED])), DISPENSED),
        ((order(), stated(("2026-02-22", "40"), links=[ORDER])), ORDER),
    ],
)
def test_a_pair_that_belongs_together_counts_once(facts: tuple[Any, ...], counted: str) -> None:
    grams, counts, elsewhere, open_ = told(*facts)
    left = [f.source.reference for f in facts if f.source.reference != counted]
    assert (counts, elsewhere, open_) == ([counted], left, [])
    assert grams == str(next(f.grams for f in facts if f.source.reference == counted))


def test_all_four_together_count_once() -> None:
    facts = (
        administered(request=ORDER),
        dispensed("2026-02-19", request=ORDER),
        order(),
        stated(("2026-02-21", "40"), links=[GIVEN]),
    )
    assert told(*facts) == ("40", [GIVEN], [DISPENSED, ORDER, STATED], [])


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (administered(), dispensed()),
        (administered(), order()),
        (dispensed(), order()),
        (administered(), stated()),
        (dispensed(), stated()),
        (order(), stated()),
        (administered(), order((DAY, "35"))),
        (administered("2026-02-20T08:00:00Z"), order()),
    ],
)
def test_entries_of_one_day_that_name_no_other_are_the_same_dose(better: Any, worse: Any) -> None:
    assert told(worse, better) == ("40", [better.source.reference], [worse.source.reference], [])


@pytest.mark.parametrize(
    ("facts", "grams"),
    [
        ((administered("2026-02-20"), order(("2026-02-21", "40"))), "80"),
        ((dispensed("2026-02-20"), order(("2026-02-22", "40"))), "80"),
        ((administered("2026-02-20"), stated(("2026-02-21", "40"))), "80"),
        ((order(("2026-02-10", "40")), stated(("2026-02-21", "40"))), "80"),
        ((administered(request="MedicationRequest/another"), order()), "80"),  # given on another order
        ((administered(run="urn:uuid:x"), order(run="urn:uuid:y")), "80"),
        ((administered(), administered(reference="MedicationAdministration/b")), "80"),
        ((dispensed(), dispensed(reference="MedicationDispense/e")), "80"),
        ((stated(), stated(reference="MedicationStatement/t")), "80"),
        ((dispensed("2026-02-19", request=ORDER), administered("2026-02-20")), "80"),
    ],
)
def test_entries_of_different_days_or_orders_count_each(facts: tuple[Any, ...], grams: str) -> None:
    assert told(*facts)[0] == grams
    assert len(told(*facts)[1]) == 2


def test_seven_identical_orders_count_seven_times() -> None:
    orders = [order(reference=f"MedicationRequest/{n}") for n in range(7)]
    assert told(*orders)[0] == "280"
    assert told(*orders, administered(request="MedicationRequest/3"))[:2] == (
        "280",
        [GIVEN, *(f"MedicationRequest/{n}" for n in range(7) if n != 3)],
    )


def test_an_administration_without_an_order_stands_for_one_order_only() -> None:
    orders = [order(reference=f"MedicationRequest/{n}") for n in range(7)]
    assert told(*orders, administered())[0] == "280"
    assert told(*orders, administered(), administered(reference="MedicationAdministration/b"))[0] == "280"


def test_an_order_on_which_others_are_based_counts_by_those() -> None:
    days = [order((f"2026-02-{d}", "20"), reference=f"MedicationRequest/{d}", links=[ORDER]) for d in (18, 19)]
    whole = order(("2026-02-18", "20"), ("2026-02-19", "20"))
    assert told(whole, *days) == ("40", ["MedicationRequest/18", "MedicationRequest/19"], [ORDER, ORDER], [])
    draft = order((DAY, "20"), state="pending", reference="MedicationRequest/n", links=[ORDER])
    assert told(order(), draft)[:2] == ("40", [ORDER])


def test_an_infusion_counts_as_a_whole_or_by_its_parts_and_never_both() -> None:
    parts = [administered(DAY, "20", f"MedicationAdministration/p{n}", links=[GIVEN]) for n in (1, 2)]
    assert told(administered(), *parts)[:2] == ("40", [GIVEN])
    assert told(administered(DAY, None), *parts) == (
        "40",
        ["MedicationAdministration/p1", "MedicationAdministration/p2"],
        [GIVEN],
        [],
    )


def test_entries_that_each_claim_to_rest_on_the_other_count_both() -> None:
    twins = [administered(reference=f"MedicationAdministration/{a}", links=[f"MedicationAdministration/{b}"]) for a, b in ("xy", "yx")]
    orders = [order(reference=f"MedicationRequest/{a}", links=[f"MedicationRequest/{b}"]) for a, b in ("xy", "yx")]
    assert (told(*twins)[0], told(*orders)[0]) == ("80", "80")


def test_a_statement_carries_the_dose_of_an_order_that_has_no_dates() -> None:
    undated = entry("request", "recent", ORDER, DAY)
    assert told(undated, stated(links=[ORDER])) == ("40", [STATED], [ORDER], [])
    assert told(undated, stated(links=[ORDER]), administered(request=ORDER))[:2] == ("40", [GIVEN])
    assert told(undated, stated(links=[ORDER], status="intended"))[3] == [ORDER]


def test_statements_that_are_derived_from_each_other_count_once() -> None:
    copy = stated(reference="MedicationStatement/copy", links=[STATED])
    assert told(stated(), copy) == ("40", [STATED], ["MedicationStatement/copy"], [])
    circle = stated(links=["MedicationStatement/copy"])
    assert told(circle, copy)[0] == "80"  # who copied whom cannot be told


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (administered(grams=None), "no coded dose in grams"),
        (administered(when=None), "no date"),
        (administered(when="2026-03-04"), "in the future"),
        (dispensed(grams=None), "no coded dose in grams"),
        (order((DAY, None)), "no coded dose in grams"),
        (order((DAY, "40"), status="stopped"), "stopped"),
        (order((DAY, "40"), state="pending", status="on-hold"), "on hold"),
        (entry("request", "recent", ORDER), "no dated doses"),
        (entry("request", "active", ORDER, "2025-09-01"), "nothing says when"),
        (stated((DAY, None)), "no coded dose in grams"),
        (entry("statement", "active", STATED), "on which days"),
        (entry("statement", "recent", STATED, ended="2026-02-20"), "on which days"),
        (entry("statement", "recent", STATED, grams=None), "no coded dose in grams"),
        (stated(state="pending", status="on-hold"), "on hold"),
        (event("Immunization", "cvx|87", when=DAY), "recorded as an immunization"),
    ],
)
def test_what_may_have_been_given_and_cannot_be_counted_is_named(fact: Any, words: str) -> None:
    result = given(case(fact), DAYS)
    assert (result.grams, result.counted, result.elsewhere) == (0, (), ())
    assert [words in e.said for e in result.not_counted] == [True]


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (order((DAY, "40"), state="pending", status="draft"), "waits"),
        (entry("request", "pending", ORDER), "waits"),
        (order(("2026-03-09", "40"), state="active"), "still to come"),
        (order(("2026-03-02", "40"), state="active"), "still to come"),  # today is not over
        (dispensed(state="pending"), "not handed over"),
        (stated(state="active", status="intended"), "not taken yet"),
    ],
)
def test_what_was_not_given_is_said_and_leaves_nothing_open(fact: Any, words: str) -> None:
    result = given(case(fact), DAYS)
    assert (result.grams, result.counted, result.not_counted) == (0, (), ())
    assert [words in e.said for e in result.elsewhere] == [True]


@pytest.mark.parametrize(
    "fact",
    [
        administered("2026-02-02T09:00:00Z"),
        dispensed("2026-01-30"),
        order(("2026-02-01", "40")),
        stated(("2026-02-01", "40")),
        entry("statement", "recent", STATED, "2025-06-01", ended="2026-01-01"),
        entry("request", "recent", ORDER, "2025-06-01", ended="2026-01-01"),
        event("Immunization", "cvx|87", when="2026-01-01"),
    ],
)
def test_what_lies_before_the_days_is_not_listed(fact: Any) -> None:
    assert told(fact) == ("0", [], [], [])


def test_doses_of_an_order_on_both_sides_of_the_far_end_count_where_they_lie() -> None:
    assert told(order(("2026-02-01", "40"), ("2026-02-03", "30")))[:2] == ("30", [ORDER])


def test_an_immunization_of_a_day_on_which_a_dose_counts_is_that_dose() -> None:
    assert told(administered(), event("Immunization", "cvx|87", when=DAY))[2:] == (["Immunization/1"], [])


def test_the_entries_of_this_run_are_this_order() -> None:
    own = administered(run=RUN, reference="MedicationAdministration/own")
    copy = stated(links=["MedicationAdministration/own"])
    assert told(own, copy, administered("2026-02-22"), run=RUN) == (
        "40",
        [GIVEN],
        ["MedicationAdministration/own", STATED],
        [],
    )


def test_a_stopped_infusion_counts_with_its_doubt() -> None:
    stopped = administered(status="stopped", doubts=("status stopped: how much was given is not certain",))
    (shown,) = given(case(stopped), DAYS).counted
    assert shown.said.endswith("how much was given is not certain, 40 g")


def test_evidence_names_the_day_of_a_dose_and_the_entry_that_stands_for_it() -> None:
    result = given(case(order((DAY, "40")), stated(("2026-02-22", "40"), links=[ORDER])), DAYS)
    assert [e.said for e in result.counted] == [f"{IG}, {DAY}, 40 g"]
    assert [e.said for e in result.elsewhere] == [f"{IG}, reports what stands in {ORDER}"]


def test_the_rules_stand_in_words_and_every_reason_is_worded_once() -> None:
    words = content().checks[CUMULATIVE].thresholds
    assert len(words["rules"]) == 8
    assert not set(words["elsewhere"]) & set(words["not_counted"])
    assert given(case(), DAYS).rules == words["rules"]


def test_hyperimmune_globulin_is_not_in_the_book() -> None:
    assert told(infusion(DAY, "1", text="Rho(D) immune globulin")) == ("0", [], [], [])
