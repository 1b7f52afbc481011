"""Fetch: the whole chart at once, one Answer per type; a slow, failing or forbidden search never looks empty and never hides another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from ivig_fhir.chart.answers import Answer, Answers, Oddity, Reason, Resource, merged
from ivig_fhir.chart.bundle import Owner
from ivig_fhir.chart.queries import QUERIES, Query
from ivig_fhir.ehr.believe import Believed, believe
from ivig_fhir.ehr.client import CONNECTIONS, FhirClient
from ivig_fhir.ehr.profiles import ServerProfile, profile
from ivig_fhir.ehr.reading import Allowed, Reading, everything_allowed, referred_medications
from ivig_fhir.ehr.search import Found, problem_of
from ivig_fhir.errors import FhirError, ResourceGone
from ivig_fhir.fhir.building import digest
from ivig_fhir.fhir.reading import word

DEADLINE = 20.0
MEDICATIONS = 60
_GRACE = 1.0


def fetch_answers(
    client: FhirClient,
    patient_id: str,
    queries: Sequence[Query] = QUERIES,
    allowed: Allowed = everything_allowed,
    *,
    deadline: float = DEADLINE,
    workers: int = CONNECTIONS,
    known: ServerProfile | None = None,
    fresh: bool = True,
) -> Answers:
    """Everything that the EHR says about one patient, in parallel, within `deadline` seconds; after that the rest is not read.

    `allowed` answers yes, no or partial for a type and a letter (r, s). `fresh` asks past caches. FhirError when the Patient itself
    cannot be read; ChartError for an id that is none. Everything else that fails becomes the problem of its type.
    """
    end = client.patience.clock() + deadline
    reading = Reading(client, patient_id, known or profile("generic"), fresh, end)
    asked = [q for q in queries if allowed(q.type, "s") != "no"]
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="chart")
    try:
        patient = pool.submit(reading.patient)
        searches = {q.key: pool.submit(reading.query, q) for q in asked}
        controls = {t: pool.submit(reading.control, t) for t in dict.fromkeys(q.type for q in asked if q.params)}
        everything: list[Future[Any]] = [patient, *searches.values(), *controls.values()]
        wait(everything, timeout=deadline + _GRACE)
        if not patient.done():
            raise ResourceGone("GET Patient too late", said="The patient could not be read in time.")
        owner = Owner.of(patient.result(), base=client.base)
        read = [
            believe(q, _found(searches.get(q.key), q.type), _found(controls.get(q.type), q.type), owner, allowed(q.type, "s"))
            for q in queries
        ]
        by_type, oddities = _together(read)
        by_type["Medication"] = _medications(reading, pool, read, allowed)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return Answers(patient.result(), by_type, oddities)


def reread(client: FhirClient, references: Iterable[str], *, workers: int = CONNECTIONS) -> Mapping[str, str | None]:
    """The digest of each resource (`Type/id`) as it is in the EHR now, asked past caches; None for one that is gone.

    The same digests as those of what a proposal used. FhirError when one of them cannot be read: then nobody knows what changed.
    """
    wanted = tuple(dict.fromkeys(references))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="reread") as pool:
        return dict(zip(wanted, pool.map(lambda r: _mark(client, r), wanted), strict=True))


def _mark(client: FhirClient, reference: str) -> str | None:
    try:
        return digest(client.read(reference, fresh=True).body)
    except ResourceGone:
        return None


def _found(future: Future[Found] | None, type_: str) -> Found:
    """What a search brought; one that was never asked or is not finished brought nothing, and says so."""
    if future is not None and future.done() and not future.cancelled():
        return future.result()
    unfinished = Found()
    unfinished.stop(Reason.ERROR, f"{type_} could not be read in time.")
    return unfinished


def _together(read: Sequence[Believed]) -> tuple[dict[str, Answer], tuple[Oddity, ...]]:
    """One Answer per type; what an answer said of another type counts for that type as well."""
    by_type: dict[str, Answer] = {}
    for one in read:
        before = by_type.get(one.answer.type)
        by_type[one.answer.type] = merged(before, one.answer) if before else one.answer
    for item in (u for one in read for u in one.unread):
        answer = by_type.get(item.type)
        if answer is not None and answer.complete:
            by_type[item.type] = replace(answer, problem=item.reason, said=item.said)
    return by_type, tuple(dict.fromkeys(o for one in read for o in one.oddities))


def _medications(reading: Reading, pool: ThreadPoolExecutor, read: Sequence[Believed], allowed: Allowed) -> Answer:
    """The Medications that came along, and those that orders point to, read one by one up to a cap."""
    included: dict[str, Resource] = {f"Medication/{word(m, 'id')}": m for one in read for m in one.medications}
    missing = referred_medications((r for one in read for r in one.answer.resources), reading.client, included)
    if missing and allowed("Medication", "r") == "no":
        return Answer("Medication", tuple(included.values()), Reason.NOT_PERMITTED, "The EHR did not grant this app to read Medication.")
    problem, said = None, ""
    if len(missing) > MEDICATIONS:
        problem, said = Reason.ERROR, f"Only {MEDICATIONS} of {len(missing)} referred medications were read."
    futures = [pool.submit(reading.medication, m) for m in missing[:MEDICATIONS]]
    wait(futures, timeout=max(0.0, reading.end - reading.client.patience.clock()) + _GRACE)
    for future in futures:
        got = future.result() if future.done() else None
        if got is None:
            problem, said = problem or Reason.ERROR, said or "A referred medication could not be read in time."
        elif isinstance(got, FhirError):
            problem, said = problem or problem_of(got), said or f"A referred medication could not be read. {got.message}"
        else:
            included[f"Medication/{word(got, 'id')}"] = got
    return Answer("Medication", tuple(included.values()), problem, said)
