"""A dose as a clinician types it: read into selections when it can mean one thing only, asked about when it can mean two.

    dose      amount, what it is of, how often; in any order, and every word is understood or the text is refused
    amount    a number with g, mg, g/kg or mg/kg
    each      each day, daily, per infusion           the amount is that of one day
    whole     total, whole course, over, divided      the amount is that of the course
    count     N days, N doses, once
    interval  every N weeks, q4w, weekly              and then N cycles, or x N

A count above one without `each` or `whole` is never guessed: "150 g for 5 days" has been given as 150 g on one day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.quantity import half_up, plain
from ivig_fhir.proposal.dose_phrases import Phrases, normal, said, scan
from ivig_fhir.proposal.dose_questions import Doubt, count_of, courses_in, doubts
from ivig_fhir.proposal.selections import Selections

_LONGEST = 100  # characters; a dose is said in fewer


@dataclass(frozen=True, slots=True)
class TypedDose:
    """What a text says: grams per kilogram of the course or grams of it, days, weeks from course to course, courses.

    None: the text leaves it to the content. `understood` says it in words that cannot be read as another dose.
    """

    per_kg: Decimal | None
    course_g: Decimal | None
    days: int | None
    interval_weeks: Decimal | None
    cycles: int | None
    understood: str


@dataclass(frozen=True, slots=True)
class Option:
    """One meaning that a text may have: in words, and as a text that says it with less doubt or none."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What has to be answered before a text is a dose."""

    asked: str
    options: tuple[Option, ...] = ()


def read_dose(text: str, content: Content) -> TypedDose | Question:
    """The dose that a text says, or the question that has to be asked first. Nothing is guessed and no word passed over."""
    words: Mapping[str, Any] = content.constants["dose_words"]
    typed = normal(text)
    if not typed or len(typed) > _LONGEST:
        return Question(words["empty"])
    found = scan(text)
    doubt = next(doubts(found), None) if found.unread or not found.marks else None
    if doubt is None and found.marks:
        return _marked(found, typed, content)
    if doubt is None:
        return _dose(found, words)
    asked = words[doubt.ask].format(**_named(doubt, words))
    return Question(asked, tuple(_option(write(m), content) for m in doubt.meanings))


def with_dose(selections: Selections, dose: TypedDose) -> Selections:
    """The selections with a typed dose in place of dose, days, dates and series; what the text leaves open is a default again."""
    replaced = ("dose", "days", "dates", "interval_weeks", "cycles")
    typed = {"dose", *(k for k in ("days", "interval_weeks", "cycles") if getattr(dose, k) is not None)}
    return replace(
        selections,
        per_kg=dose.per_kg,
        course_g=dose.course_g,
        days=dose.days,
        dates=None,
        interval_weeks=dose.interval_weeks,
        cycles=dose.cycles,
        given=tuple(sorted({*(k for k in selections.given if k not in replaced), *typed})),
    )


def write(found: Phrases) -> str:
    """The phrases as a text that reads back to the same."""
    parts = [a.text for a in found.amounts]
    parts += ["each day"] if found.each else []
    parts += ["whole course"] if found.whole else []
    parts += ["once"] if found.once else []
    parts += [f"{'over ' if found.over else 'for '}{said(*s)} days" for s in found.days]
    parts += [f"{said(*s)} doses" for s in found.doses]
    parts += [f"every {said(*s)} weeks" for s in found.weeks]
    parts += [f"x {said(*s)}" for s in found.times]
    parts += [f"{said(*s)} cycles" for s in found.cycles]
    return " ".join(parts)


def _option(text: str, content: Content) -> Option:
    """A meaning, labelled with what it would be understood as; with its own words where something is still open."""
    read = read_dose(text, content)
    return Option(read.understood if isinstance(read, TypedDose) else text, text)


def _marked(found: Phrases, typed: str, content: Content) -> Question:
    """The question about the first unclear word, and the text with clear words in its place."""
    mark, word = found.marks[0]
    asked, instead = content.constants["dose_marks"][mark]
    return Question(asked.format(word=word), tuple(_option(normal(typed.replace(word, f" {clear} ", 1)), content) for clear in instead))


def _named(doubt: Doubt, words: Mapping[str, Any]) -> dict[str, str]:
    return {**doubt.values, "kind": words.get(f"kind_{doubt.values['kind']}", "")} if "kind" in doubt.values else doubt.values


def _dose(found: Phrases, words: Mapping[str, Any]) -> TypedDose:
    amount, count = found.amounts[0], count_of(found)
    days = None if count is None else int(count[0])
    course = amount.low * days if found.each and days is not None else amount.low
    weeks = found.weeks[0][0] if found.weeks else None
    repeats = courses_in(found)
    cycles = int(repeats[0][0]) if repeats else None
    per_kg, grams = (course, None) if amount.unit == "g/kg" else (None, course)
    return TypedDose(per_kg, grams, days, weeks, cycles, _understood(found, course, days, weeks, cycles, words))


def _understood(
    found: Phrases, course: Decimal, days: int | None, weeks: Decimal | None, cycles: int | None, words: Mapping[str, Any]
) -> str:
    """Grams always as those of each day; grams per kilogram as they were said, with what they are of."""
    unit = found.amounts[0].unit
    values = {"days": days, "weeks": "" if weeks is None else plain(weeks), "cycles": cycles, "amount": f"{plain(course)} {unit}"}
    if days is None:
        key = "is_course" if weeks is None else "is_each_time"
    elif days == 1:
        key = "is_once"
    elif unit == "g":
        key, values["amount"] = "is_each", f"{plain(half_up(course / days, '0.1'))} g"
    elif found.each:
        key, values["amount"] = "is_each", found.amounts[0].text
    else:
        key = "is_divided"
    every = [] if weeks is None else ["is_weekly" if weeks == 1 else "is_every"]
    parts = [key, *every, *(["is_repeated"] if cycles is not None else [])]
    return ", ".join(words[p].format(**values) for p in parts)
