"""Phrases: what stands in a dose as a clinician types it, one phrase after the other; words outside the grammar are left over."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from ivig_fhir.fhir.quantity import Quantity, plain
from ivig_fhir.fhir.units import convert

Span = tuple[Decimal, Decimal]  # low and high; both the same for a single number


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of immunoglobulin, low and high, in `g` or `g/kg`."""

    low: Decimal
    high: Decimal
    unit: str

    @property
    def text(self) -> str:
        """As a person writes it: `0.4 g/kg`."""
        return f"{said(self.low, self.high)} {self.unit}"


@dataclass(frozen=True, slots=True)
class Phrases:
    """Everything that one text says, nothing concluded yet. Counts are spans; `marks` are unclear words, as (mark, what was typed).

    `each`: the amount is said to be that of one day or infusion; `whole`: that of the course; `over`: it is given over the days.
    """

    amounts: tuple[Amount, ...] = ()
    each: bool = False
    whole: bool = False
    over: bool = False
    once: bool = False
    days: tuple[Span, ...] = ()
    doses: tuple[Span, ...] = ()
    times: tuple[Span, ...] = ()
    weeks: tuple[Span, ...] = ()
    cycles: tuple[Span, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    unread: str = ""


Note = Callable[[Phrases, re.Match[str]], Phrases]
_N = r"(?:0|[1-9]\d*)(?:\.\d+)?"  # neither a bare point nor a leading zero: both are how a tenfold error looks
_R = rf"(?P<low>{_N})(?:\s*(?:-|to)\s*(?P<high>{_N}))?"
_NUMBERS = {"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "ten": "10"}
_SPELLED = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b")
_DAYS_OF_A_WEEK = Decimal(timedelta(weeks=1).days)


def scan(text: str) -> Phrases:
    """The phrases of a text, in any order. From the first word that is none of the grammar, the rest is `unread`."""
    typed, found, at = normal(text), Phrases(), 0
    while at < len(typed):
        match, note = next(((m, n) for p, n in _GRAMMAR if (m := p.match(typed, at))), (None, None))
        if match is None or note is None:
            return replace(found, unread=typed[at:].strip())
        found, at = note(found, match), match.end()
    return found


def normal(text: str) -> str:
    """The text in lower case, with plain spaces, hyphens and multiplication signs, and small numbers as digits."""
    typed = re.sub(r"[‐-―−]", "-", text.lower().replace("×", " x ").replace("*", " x "))
    return _SPELLED.sub(lambda m: _NUMBERS[m[0]], re.sub(r"\s+", " ", typed).strip())


def said(low: Decimal, high: Decimal) -> str:
    """`5`, or `2 to 5`."""
    return plain(low) if low == high else f"{plain(low)} to {plain(high)}"


def _span(match: re.Match[str]) -> Span:
    low = Decimal(match["low"])
    return low, Decimal(match["high"]) if match["high"] else low


def _amount(found: Phrases, match: re.Match[str]) -> Phrases:
    low, high = _span(match)
    if match["unit"].startswith("m"):
        low, high = (convert(Quantity(n, "mg"), "g").value for n in (low, high))
    return replace(found, amounts=(*found.amounts, Amount(low, high, "g/kg" if match["kg"] else "g")))


def _interval(found: Phrases, match: re.Match[str]) -> Phrases:
    low, high = _span(match)
    if match["in_days"]:
        if low % _DAYS_OF_A_WEEK or high % _DAYS_OF_A_WEEK:
            return _mark("interval")(found, match)
        low, high = low / _DAYS_OF_A_WEEK, high / _DAYS_OF_A_WEEK
    return replace(found, weeks=(*found.weeks, (low, high)))


def _weeks(number: int) -> Note:
    return lambda found, match: replace(found, weeks=(*found.weeks, (Decimal(number), Decimal(number))))


def _fact(*names: str) -> Note:
    return lambda found, match: replace(found, **dict.fromkeys(names, True))  # type: ignore[arg-type]


def _count(kind: str, *names: str) -> Note:
    return lambda found, match: replace(_fact(*names)(found, match), **{kind: (*getattr(found, kind), _span(match))})  # type: ignore[arg-type]


def _mark(name: str) -> Note:
    return lambda found, match: replace(found, marks=(*found.marks, (name, match[0].strip())))


def _phrase(pattern: str, note: Note) -> tuple[re.Pattern[str], Note]:
    return re.compile(rf"\s*(?:{pattern})(?![a-z0-9])"), note


# In this order, the first that fits is taken. For a mark, content says what is asked.
_GRAMMAR: tuple[tuple[re.Pattern[str], Note], ...] = (
    _phrase(rf"{_R}\s*(?P<unit>g|gm|gms|grams?|mg|milligrams?)(?P<kg>\s*(?:/|per)\s*kg(?: (?:bw|body ?weight))?)?", _amount),
    _phrase(rf"on each of {_R} (?:consecutive )?days?", _count("days", "each")),
    _phrase(r"(?:once )?(?:daily|(?:a|per|each|every|on each) day)|/\s*d(?:ay)?", _fact("each")),
    _phrase(r"(?:per|each|every|for each) (?:infusion|dose)|/\s*(?:infusion|dose)", _fact("each")),
    _phrase(r"(?:(?:for|per) (?:the )?|/\s*)(?:(?:whole|entire|full) )?(?:course|cycle)", _fact("whole")),
    _phrase(r"(?:in )?total(?: (?:dose|course))?|(?:whole|entire|full|each|every) (?:course|cycle)|each time", _fact("whole")),
    _phrase(rf"in {_R} (?:equal(?:ly)? )?(?:divided )?(?:daily )?(?:doses?|infusions?)", _count("doses", "whole")),
    _phrase(r"(?:equally )?(?:divided|split)(?: equally)?(?: (?:over|into|in|between))?|in (?:equally )?divided doses", _fact("whole")),
    _phrase(rf"over {_R} ?(?:consecutive )?days?", _count("days", "over")),
    # A lone d is a day or a dose; with one infusion a day both are the same number.
    _phrase(rf"(?:(?:for|x|on) ?)?{_R} ?(?:consecutive )?d(?:ays?)?", _count("days")),
    _phrase(rf"(?:(?:for|x) ?)?{_R} ?(?:doses?|infusions?)", _count("doses")),
    _phrase(r"(?:once )?weekly|(?:once )?(?:every|a|per|each) week|/\s*week", _weeks(1)),
    _phrase(r"(?:as )?(?:a )?single(?: (?:dose|infusion))?|once(?! (?:a|per))", _fact("once")),
    _phrase(rf"(?:(?:every|q\.?) ?|(?:/|per) ?){_R} ?(?:weeks?|wks?|w|(?P<in_days>days?|d))", _interval),
    _phrase(r"fortnightly|every (?:other|second) week", _weeks(2)),
    _phrase(rf"(?:(?:for|x) ?)?{_R} ?(?:cycles?|courses?)", _count("cycles")),
    _phrase(r"monthly|(?:once )?(?:every|per|each|a) month|/\s*month|q\.? ?month(?:ly)?", _mark("month")),
    _phrase(r"bi-?weekly", _mark("biweekly")),
    _phrase(r"q\.? ?d\.?|o\.?d\.?", _mark("daily")),
    _phrase(rf"(?:x ?|(?={_N} times)){_R}(?: times)?", _count("times")),
    _phrase(r"iv|i\.v\.|ivig|intravenous(?:ly)?|immunoglobulin|immune globulin|give|infuse|of", _fact()),
    (re.compile(r"\s*[,;.:](?=\s|$)"), _fact()),  # never before a digit: ".4" must not become 4
)
