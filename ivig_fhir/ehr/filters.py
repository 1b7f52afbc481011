"""Filters: every filter of a search applied again to what came back, and other patients' resources left out and named."""

from __future__ import annotations

from collections.abc import Iterable

from ivig_fhir.chart.answers import Oddity, Resource
from ivig_fhir.chart.bundle import Owner
from ivig_fhir.fhir.reading import elsewhere, part, parts, word

OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def fits(resource: Resource, params: Iterable[tuple[str, str]]) -> bool | None:
    """Whether a resource is what the parameters `code` and `category` ask for; None where it does not say.

    A server may know more names for a category than the resource carries, so that only one which HL7's system names differently does
    not fit. Other parameters are no filters of content.
    """
    answers = [_fits(resource, name, frozenset(value.split(","))) for name, value in params]
    return False if False in answers else None if None in answers else True


def _fits(resource: Resource, name: str, wanted: frozenset[str]) -> bool | None:
    if name == "code":
        return any(word(c, "code") in wanted for c in parts(resource.get("code"), "coding"))
    if name == "category":
        codings = [c for concept in parts(resource, "category") for c in parts(concept, "coding")]
        named = {word(c, "code") for c in codings if word(c, "system") == OBSERVATION_CATEGORY}
        return bool(wanted & named) if named else None
    return True


def own(resources: Iterable[Resource], owner: Owner) -> tuple[tuple[Resource, ...], tuple[Oddity, ...]]:
    """The resources of one patient, and a line for each that is somebody else's or does not say whose it is."""
    kept: list[Resource] = []
    oddities: list[Oddity] = []
    for resource in resources:
        whose = owner.claims(resource)
        if whose == "ours":
            kept.append(_at_home(resource, owner.base))
        else:
            oddities.append(_not_ours(resource, whose))
    return tuple(kept), tuple(oddities)


def _at_home(resource: Resource, base: str) -> Resource:
    """The resource; where its medicine stands on another server, with the name alone: here the same id may be another medicine."""
    pointed = part(resource, "medicationReference")
    if not base or not elsewhere(word(pointed, "reference"), base):
        return resource
    return {**resource, "medicationReference": {k: v for k, v in pointed.items() if k != "reference"}}


def _not_ours(resource: Resource, whose: str) -> Oddity:
    type_, id_ = word(resource, "resourceType"), word(resource, "id")
    why = "belongs to another patient" if whose == "another" else "does not say whose it is"
    said = f"The EHR answered with a {type_} that {why}; it was not used."
    return Oddity(f"{type_}/{id_}" if id_ else type_, said, type_ if whose == "another" else "")
