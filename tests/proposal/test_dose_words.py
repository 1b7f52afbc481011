"""What a clinician types as a dose: read when it can mean one thing, asked about when it can mean two, never guessed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from an_order import content
from hypothesis import given, settings
from hypothesis import strategies as st

from ivig_fhir.proposal.ambiguity import faults
from ivig_fhir.proposal.dose_phrases import Amount, Phrases, scan
from ivig_fhir.proposal.dose_words import Question, TypedDose, read_dose, with_dose, write
from ivig_fhir.proposal.selections import Selections, parse_selections

# Text; what it means: grams per kilogram of the course or grams of it, days, weeks from course to course, courses.
CLEAR = [
    ("0.4 g/kg/day x 5 days", "2 g/kg", 5, None, None),
    ("0.4 g/kg/day × 5 days", "2 g/kg", 5, None, None),
    ("0.4 g/kg/day for 5 days", "2 g/kg", 5, None, None),
    ("0.4 g/kg/d x 5d", "2 g/kg", 5, None, None),
    ("0.4 g/kg per day for five days", "2 g/kg", 5, None, None),
    ("0.4 g/kg daily x 5", "2 g/kg", 5, None, None),
    ("0.4 g/kg daily on 5 consecutive days", "2 g/kg", 5, None, None),
    ("0.4 g / kg once daily for 5 days", "2 g/kg", 5, None, None),
    ("400 mg/kg daily for 5 days", "2 g/kg", 5, None, None),
    ("400 mg/kg/day for 5 days", "2 g/kg", 5, None, None),
    ("400mg/kg each day, 5 days", "2 g/kg", 5, None, None),
    ("5 days, 400 mg/kg every day", "2 g/kg", 5, None, None),
    ("IVIG 0.4 g/kg IV daily for 5 days.", "2 g/kg", 5, None, None),
    ("0.4 g/kg on each of 5 days", "2 g/kg", 5, None, None),
    ("0.4 g/kg per infusion, 5 infusions", "2 g/kg", 5, None, None),
    ("0.4 g/kg per dose x 5 doses", "2 g/kg", 5, None, None),
    ("0.4 g/kg daily over 5 days", "2 g/kg", 5, None, None),
    ("2 g/kg over 5 days", "2 g/kg", 5, None, None),
    ("2 g/kg total over 5 days", "2 g/kg", 5, None, None),
    ("2 g/kg divided over 5 days", "2 g/kg", 5, None, None),
    ("2 g/kg equally divided into 5 doses", "2 g/kg", 5, None, None),
    ("2 g/kg in 5 divided doses", "2 g/kg", 5, None, None),
    ("total dose 2 g/kg for 5 days", "2 g/kg", 5, None, None),
    ("2 g/kg for the whole course, 5 days", "2 g/kg", 5, None, None),
    ("2000 mg/kg per course over 5 days", "2 g/kg", 5, None, None),
    ("1 g/kg daily for 2 days", "2 g/kg", 2, None, None),
    ("1 g/kg/day x 2", "2 g/kg", 2, None, None),
    ("1 g/kg each day for two days", "2 g/kg", 2, None, None),
    ("1 g/kg once", "1 g/kg", 1, None, None),
    ("1 g/kg as a single dose", "1 g/kg", 1, None, None),
    ("1 g/kg single infusion", "1 g/kg", 1, None, None),
    ("1 g/kg for 1 day", "1 g/kg", 1, None, None),
    ("2 g/kg total", "2 g/kg", None, None, None),
    ("2 g/kg whole course", "2 g/kg", None, None, None),
    ("35 g daily for 5 days", "175 g", 5, None, None),
    ("35 g/day x 5 days", "175 g", 5, None, None),
    ("35 grams every day for 5 days", "175 g", 5, None, None),
    ("35 gm per day, 5 days", "175 g", 5, None, None),
    ("35000 mg daily for 5 days", "175 g", 5, None, None),
    ("150 g over 5 days", "150 g", 5, None, None),
    ("150 g total over 5 days", "150 g", 5, None, None),
    ("400 mg/kg q4w", "0.4 g/kg", None, 4, None),
    ("400 mg/kg q 4 weeks", "0.4 g/kg", None, 4, None),
    ("0.4 g/kg every 28 days", "0.4 g/kg", None, 4, None),
    ("0.4 g/kg every 4 weeks, 6 doses", "0.4 g/kg", None, 4, 6),
    ("0.4 g/kg q4w x 6", "0.4 g/kg", None, 4, 6),
    ("1 g/kg every 3 weeks for 8 cycles", "1 g/kg", None, 3, 8),
    ("2 g/kg over 5 days every 4 weeks x 6 cycles", "2 g/kg", 5, 4, 6),
    ("0.1 g/kg once weekly", "0.1 g/kg", None, 1, None),
    ("1 g/kg every other week", "1 g/kg", None, 2, None),
]

# Text; a part of the question that has to be asked.
UNCLEAR = [
    ("150 g for 5 days", "150 g the dose of each day, or that of the whole course"),
    ("150 g x 5 days", "150 g the dose of each day, or that of the whole course"),
    ("150 g, 5 days", "150 g the dose of each day, or that of the whole course"),
    ("IVIG 150 grams for five days", "150 g the dose of each day, or that of the whole course"),
    ("5 days of 150 g", "150 g the dose of each day, or that of the whole course"),
    ("150 g x 5 doses", "150 g the dose of each day, or that of the whole course"),
    ("0.4 g/kg for 5 days", "0.4 g/kg the dose of each day"),
    ("0.4 g/kg x 5 days", "0.4 g/kg the dose of each day"),
    ("2 g/kg x 5 days", "2 g/kg the dose of each day"),
    ("2 g/kg for 5 days q4w", "2 g/kg the dose of each day"),
    ("150 g total daily for 5 days", "150 g the dose of each day"),
    ("150 g per day for the whole course", "150 g the dose of each day"),
    ("0.4 g/kg daily in divided doses", "0.4 g/kg the dose of each day"),
    ("2 g/kg", "2 g/kg the dose of each day"),
    ("0.4 g/kg", "0.4 g/kg the dose of each day"),
    ("35 g", "35 g the dose of each day"),
    ("1 g/kg x 2", "on each of 2 days, or a whole course"),
    ("1 g/kg 2 times", "on each of 2 days, or a whole course"),
    ("0.4 g/kg daily", "on how many days"),
    ("35 g each day", "on how many days"),
    ("2 g/kg over 2-5 days", "How many days: 2 to 5"),
    ("2 g/kg over 2 to 5 days", "How many days: 2 to 5"),
    ("1 g/kg daily for 1-2 days", "How many days: 1 to 2"),
    ("0.4-0.6 g/kg q4w", "0.4 to 0.6 g/kg is a range"),
    ("400 to 600 mg/kg every 4 weeks", "0.4 to 0.6 g/kg is a range"),
    ("0.4 g/kg every 3-4 weeks", "How many weeks: 3 to 4"),
    ("1 g/kg q3w for 4-6 cycles", "How many courses: 4 to 6"),
    ("0.4 g/kg monthly", "not a number of weeks"),
    ("0.4 g/kg/month", "not a number of weeks"),
    ("0.4 g/kg every month", "not a number of weeks"),
    ("0.4 g/kg q10d", "not a number of whole weeks"),
    ("0.4 g/kg biweekly", "twice a week or every two weeks"),
    ("0.4 g/kg qd for 5 days", "easily misread"),
    ("0.4 g/kg q.d. x 5 days", "easily misread"),
    ("35 g od for 2 days", "easily misread"),
    ("0.4 g/kg bid for 5 days", "not understood: “bid"),
    ("0.4 g/kg every 2 days", "not a number of whole weeks"),
    ("2 g/kg over 5 days then 1 g/kg q3w", "not understood: “then"),
    ("2 g/kg or 1 g/kg daily for 2 days", "not understood: “or"),
    ("2 g/kg 1 g/kg/day 2 days", "Which of these is the dose: 2 g/kg, 1 g/kg"),
    ("0.4 g/kg daily for 5 days x 3 days", "Different numbers of days"),
    ("1 g/kg once daily for 5 days once", "Different numbers of days"),
    (".4 g/kg daily for 5 days", "not understood: “.4"),
    ("0,4 g/kg daily for 5 days", "not understood: “0,4"),
    ("05 g daily for 5 days", "not understood: “05"),
    ("1,000 mg/kg daily for 2 days", "not understood: “1,000"),
    ("35 gr daily for 5 days", "not understood: “35 gr"),
    ("400 mL daily for 5 days", "not understood: “400 ml"),
    ("2 mg/kg/min", "not understood: “/min"),
    ("5 days", "How much?"),
    ("0 g/kg daily for 5 days", "is not a dose"),
    ("0.4 g/kg daily for 0 days", "cannot be ordered"),
    ("0.4 g/kg daily for 2.5 days", "cannot be ordered"),
    ("0.4 g/kg daily for 500 days", "cannot be ordered"),
    ("99999999 g daily for 5 days", "is not a dose"),
    ("the usual", "not understood: “the usual"),
    ("", "Type one dose"),
    ("2 g/kg " * 40, "Type one dose"),
]


@pytest.mark.parametrize(("text", "course", "days", "weeks", "cycles"), CLEAR)
def test_a_clear_text_is_one_dose(text: str, course: str, days: int | None, weeks: int | None, cycles: int | None) -> None:
    read = read_dose(text, content())
    assert isinstance(read, TypedDose), read
    number, unit = course.split()
    assert (read.per_kg, read.course_g) == ((Decimal(number), None) if unit == "g/kg" else (None, Decimal(number)))
    assert (read.days, read.interval_weeks, read.cycles) == (days, weeks, cycles)


@pytest.mark.parametrize(("text", "asked"), UNCLEAR)
def test_an_unclear_text_is_asked_about(text: str, asked: str) -> None:
    read = read_dose(text, content())
    assert isinstance(read, Question)
    assert asked in read.asked


def test_there_are_as_many_of_both_as_a_safe_reader_is_tried_with() -> None:
    assert len(CLEAR) >= 50
    assert len(UNCLEAR) >= 50


def test_the_published_overdose_is_asked_about_in_grams_of_each_day() -> None:
    read = read_dose("150 g for 5 days", content())
    assert isinstance(read, Question)
    assert [o.label for o in read.options] == ["30 g each day, on 5 days", "150 g each day, on 5 days"]
    whole, each = (read_dose(o.text, content()) for o in read.options)
    assert isinstance(whole, TypedDose) and (whole.course_g, whole.days) == (Decimal(150), 5)
    assert isinstance(each, TypedDose) and (each.course_g, each.days) == (Decimal(750), 5)


@pytest.mark.parametrize("text", [t for t, _ in UNCLEAR])
def test_every_answer_that_is_offered_leads_to_a_dose(text: str) -> None:
    waiting, seen = [text], set()
    while waiting:
        at = waiting.pop()
        assert at not in seen, f"{at} is asked about in a circle"
        seen.add(at)
        read = read_dose(at, content())
        if isinstance(read, Question):
            waiting += [o.text for o in read.options]


@pytest.mark.parametrize("text", [t for t, *_ in CLEAR] + [t for t, _ in UNCLEAR])
def test_nothing_that_is_said_back_can_be_read_as_a_course_on_one_day(text: str) -> None:
    read = read_dose(text, content())
    shown = [read.understood] if isinstance(read, TypedDose) else [o.label for o in read.options]
    for said in shown:
        back = read_dose(said, content())
        total = back.course_g if isinstance(back, TypedDose) else None
        one = total / (back.days or 1) if isinstance(back, TypedDose) and total is not None else None
        assert list(faults(said, one, {total} if total is not None else set())) == []


@pytest.mark.parametrize("text", [t for t, *_ in CLEAR])
def test_what_was_understood_reads_back_to_the_same_dose(text: str) -> None:
    read = read_dose(text, content())
    assert isinstance(read, TypedDose)
    back = read_dose(read.understood, content())
    assert isinstance(back, TypedDose)
    assert replace(back, understood=read.understood) == read


NUMBERS = st.decimals(min_value="0.1", max_value=20, places=1)
SPANS = st.integers(2, 20).map(lambda n: ((Decimal(n), Decimal(n)),))


@st.composite
def phrases(draw: st.DrawFn) -> Phrases:
    """A dose that is clear, in any of the forms of the grammar."""
    number = draw(NUMBERS)
    amount = Amount(number, number, draw(st.sampled_from(["g", "g/kg"])))
    each = draw(st.booleans())
    counts = {draw(st.sampled_from(["days", "doses"])): draw(SPANS)}
    weeks, cycles = draw(st.sampled_from([(), ((Decimal(4), Decimal(4)),)])), draw(st.one_of(st.just(()), SPANS))
    return Phrases(amounts=(amount,), each=each, whole=not each, weeks=weeks, cycles=cycles if weeks else (), **counts)


@settings(max_examples=200, deadline=None)
@given(phrases())
def test_a_dose_in_the_words_of_the_grammar_reads_back_exactly(said: Phrases) -> None:
    read = read_dose(write(said), content())
    assert isinstance(read, TypedDose)
    amount, count = said.amounts[0], int((said.days or said.doses)[0][0])
    assert (read.per_kg or read.course_g) == amount.low * (count if said.each else 1)
    assert read.days == count
    assert read.cycles == (int(said.cycles[0][0]) if said.cycles else None)


@settings(max_examples=100, deadline=None)
@given(phrases(), st.randoms(use_true_random=False))
def test_the_order_of_the_phrases_does_not_matter(said: Phrases, shuffle: object) -> None:
    kinds = ("amounts", "each", "whole", "days", "doses", "weeks", "cycles")
    parts = [write(Phrases(**{k: getattr(said, k)})) for k in kinds]
    shuffle.shuffle(parts)  # type: ignore[attr-defined]
    assert scan(", ".join(p for p in parts if p)) == said


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789.,/- gmkxdayswekt", max_size=30))
def test_any_text_is_a_dose_or_a_question_and_a_count_is_never_guessed(text: str) -> None:
    read = read_dose(text, content())
    if isinstance(read, TypedDose) and read.days is not None and read.days > 1:
        found = scan(text)
        assert found.each or found.whole or found.over


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=110))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(read_dose(text, content()), TypedDose | Question)


def test_a_typed_dose_takes_the_place_of_dose_days_and_series_and_of_nothing_else() -> None:
    before = parse_selections({"indication": "cidp", "dates": ["2026-03-02", "2026-03-05"], "cycles": 3, "dose": {"course_g": "70"}})
    read = read_dose("0.4 g/kg daily for 5 days", content())
    assert isinstance(read, TypedDose)
    after = with_dose(before, read)
    assert (after.indication, after.per_kg, after.course_g, after.days, after.dates) == ("cidp", Decimal(2), None, 5, None)
    assert (after.cycles, after.given) == (None, ("days", "dose", "indication"))


def test_what_the_text_leaves_open_stays_a_default() -> None:
    read = read_dose("0.4 g/kg q4w", content())
    assert isinstance(read, TypedDose)
    assert with_dose(Selections(), read).days is None
