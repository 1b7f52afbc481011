"""Step 6, beside the course: companions that do not follow their order are brought after it, and what still does not is said."""

from __future__ import annotations

from ivig_fhir.ehr.write import write
from ivig_fhir.errors import Conflict
from ivig_fhir.order.approval import PHARMACIST, PRESCRIBER, Refusal
from ivig_fhir.order.bundle import checked
from ivig_fhir.order.companions import follow, leads, unfollowed
from ivig_fhir.order.transaction import Transaction
from ivig_fhir.store import companions, sessions
from ivig_fhir.workflow.companions import read_companions
from ivig_fhir.workflow.course import open_course
from ivig_fhir.workflow.open_server import introduce
from ivig_fhir.workflow.runtime import Runtime, clinician


def catch_up(runtime: Runtime, session: sessions.Session, run_id: str) -> tuple[Refusal, ...]:
    """Another attempt at the companions of an order; every reason against it, empty when it was made.

    Each is read first and only what does not follow is written, over exactly what was read. What became of it is kept. Errors: those of
    `open_course` and `write`, Conflict while a decision is under way.
    """
    course, who = open_course(runtime, session, run_id), clinician(session)
    if not who.proven or not who.roles & {PRESCRIBER, PHARMACIST}:
        return (Refusal("role", "Only a prescriber or a pharmacist may change what goes with an order."),)
    if not leads(course.state):
        return (Refusal("state", "What goes with an order follows it once it is verified, or has come to an end."),)
    mode = runtime.decision_mode(session)
    if not mode.writes:
        return (Refusal("ehr", mode.reason),)
    made, versions = follow(course.stored.companions, course.state), dict[str, str | None]()
    if made.entries:
        introduce(runtime, session)
        written = write(runtime.client(session), checked(Transaction(course.stored.run, made.entries)), mode)
        versions = {p.role: p.version for p in written.parts if p.reference}
    now = follow(read_companions(runtime.client(session), course.order, mode.updates), course.state)
    left = [x.to_json() for x in (*now.left, *(unfollowed(e) for e in now.entries))]
    with runtime.database.write() as tx:
        if not companions.note(tx, session.context.tenancy, course.order, left, versions, who.reference, runtime.now()):
            raise Conflict("companions: the order changed", said="Somebody has decided on this order meanwhile.")
    return ()
