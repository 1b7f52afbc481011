"""Allergies: what the patient must not get, what says "no known allergies", and what only says that nobody asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ivig_fhir.chart.answers import Resource
from ivig_fhir.chart.facts import Allergy, Source
from ivig_fhir.fhir.codes import NDC, RXNORM, SNOMED, UNII, ValueSet, codings, texts
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.reading import called, notes, parts, short, status_among, word

NEGATIONS = ("no-known-allergy", "no-known-drug-allergy")
NOT_ASKED = "allergies-not-asked"

_DROPPED = ("refuted", "entered-in-error")
_SOFT = ("unconfirmed", "presumed")
_HISTORY = ("inactive", "resolved")
_READ = (SNOMED, RXNORM, UNII, NDC)  # the systems whose codes the checks read in allergies


def read_allergies(intolerances: Iterable[Resource], value_sets: Mapping[str, ValueSet]) -> tuple[Allergy, ...]:
    """The AllergyIntolerances that were neither refuted nor entered in error; unconfirmed ones count.

    "Not on file" and the like are marked `not_asked`: neither an allergy nor their absence. See: CONTRACTS, precise point 12.
    """
    return tuple(_allergy(a, value_sets) for a in intolerances if not status_among(a.get("verificationStatus"), _DROPPED))


def _allergy(intolerance: Resource, value_sets: Mapping[str, ValueSet]) -> Allergy:
    concept = intolerance.get("code")
    reactions = parts(intolerance, "reaction")
    about = [concept, *(r.get("substance") for r in reactions)]
    shown = [m for r in reactions for m in parts(r, "manifestation")]
    negation = any(_says(value_sets.get(name), concept) for name in NEGATIONS)
    soft = status_among(intolerance.get("verificationStatus"), _SOFT)
    history = status_among(intolerance.get("clinicalStatus"), _HISTORY)
    manifested = tuple(t for m in shown for t in texts(m))
    words = [next((called(c) for c in about if called(c)), "Allergy without a code or a name"), *manifested[:2], soft, history]
    return Allergy(
        codes=tuple(dict.fromkeys(c for a in about for c in codings(a))),
        texts=tuple(dict.fromkeys(t for a in about for t in texts(a))),
        active=not history,
        soft=bool(soft),
        criticality=word(intolerance, "criticality"),
        severities=tuple(dict.fromkeys(word(r, "severity") for r in reactions if word(r, "severity"))),
        manifestations=tuple(dict.fromkeys(c for m in shown for c in codings(m))),
        manifestation_texts=tuple(dict.fromkeys(manifested)),
        negation=negation,
        not_asked=not negation and _says(value_sets.get(NOT_ASKED), concept),
        source=Source.of(intolerance, parse_time(intolerance.get("onsetDateTime")) or parse_time(intolerance.get("recordedDate"))),
        said=short(", ".join(dict.fromkeys(w for w in words if w))),
        notes=(*notes(intolerance), *(t for r in reactions for t in (word(r, "description"), *notes(r)) if t)),
    )


def _says(chosen: ValueSet | None, concept: object) -> bool:
    """Whether an entry denies, or says that nobody asked: by its code, or by its words where no code names a substance beside them."""
    codes = codings(concept)
    if chosen is None or chosen.by_code(codes):
        return chosen is not None
    return bool(chosen.by_text(texts(concept))) and not any(c.system in _READ for c in codes)
