"""Step 6 on the day, in the EHR: the pharmacist's task says which infusions were looked at and released, by whom and when."""

from __future__ import annotations

import json

from ivig_fhir.ehr.update import update
from ivig_fhir.errors import FhirError, StateError
from ivig_fhir.fhir.building import gate
from ivig_fhir.fhir.references import own_reference
from ivig_fhir.order.approval import Refusal
from ivig_fhir.order.decision import Resource
from ivig_fhir.order.release import Release, told, untold
from ivig_fhir.store import audit, sessions
from ivig_fhir.store.rechecks import RELEASED
from ivig_fhir.workflow.course import Course, open_course
from ivig_fhir.workflow.runtime import Runtime, clinician, granted

_OVER = ("completed",)


def releases(course: Course) -> tuple[Release, ...]:
    """Every release of an order, as it was kept here."""
    return tuple(Release(r.number, r.day, r.who, json.loads(r.looks)["display"], r.at) for r in course.looked if r.decision == RELEASED)


def not_told(course: Course) -> tuple[Release, ...]:
    """The releases that the EHR does not say; none where it keeps no task that could."""
    task = course.stored.task
    return () if task is None or course.stored.strays or task.get("status") not in _OVER else untold(task, releases(course))


def tell(runtime: Runtime, session: sessions.Session, run_id: str) -> tuple[Refusal, ...]:
    """Writes what the task does not say yet, over exactly what stands there; every reason against it, empty when nothing is untold.

    What fails changes nothing here: the page of the course says what the EHR was not told, and it may be tried again.
    """
    course = open_course(runtime, session, run_id)
    task, new = course.stored.task, not_told(course)
    if task is None or not new:
        return ()
    if granted(session, "Task", "u").answer != "yes":
        return (Refusal("ehr", "The EHR does not let you change the pharmacist's task, so it was not told of the release."),)

    def change(now: Resource) -> Resource:
        made = told(now, releases(course))
        gate(made)
        return made

    try:
        update(runtime.client(session), own_reference(task), change)
    except (FhirError, StateError) as error:
        return (Refusal("ehr", f"The EHR was not told of the release: {error.message}"),)
    who, iss = clinician(session).reference, session.context.tenancy.iss
    with runtime.database.write() as tx:
        audit.append(tx, runtime.now(), who, iss, "infusion.told", run_id, note=f"infusion {', '.join(str(r.number) for r in new)}")
    return ()
