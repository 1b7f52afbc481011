"""Step 5, beside it: a second person calculated an order apart, without seeing the result; what came of it goes into the audit."""

from __future__ import annotations

from collections.abc import Iterable

from ivig_fhir.store import audit, claims, sessions
from ivig_fhir.workflow.runtime import Runtime, clinician

AGREES, DIFFERS = "agrees", "differs"
_APART = "order.calculated-apart"


def note_second_person(runtime: Runtime, session: sessions.Session, run: str, agrees: bool) -> None:
    """Records who calculated and whether both results were the same; the figures that were typed are not kept."""
    who, iss = clinician(session).reference, session.context.tenancy.iss
    with runtime.database.write() as tx:
        audit.append(tx, runtime.now(), who, iss, _APART, run, note=AGREES if agrees else DIFFERS)


def not_yet_calculated(runtime: Runtime, session: sessions.Session, runs: Iterable[str]) -> frozenset[str]:
    """Of these runs the ones that still wait for a decision and that this person has not calculated apart."""
    wanted, who = frozenset(runs), clinician(session).reference
    with runtime.database.read() as tx:
        open_ = wanted & set(claims.states(tx, session.context.tenancy, open_only=True))
        return open_ - audit.runs_of(tx, who, _APART, open_)
