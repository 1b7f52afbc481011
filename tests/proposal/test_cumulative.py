"""Grams given in the rolling days: each dose once, what cannot be counted named, this run left out."""

from __future__ import annotations

from decimal import Decimal

import pytest
from a_case import IG, RUN, case, drug, infusion

from ivig_fhir.proposal.cumulative import given

DAYS = Decimal(28)
ORDER = "request/o1"


def order(state: str, *doses: tuple[str, str | None], when: str | None = "2026-02-01", **more: object) -> object:
    return drug("request", state, code_=IG, when=when, id="o1", doses=doses, **more)


def dispense(when: str, grams: str | None, request: str = ORDER) -> object:
    return drug("dispense", "given", code_=IG, when=when, grams=grams, request=request)


@pytest.mark.parametrize(
    ("when", "grams"),
    [
        ("2026-02-02T09:00:00Z", "0"),  # exactly 28 days: outside
        ("2026-02-02T09:00:01Z", "70"),
        ("2026-02-02", "70"),  # a day may end later than its first moment
        ("2026-02-01", "0"),
        ("2026-03-02T09:00:00Z", "70"),
    ],
)
def test_the_far_end_of_the_window_is_outside(when: str, grams: str) -> None:
    assert given(case(infusion(when)), DAYS).grams == Decimal(grams)


def test_an_administration_stands_for_its_order_and_its_dispense() -> None:
    chart = case(
        infusion("2026-02-20", "40", request=ORDER),
        dispense("2026-02-19", "50"),
        order("recent", ("2026-02-20", "50")),
    )
    assert given(chart, DAYS).grams == 40


def test_an_order_is_found_by_its_run_as_well_as_by_its_reference() -> None:
    chart = case(infusion("2026-02-20", "40", run="urn:uuid:x"), order("recent", ("2026-02-20", "50"), run="urn:uuid:x"))
    assert given(chart, DAYS).grams == 40


def test_without_an_administration_the_dispense_counts_and_the_order_does_not() -> None:
    assert given(case(dispense("2026-02-19", "50"), order("recent", ("2026-02-20", "60"))), DAYS).grams == 50


@pytest.mark.parametrize(
    ("state", "when", "grams"),
    [("recent", "2026-02-20", "60"), ("active", "2026-02-20", "60"), ("active", "2026-03-02", "0"), ("active", "2026-03-09", "0")],
)
def test_dated_doses_of_an_order_count_once_their_date_is_past(state: str, when: str, grams: str) -> None:
    assert given(case(order(state, (when, "60"))), DAYS).grams == Decimal(grams)


def test_an_order_that_waits_counts_nothing() -> None:
    result = given(case(order("pending", ("2026-02-20", "60"))), DAYS)
    assert (result.grams, result.not_counted) == (0, ())


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (infusion("2026-02-20", None), "no coded dose"),
        (infusion(None, "40"), "no date"),
        (order("recent", ("2026-02-20", None)), "no coded dose"),
        (order("recent", ended="2026-02-20"), "no dated doses"),
        (order("recent", ("2026-02-20", "40"), status="stopped"), "stopped"),
    ],
)
def test_what_cannot_be_counted_is_named_and_never_zero(fact: object, words: str) -> None:
    result = given(case(fact), DAYS)
    assert result.grams == 0
    assert [words in e.said for e in result.not_counted] == [True]


def test_a_dispense_without_an_order_may_be_an_administration_and_is_not_added() -> None:
    alone = given(case(dispense("2026-02-19", "50", request="")), DAYS)
    beside = given(case(dispense("2026-02-19", "50", request=""), infusion("2026-02-20", "40")), DAYS)
    assert (alone.grams, beside.grams, len(beside.not_counted)) == (50, 40, 1)


def test_what_belongs_to_this_run_is_this_order() -> None:
    assert given(case(infusion("2026-03-01", "35", run=RUN), infusion("2026-02-20", "40"), run=RUN), DAYS).grams == 40


def test_hyperimmune_globulin_is_no_immunoglobulin_therapy() -> None:
    chart = case(drug("administration", "given", "Rho(D) immune globulin", when="2026-02-20", grams="1"))
    assert given(chart, DAYS).evidence == ()


def test_evidence_says_how_many_grams_were_counted() -> None:
    assert [e.said for e in given(case(infusion("2026-02-20", "40.0")), DAYS).counted] == [f"{IG}, 40 g"]
