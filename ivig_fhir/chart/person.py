"""The person: birth date, sex, whether alive, and how the record calls them."""

from __future__ import annotations

from datetime import datetime

from ivig_fhir.chart.answers import Resource
from ivig_fhir.chart.facts import Person, Source
from ivig_fhir.fhir.dates import parse_date
from ivig_fhir.fhir.reading import part, parts, short, status_words, word

_NAME_USES = ("official", "usual", "", "temp", "nickname", "anonymous", "maiden", "old")


def read_person(patient: Resource, read_at: datetime | None = None) -> Person:
    """The Patient as far as an order needs it. A birth date is a full date or none; sex is male, female or "" for anything else."""
    gender, born = word(patient, "gender"), word(patient, "birthDate")
    return Person(
        reference=f"Patient/{word(patient, 'id')}",
        birth_date=parse_date(born),
        sex=gender if gender in ("male", "female") else "",
        deceased=_deceased(patient),
        active=patient.get("active") is not False,
        name=_name(patient),
        identifier=_record_number(patient),
        source=Source.of(patient),
        gender_said=short(gender, 40),
        birth_said=short(born, 40),
        read_at=read_at,
        replaced_by=_replaced_by(patient),
    )


def _deceased(patient: Resource) -> bool:
    """A date of death counts even where it cannot be read."""
    return patient.get("deceasedBoolean") is True or bool(word(patient, "deceasedDateTime"))


def _replaced_by(patient: Resource) -> str:
    """The record that took this one's place, by its reference, its name, or as "another record"."""
    links = [part(link, "other") for link in parts(patient, "link") if word(link, "type") == "replaced-by"]
    return next((short(word(o, "reference") or word(o, "display") or "another record") for o in links), "")


def _name(patient: Resource) -> str:
    """One name: the official one, else the usual one; names that ended or are marked old come last."""
    names = [n for n in parts(patient, "name") if _written(n)]
    return _written(min(names, key=_rank)) if names else ""


def _rank(name: Resource) -> tuple[bool, int]:
    use = word(name, "use")
    return bool(word(part(name, "period"), "end")), _NAME_USES.index(use) if use in _NAME_USES else len(_NAME_USES)


def _written(name: Resource) -> str:
    given = name.get("given")
    first = " ".join(g.strip() for g in given if isinstance(g, str) and g.strip()) if isinstance(given, list) else ""
    return short(", ".join(x for x in (word(name, "family"), first) if x) or word(name, "text"))


def _record_number(patient: Resource) -> str:
    """The medical record number, else the first identifier that has a value."""
    valued = [i for i in parts(patient, "identifier") if word(i, "value")]
    numbered = [i for i in valued if "mr" in status_words(i.get("type"))]
    return word((numbered or valued or [{}])[0], "value")
