"""From Answers to the ChartSnapshot: every reader once, what could not be named kept as a gap, and the digest of all that was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo

from ivig_fhir.chart.allergies import read_allergies
from ivig_fhir.chart.answers import Answer, Answers, Oddity, Reason, Resource
from ivig_fhir.chart.drugs import read_drugs
from ivig_fhir.chart.events import read_events
from ivig_fhir.chart.facts import Drug, Person
from ivig_fhir.chart.gaps import READ_TYPES
from ivig_fhir.chart.observations import read_observations
from ivig_fhir.chart.papers import read_papers
from ivig_fhir.chart.person import read_person
from ivig_fhir.chart.problems import read_problems
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.fhir.building import digest, fingerprint
from ivig_fhir.fhir.reading import word

# Parts of a resource that say nothing clinical: two answers may differ in them without a change in the record.
_NOT_CONTENT = ("meta", "text")


def read_chart(answers: Answers, content: Content, now: datetime, zone: tzinfo) -> ChartSnapshot:
    """All facts of one patient as of `now` (aware); a date without an offset is the site's `zone`.

    Whatever is malformed is passed over and named; nothing that could not be read looks empty.
    """
    answers = Answers(answers.patient, {t: _only_own_type(a) for t, a in answers.by_type.items()}, answers.oddities)
    readings = read_observations(answers.of("Observation").resources, content.panels, now, zone)
    drugs = read_drugs(answers, now, zone)
    person = read_person(answers.patient, now)
    return ChartSnapshot(
        patient=person,
        now=now,
        zone=zone,
        answers={"Patient": Answer("Patient", (answers.patient,)), **_with_unknown_medicines(answers.by_type, drugs)},
        measurements=readings.measurements,
        unusable=readings.unusable,
        problems=read_problems(answers.of("Condition").resources, zone),
        allergies=read_allergies(answers.of("AllergyIntolerance").resources, content.value_sets),
        drugs=drugs,
        events=read_events(answers, zone),
        papers=read_papers(answers, zone),
        oddities=record_oddities(answers, person, now),
        digest=chart_digest(answers),
        candidates=readings.candidates,
    )


def _only_own_type(answer: Answer) -> Answer:
    """A search with `_include` brings Medications along; they stay, everything else of another type goes."""
    kept = tuple(r for r in answer.resources if word(r, "resourceType") in (answer.type, "Medication"))
    return replace(answer, resources=kept) if len(kept) != len(answer.resources) else answer


def _with_unknown_medicines(by_type: Mapping[str, Answer], drugs: Iterable[Drug]) -> Mapping[str, Answer]:
    """Types that hold an entry whose medicine is not known at all were read only in part: the unknown may be what a check looks for."""
    nameless: dict[str, int] = {}
    for drug in drugs:
        if not drug.codes and not drug.texts:
            type_ = drug.source.reference.partition("/")[0]
            nameless[type_] = nameless.get(type_, 0) + 1
    return {
        type_: replace(answer, problem=Reason.NOT_READABLE, said=f"{type_}: the medicine of {nameless[type_]} entries could not be read.")
        if type_ in nameless and answer.complete
        else answer
        for type_, answer in by_type.items()
    }


def record_oddities(answers: Answers, person: Person, now: datetime) -> tuple[Oddity, ...]:
    """What is odd about the record as a whole: what reading passed over, then what the Patient says that cannot be used."""
    found = list(answers.oddities)
    if person.birth_said and person.birth_date is None:
        found.append(Oddity(person.reference, "The birth date is not a full date."))
    elif person.birth_date is not None and person.birth_date > now.date():
        found.append(Oddity(person.reference, "The birth date is in the future."))
    if not person.active:
        found.append(Oddity(person.reference, "The record is marked as not in use."))
    return tuple(dict.fromkeys(found))


def chart_digest(answers: Answers) -> str:
    """`sha256:…` over the content of every resource that was read; the order of answers, narratives and versions do not change it."""
    read = [_fingerprint(answers.patient)]
    read += [_fingerprint(r) for t in READ_TYPES for r in answers.of(t).resources]
    gaps = [[t, str(answers.of(t).problem)] for t in READ_TYPES if t in answers.by_type and not answers.of(t).complete]
    return digest([sorted(read), gaps])


def _fingerprint(resource: Resource) -> list[str]:
    content = {k: v for k, v in resource.items() if k not in _NOT_CONTENT}
    return [word(resource, "resourceType"), word(resource, "id"), fingerprint(content)]
