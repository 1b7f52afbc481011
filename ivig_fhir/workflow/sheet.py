"""After verification: what a sheet needs from the EHR now, the order, the patient and the allergies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.chart.queries import QUERIES
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.ehr.fetch import fetch_answers
from ivig_fhir.fhir.building import decode
from ivig_fhir.fhir.reading import reference, reference_key
from ivig_fhir.store import proposals, sessions
from ivig_fhir.store.orders import Order
from ivig_fhir.workflow.altered import refuse_altered
from ivig_fhir.workflow.course import refuse_held
from ivig_fhir.workflow.open_chart import chart_from_answers
from ivig_fhir.workflow.runtime import Runtime, verdict
from ivig_fhir.workflow.verify import read_stored

_ALLERGIES = tuple(q for q in QUERIES if q.type == "AllergyIntolerance")


@dataclass(frozen=True)
class Beside:
    """The order as the EHR stores it now; of the record whose it is and what is said of allergies, nothing else was asked for; and the

    diluent that was chosen ("" for none), which the order in the EHR does not name.
    """

    order: Mapping[str, Any]
    chart: ChartSnapshot
    diluent: str


def read_beside(runtime: Runtime, session: sessions.Session, run: str, order: Order) -> Beside:
    """Both, past caches. FhirError where order or patient cannot be read; StateError while the order is held, or was changed in the EHR."""
    refuse_held(runtime, run)
    client = runtime.client(session)
    stored = read_stored(client, run, order).order
    refuse_altered(order, stored)
    patient = reference_key(reference(stored, "subject")).removeprefix("Patient/")
    client.address(reference(stored, "subject"))  # refused where it leads to another server: an id there is somebody else's here
    known = runtime.profile(session.context.iss)
    answers = fetch_answers(client, patient, _ALLERGIES, verdict(session), known=known, fresh=True)
    with runtime.database.read() as tx:
        chosen = decode(proposals.load(tx, session.context.tenancy, run).selections)
    chart = chart_from_answers(answers, runtime.content, runtime.now(), runtime.site)
    return Beside(stored, chart, str(chosen.get("diluent") or ""))
