"""Step 5, beside it: a second person calculated an order apart, without seeing the result; what came of it goes into the audit."""

from __future__ import annotations

from ivig_fhir.store import audit, sessions
from ivig_fhir.workflow.runtime import Runtime, clinician

AGREES, DIFFERS = "agrees", "differs"


def note_second_person(runtime: Runtime, session: sessions.Session, run: str, agrees: bool) -> None:
    """Records who calculated and whether both results were the same; the figures that were typed are not kept."""
    who, iss = clinician(session).reference, session.context.tenancy.iss
    with runtime.database.write() as tx:
        audit.append(tx, runtime.now(), who, iss, "order.calculated-apart", run, note=AGREES if agrees else DIFFERS)
