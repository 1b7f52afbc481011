"""Problems: the Conditions that count, with clinical and verification status as R4 means them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import tzinfo

from ivig_fhir.chart.answers import Resource
from ivig_fhir.chart.facts import Problem, Source
from ivig_fhir.fhir.codes import codings, texts
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import called, notes, part, parts, short, status_among, word

_DROPPED = ("refuted", "entered-in-error")
_SOFT = ("unconfirmed", "provisional", "differential")
_HISTORY = ("inactive", "remission", "resolved")
_WORD, _STEM = re.compile(r"\w{3,}"), 5
_CLINICAL = ("active", "recurrence", "relapse", *_HISTORY)


def read_problems(conditions: Iterable[Resource], zone: tzinfo) -> tuple[Problem, ...]:
    """The Conditions that were neither refuted nor entered in error.

    Without a clinical status a Condition is active, also where an end is recorded: that is a doubt, not a resolution. Codes and texts are
    both kept, because either may name the disease alone; ICD-9 keeps its own system.
    """
    return tuple(_problem(c, zone) for c in conditions if not status_among(c.get("verificationStatus"), _DROPPED))


def _problem(condition: Resource, zone: tzinfo) -> Problem:
    concept = condition.get("code")
    status = status_among(condition.get("clinicalStatus"), _CLINICAL)
    soft = status_among(condition.get("verificationStatus"), _SOFT)
    onset = _onset(condition, zone)
    recorded = parse_time(condition.get("recordedDate"), zone)
    ended = any(name.startswith("abatement") for name in condition)
    words = [_called(concept), status, soft, f"since {onset.text}" if onset else ""]
    return Problem(
        codes=codings(concept),
        texts=texts(concept),
        active=status not in _HISTORY,
        soft=bool(soft),
        onset=onset,
        recorded=recorded,
        source=Source.of(condition, onset or recorded),
        said=short(", ".join(w for w in words if w)),
        doubts=("an end is recorded, but no clinical status",) if ended and not status else (),
        notes=(*notes(condition), *(t for e in parts(condition, "evidence") for c in parts(e, "code") for t in texts(c))),
    )


def _called(concept: object) -> str:
    """What a condition is called; where its text and the names of its codes have no word in common, both."""
    text, named = word(concept, "text"), [word(c, "display") for c in parts(concept, "coding") if word(c, "display")]
    other = next(iter(named), "")
    if text and other and not any(_stems(text) & _stems(name) for name in named):
        return f"{text}, coded as {other}"
    return called(concept) or "Condition without a code or a name"


def _stems(text: str) -> set[str]:
    """The beginnings of its words, so that "renal" and "renally" are one."""
    return {w[:_STEM] for w in _WORD.findall(text.lower())}


def _onset(condition: Resource, zone: tzinfo) -> FhirTime | None:
    return parse_time(condition.get("onsetDateTime"), zone) or parse_time(part(condition, "onsetPeriod").get("start"), zone)
