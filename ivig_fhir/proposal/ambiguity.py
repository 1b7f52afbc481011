"""Words that could be read as another dose: a course total as one day's dose, error-prone abbreviations, bare or trailing zeros."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.reading import part

_AMOUNT = re.compile(r"(?<![\d.,/×x])(\d+(?:\.\d+)?)\s?(?:g|grams?)\b(?!/)", re.IGNORECASE)
# What turns an amount into one that is given again and again.
_DAILY = re.compile(
    r"\b(?:daily|per day|a day|each day|every day|once on each|on each (?:of|day|date)|(?:per|each|one) infusion|q\s?24\s?h|q\.?d\.?)"
    r"|(?:×|\bx)\s?\d+\s?(?:d|days?)\b|\bfor \d+ days\b|/\s?d(?:ay)?\b",
    re.IGNORECASE,
)
_FORBIDDEN = (
    (re.compile(r"\b(?:total|whole)\s+(?:per|a|each)\s+day\b|\btotal\s+daily\b", re.IGNORECASE), "a total of a day"),
    (re.compile(r"(?<![\w.])q\.?[do]\.?d?\.?(?![\w])", re.IGNORECASE), "QD or QOD"),
    (re.compile(r"\d\s?U\b|\bIU\b"), "U for units"),
    (re.compile(r"\d\s?cc\b", re.IGNORECASE), "cc for mL"),
    (re.compile(r"[μµ]g\b"), "μg for micrograms"),
    (re.compile(r"(?<![\d.])\.\d+\s?(?:g|mg|mL|kg)\b"), "a number without its leading zero"),
    (re.compile(r"(?<![\d.])\d+\.0+\s?(?:g|mg)\b(?!/)"), "a dose with a trailing zero"),
    (re.compile(r"\bg\s?/\s?(?:d|day)\b|\bgrams? (?:per|a) day\b", re.IGNORECASE), "grams a day: of the course or of one infusion"),
)
_SENTENCE = re.compile(r"(?<=[.;:!?])\s+|\n+|</p>")
_NOT_PROSE = frozenset({"reference", "url", "system", "code", "identifier", "fullUrl", "value", "id", "contentType"})


def ambiguities(resource: Mapping[str, Any], course_g: Decimal | None = None, one_g: Decimal | None = None) -> list[str]:
    """Every text of a resource that can be read as another dose, as `path: why`; an empty list when none can.

    `course_g` is the total of the course and `one_g` the grams of one infusion (a course of one infusion has no total of its own); for the
    IVIG order itself both are read from the resource. A sentence that names the total together with a word of repetition is refused,
    because whoever reads it may give the total each time.
    """
    one, totals = coded_doses(resource)
    one = one if one is not None else one_g
    if course_g is not None:
        totals = totals | {course_g}
    found = []
    for path, text in _texts(resource, ""):
        found += [f"{path}: {why}" for why in faults(text, one, totals)]
    return found


def faults(text: str, one: Decimal | None, totals: frozenset[Decimal] | set[Decimal]) -> Iterator[str]:
    """Why one text can be read as another dose: grams of one infusion as `one`, grams of a course or a series as `totals`."""
    for pattern, why in _FORBIDDEN:
        if pattern.search(text):
            yield why
    for sentence in _SENTENCE.split(text):
        amounts = {Decimal(a) for a in _AMOUNT.findall(sentence)}
        if (amounts & totals) - {one} and _DAILY.search(sentence):
            yield "the total of the course stands beside a word for every day or infusion"


def coded_doses(resource: Mapping[str, Any]) -> tuple[Decimal | None, set[Decimal]]:
    """Grams of one infusion, and the totals that the resource states: of the course and of the whole supply."""
    dosages = resource.get("dosageInstruction")
    dosage = dosages[0] if isinstance(dosages, list) and dosages and isinstance(dosages[0], dict) else {}
    one = _grams(dosage.get("maxDosePerAdministration"))
    supply = _grams(part(resource, "dispenseRequest").get("quantity"))
    course = _grams(part(dosage, "maxDosePerPeriod").get("numerator"))
    return one, {t for t in (supply, course) if t is not None}


def _grams(element: Any) -> Decimal | None:
    value = element.get("value") if isinstance(element, dict) and element.get("code") == "g" else None
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _texts(element: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(element, dict):
        for key, value in element.items():
            if key not in _NOT_PROSE or isinstance(value, dict | list):
                yield from _texts(value, f"{path}.{key}" if path else str(key))
    elif isinstance(element, list):
        for number, value in enumerate(element):
            yield from _texts(value, f"{path}[{number}]")
    elif isinstance(element, str):
        yield path, element
