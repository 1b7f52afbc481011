"""The answer to an act that came too late: what is different in the EHR, what the EHR said, and where the order is looked at anew."""

from __future__ import annotations

from flask import Response

from ivig_fhir.errors import ChangedInEhr, FhirError, IvigError
from ivig_fhir.fhir.reading import reference
from ivig_fhir.store import sessions
from ivig_fhir.web.changed_view import lines_view
from ivig_fhir.web.doors import page
from ivig_fhir.web.errors import noted
from ivig_fhir.workflow.overtaken import overtaken
from ivig_fhir.workflow.read_ehr import read_patient
from ivig_fhir.workflow.runtime import Runtime


def overtaken_page(
    runtime: Runtime, session: sessions.Session, run: str, error: ChangedInEhr, back: str, version: str = "", stands: str = ""
) -> Response:
    """The difference since the version that was on screen, and what `stands` with us all the same.

    Where the order as it is now cannot be read, the error itself is raised again.
    """
    refused = tuple(filter(None, (error.message, stands, numbered(error))))
    try:
        return difference_page(runtime, session, run, refused, back, version, error.told)
    except FhirError:
        raise error from None


def difference_page(
    runtime: Runtime,
    session: sessions.Session,
    run: str,
    refused: tuple[str, ...],
    back: str,
    version: str = "",
    told: tuple[str, ...] = (),
) -> Response:
    """The same for what was refused by us, because the order had changed before anything was sent."""
    found = overtaken(runtime, session, run, version)
    course = found.course
    patient = read_patient(runtime, session, reference(course.stored.order, "subject"))
    view = lines_view(course.order, patient.name, found.lines, found.seen, runtime)
    return page(runtime, session, "difference.html", view | {"refused": refused, "told": told, "back": back}, 409)


def numbered(error: IvigError) -> str:
    """The reference number of an error, which is in the log as well, and its code."""
    return f"Reference {noted(error)}, {error.code}"
