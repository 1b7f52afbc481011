"""Believe: what of a search's answer counts as the record of this patient, and whether its silence means absence."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ivig_fhir.chart.answers import Answer, Oddity, Reason, Resource
from ivig_fhir.chart.bundle import Owner
from ivig_fhir.chart.gaps import Unread
from ivig_fhir.chart.queries import Query
from ivig_fhir.ehr.filters import fits, own
from ivig_fhir.ehr.search import Found
from ivig_fhir.fhir.reading import word


@dataclass(frozen=True)
class Believed:
    """One search's answer after every filter; the Medications that came along; what it said of other types; what must be named."""

    answer: Answer
    medications: tuple[Resource, ...] = ()
    unread: tuple[Unread, ...] = ()
    oddities: tuple[Oddity, ...] = ()


def believe(query: Query, found: Found, control: Found, owner: Owner, verdict: str) -> Believed:
    """The answer of one search. Without a problem only when it was read to the end and its emptiness is confirmed.

    `control` is the same type asked without filters; `verdict` what was granted: a partial grant cannot prove absence.
    """
    if verdict == "no":
        return Believed(Answer(query.type, (), Reason.NOT_PERMITTED, f"The EHR did not grant this app to search {query.type}."))
    ours, oddities = own((r for r in found.matches.values() if fits(r, query.params) is not False), owner)
    answer = Answer(query.type, ours, found.problem, found.said)
    if answer.complete and found.matches and not ours and oddities:
        answer = replace(answer, problem=Reason.ERROR, said=f"{query.type} could not be read: all that came is another patient's.")
    if answer.complete and query.params and not found.matches:
        answer = _confirmed(answer, query, control, owner)
    if answer.complete and verdict == "partial":
        answer = replace(answer, problem=Reason.NOT_PERMITTED, said=f"The EHR granted this app to search {query.type} only in part.")
    medications = tuple(r for r in found.includes.values() if word(r, "resourceType") == "Medication")
    return Believed(answer, medications, tuple(found.unread), (*found.oddities, *oddities, *_unasked(query, found)))


def _confirmed(answer: Answer, query: Query, control: Found, owner: Owner) -> Answer:
    """The empty answer, if the same type can be searched at all and what is there does not contradict it."""
    if control.problem is not None and not control.matches:
        said = f"{query.type}: that nothing was found could not be confirmed. {control.said}"
        return replace(answer, problem=control.problem, said=said)
    seen, _ = own(control.matches.values(), owner)
    if any(fits(r, query.params) for r in seen):
        said = f"{query.type}: the EHR's search found nothing, yet the record holds an entry that it should have found."
        return replace(answer, problem=Reason.ERROR, said=said)
    return answer


def _unasked(query: Query, found: Found) -> tuple[Oddity, ...]:
    types = {word(r, "resourceType") for r in found.includes.values()} - {"Medication"}
    return tuple(Oddity("", f"The EHR answered a search of {query.type} with {t}, which was not used.") for t in sorted(types))
