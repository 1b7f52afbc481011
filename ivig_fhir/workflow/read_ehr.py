"""Step 1 over the wire: the chart of one patient from a FHIR server, in parallel, with what could not be read named."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

from ivig_fhir.chart.answers import Answers, Reason
from ivig_fhir.chart.facts import Person
from ivig_fhir.chart.person import read_person
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.ehr.reading import everything_allowed
from ivig_fhir.errors import NoPatient
from ivig_fhir.fhir.reading import reference_key
from ivig_fhir.observe import log
from ivig_fhir.store import sessions
from ivig_fhir.workflow.open_chart import chart_from_answers
from ivig_fhir.workflow.runtime import Runtime, granted, verdict


def chart_from_server(client: FhirClient, patient: str, content: Content, now: datetime, site: Site) -> ChartSnapshot:
    """The chart on a server that asks for no launch: an open one, or one with a bearer token of one's own."""
    return chart_from_answers(fetch_answers(client, patient, allowed=everything_allowed), content, now, site)


def read_answers(runtime: Runtime, session: sessions.Session, patient: str | None = None) -> Answers:
    """Everything that this session may read of its patient (or of the one named); a type that was not granted says so.

    Another patient's data in an answer are an incident of the EHR's: it goes to the log, without a word of whose they are.
    """
    wanted = patient or session.context.patient
    if wanted is None:
        raise NoPatient()
    known = runtime.profile(session.context.iss)
    answers = fetch_answers(runtime.client(session), wanted, allowed=verdict(session), known=known)
    for type_, count in sorted(Counter(o.foreign for o in answers.oddities if o.foreign).items()):
        log().warning("ehr.foreign_resources_discarded", resource_type=type_, count=count)
    return _limits_named(answers, session)


def read_patient(runtime: Runtime, session: sessions.Session, reference: str = "") -> Person:
    """Who a page is about that shows no chart: the patient whom an order names, else the session's.

    Errors: NoPatient; FhirError, also for a patient of another server.
    """
    wanted = reference or (f"Patient/{session.context.patient}" if session.context.patient else "")
    if not wanted:
        raise NoPatient()
    client = runtime.client(session)
    client.address(wanted)  # refused where it leads to another server: an id there is somebody else's here
    return read_person(client.read(reference_key(wanted)).body, runtime.now())


def _limits_named(answers: Answers, session: sessions.Session) -> Answers:
    """The answers, each that a narrowed grant made partial with the words of what it lets through."""
    by_type = dict(answers.by_type)
    for type_, answer in answers.by_type.items():
        visible = granted(session, type_, "s").visible
        if visible and answer.problem is Reason.NOT_PERMITTED:
            by_type[type_] = replace(answer, said=f"{answer.said} It may see: {visible}.")
    return replace(answers, by_type=by_type)
