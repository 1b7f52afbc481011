"""Fetch: the whole chart at once, one Answer per type; a slow, failing or forbidden search never looks empty and never hides another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from ivig_fhir.chart.answers import Answer, Answers, Oddity, Reason, Resource, merged
from ivig_fhir.chart.bundle import Owner
from ivig_fhir.chart.queries import QUERIES, Query
from ivig_fhir.ehr.client import CONNECTIONS, FhirClient
from ivig_fhir.ehr.filters import own, satisfies
from ivig_fhir.ehr.profiles import ServerProfile, profile
from ivig_fhir.ehr.search import Found, problem_of, search
from ivig_fhir.errors import ChartError, FhirError, ResourceGone
from ivig_fhir.fhir.building import digest
from ivig_fhir.fhir.reading import reference, reference_key, word

Verdict = Literal["yes", "no", "partial"]
Allowed = Callable[[str, str], str]
DEADLINE = 20.0
MEDICATIONS = 60
_GRACE = 1.0
_ID = re.compile(r"[A-Za-z0-9\-._]{1,128}")
_MEDICATION = re.compile(r"Medication/[A-Za-z0-9\-.]{1,64}")
_T = TypeVar("_T")


def everything_allowed(type_: str, letter: str) -> str:
    """The verdict where no scopes were granted because nobody signs in: an open server, a bearer token of one's own."""
    return "yes"


def fetch_answers(
    client: FhirClient,
    patient_id: str,
    queries: Sequence[Query] = QUERIES,
    allowed: Allowed = everything_allowed,
    *,
    deadline: float = DEADLINE,
    workers: int = CONNECTIONS,
    known: ServerProfile | None = None,
    fresh: bool = False,
) -> Answers:
    """Everything that the EHR says about one patient, in parallel, within `deadline` seconds; after that the rest is not read.

    `allowed` answers yes, no or partial for a type and a letter (r, s). `fresh` asks past caches. FhirError when the Patient itself
    cannot be read; ChartError for an id that is none. Everything else that fails becomes the problem of its type.
    """
    if not _ID.fullmatch(patient_id) or not patient_id.strip("."):
        raise ChartError("The patient's id is not usable.")
    reader = _Reader(client, patient_id, known or profile("generic"), fresh, client.patience.clock() + deadline)
    with_searches = [q for q in queries if allowed(q.type, "s") != "no"]
    filtered = tuple(dict.fromkeys(q.type for q in with_searches if q.params))
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="chart")
    try:
        patient_read = pool.submit(reader.patient)
        searches = {q.key: pool.submit(reader.query, q) for q in with_searches}
        controls = {t: pool.submit(reader.control, t) for t in filtered}
        wait([patient_read, *searches.values(), *controls.values()], timeout=deadline + _GRACE)
        patient = _of(patient_read, None)
        if patient is None:
            raise ResourceGone("GET Patient too late", said="The patient could not be read in time.")
        late = _late()
        answers = _Sorted(Owner.of(patient).also(f"Patient/{patient_id}") if False else Owner.of(patient), allowed)
        for query in queries:
            answers.add(query, _of(searches[query.key], late) if query.key in searches else None, controls)
        answers.medications(reader, pool, allowed)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return Answers(patient, answers.by_type, tuple(dict.fromkeys(answers.oddities)))
