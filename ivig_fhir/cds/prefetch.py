"""Prefetch: the templates that ask for a chart, and the Answers that come of what an EHR sent for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ivig_fhir.chart.answers import Answers, Reason
from ivig_fhir.chart.bundle import Owner, from_documents
from ivig_fhir.chart.entries import flatten
from ivig_fhir.chart.gaps import gaps_in
from ivig_fhir.chart.queries import Query
from ivig_fhir.errors import ChartError, DataMissing
from ivig_fhir.fhir.outcome import worst
from ivig_fhir.fhir.reading import parts, word

PATIENT = "patient"
_PAGE = "200"


@dataclass(frozen=True, slots=True)
class Prefetched:
    """What a prefetch held: the Answers, and how many resources of other patients were discarded."""

    answers: Answers
    foreign: int


@dataclass(frozen=True, slots=True)
class _Supplied:
    """One key: why it is not a complete answer (None: it is), and the resources of other patients in it."""

    problem: Reason | None = None
    said: str = ""
    foreign: int = 0


def templates(queries: tuple[Query, ...]) -> dict[str, str]:
    """The prefetch templates of a service, derived from the table of queries.

    Only what CDS Hooks 2.0 promises: first-level context tokens, token searches, `_sort` and `_count`. `_include` is not among them;
    a medicine that is only pointed to is then unknown, and its type counts as read in part. See: CDS Hooks 2.0, prefetch template.
    """
    return {PATIENT: "Patient/{{context.patientId}}"} | {q.key: _template(q) for q in queries}


def _template(query: Query) -> str:
    newest_first = (("_sort", "-date"),) if query.type == "Observation" else ()
    parameters = (("patient", "{{context.patientId}}"), *query.params, *newest_first, ("_count", _PAGE))
    return f"{query.type}?" + "&".join(f"{name}={value}" for name, value in parameters)


def read_prefetch(prefetch: Mapping[str, Any], patient_id: str, queries: tuple[Query, ...]) -> Prefetched:
    """The Answers in a prefetch.

    A key that is missing, failed, unreadable or only the first page leaves its type incomplete; `null` and a Bundle without entries are
    absence, for every template is one that CDS Hooks 2.0 promises to resolve. What belongs to another patient is discarded, and its
    type counts as read in part. DataMissing without the Patient, or when nothing else could be read.
    """
    wanted = (PATIENT, *(q.key for q in queries))
    try:
        read = from_documents([prefetch[k] for k in wanted if isinstance(prefetch.get(k), dict)], patient_id)
    except ChartError as error:
        raise DataMissing("no Patient of that id", said="The call does not bring the patient whose chart is open.") from error
    owner = Owner.of(read.patient)
    supplied = [(q.type, _supplied(q, prefetch, owner)) for q in queries]
    by_type = {q.type: read.of(q.type) for q in queries}
    for type_, key in supplied:
        if key.problem is not None and by_type[type_].complete:
            by_type[type_] = replace(by_type[type_], problem=key.problem, said=key.said)
    if all(answer.unread for answer in by_type.values()):
        raise DataMissing("no clinical key could be read")
    by_type["Medication"] = read.of("Medication")
    return Prefetched(replace(read, by_type=by_type), sum(key.foreign for _, key in supplied))


def _supplied(query: Query, prefetch: Mapping[str, Any], owner: Owner) -> _Supplied:
    """What one key says about the completeness of its type."""
    if query.key not in prefetch:
        return _Supplied(Reason.NOT_READABLE, f"{query.type}: the EHR did not supply {query.key}.")
    value = prefetch[query.key]
    if value is None:
        return _Supplied()
    if word(value, "resourceType") == "OperationOutcome":
        return _failed(query, value)
    entries = value.get("entry", []) if word(value, "resourceType") == "Bundle" else None
    if not isinstance(entries, list) or any(not isinstance(e, dict) or not word(e.get("resource"), "resourceType") for e in entries):
        return _Supplied(Reason.NOT_READABLE, f"{query.type}: what the EHR supplied as {query.key} is not a readable Bundle.")
    return _bundle(query, value, owner)


def _failed(query: Query, outcome: Mapping[str, Any]) -> _Supplied:
    """An OperationOutcome in the place of an answer, whatever its code: nothing was read."""
    unread = gaps_in(outcome, query.type).unread
    if unread:
        return _Supplied(unread[0].reason, unread[0].said)
    issue = worst(outcome)
    return _Supplied(Reason.ERROR, f"{query.type} could not be read: {(issue.said if issue else '') or 'no reason was given'}")


def _bundle(query: Query, bundle: Mapping[str, Any], owner: Owner) -> _Supplied:
    found = flatten(dict(bundle)).entries
    gap = next((g for e in found if e.resource["resourceType"] == "OperationOutcome" for g in gaps_in(e.resource, query.type).unread), None)
    claims = [owner.claims(e.resource) for e in found if e.resource["resourceType"] == query.type]
    foreign = claims.count("another")
    if gap is not None and gap.type == query.type:
        return _Supplied(gap.reason, gap.said, foreign)
    if not claims and any(e.resource["resourceType"] != "OperationOutcome" for e in found):
        return _Supplied(Reason.NOT_READABLE, f"{query.type}: what the EHR supplied as {query.key} is something else.")
    if any(word(link, "relation") == "next" for link in parts(bundle, "link")) or _announced(bundle) > len(claims):
        return _Supplied(Reason.NOT_READABLE, f"{query.type} was read only in part: the EHR supplied a first page of {query.key}.", foreign)
    if claims.count("ours") != len(claims):
        return _Supplied(
            Reason.NOT_READABLE, f"{query.type} was read only in part: {query.key} held entries not known to be this patient's.", foreign
        )
    return _Supplied(foreign=foreign)


def _announced(bundle: Mapping[str, Any]) -> int:
    """How many matches the Bundle says there are; without a word, none."""
    total = bundle.get("total")
    return total if isinstance(total, int) and not isinstance(total, bool) else 0
