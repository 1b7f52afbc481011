"""At a launch: what this patient's earlier orders left unsettled is settled by the prescriber who opens the chart."""

from __future__ import annotations

from ivig_fhir.errors import Conflict, FhirError, LaunchError, SealBroken, StateError
from ivig_fhir.store import orders, outbox, sessions
from ivig_fhir.store.outbox import Delivery
from ivig_fhir.workflow.access import session_access
from ivig_fhir.workflow.deliver import may_settle, settle_one
from ivig_fhir.workflow.runtime import Runtime
from ivig_fhir.workflow.sign_in import Opened

_DONE = {
    "sent": "An order that had not reached the EHR, or of which that was not known, is in the EHR now, and was read back.",
    "incomplete": "An order that had not reached the EHR is in it now, but not complete. Open it.",
}
_LEFT = ("stuck", "expired")


def settle_at_launch(runtime: Runtime, opened: Opened) -> None:
    """Looks for what is of unknown fate and sends what waits, of the patient of this launch; its first page says what came of it.

    An order that was left to a person is never sent from here. Nothing that fails keeps the launch from going on: it waits on.
    """
    if opened.context.patient is None:
        return
    with runtime.database.read() as tx:
        session = sessions.load(tx, opened.session, opened.cookie, runtime.now(), runtime.limits)
        found = outbox.waiting(tx, session.context.tenancy, opened.context.patient)
    said = [_settled(runtime, session, item) for item in found if may_settle(session, item) and not _not_ours(runtime, item)]
    if any(said):
        runtime.notices.keep(session.key, tuple(dict.fromkeys(filter(None, said))))


def _not_ours(runtime: Runtime, item: Delivery) -> bool:
    """An order whose own request has the first try at this moment, or that only a person may send: one that takes another's place too."""
    if item.kind != "send":
        return False
    with runtime.database.read() as tx:
        replaces = orders.load(tx, item.tenancy, item.run).replaces
    first_try = item.attempts == 0 and item.due is not None and item.due > runtime.now()
    return first_try or bool(replaces) or item.state in _LEFT


def _settled(runtime: Runtime, session: sessions.Session, item: Delivery) -> str:
    access = session_access(runtime, session)
    if item.kind != "decision" and not access.mode().writes:
        return ""
    try:
        state = settle_one(runtime, access, item)
    except (FhirError, LaunchError, Conflict, StateError, SealBroken):
        return ""  # the page says of each order that it waits, and why
    with runtime.database.read() as tx:
        left = outbox.find(tx, item)
    return _DONE.get(state, "") if left is None and item.kind != "decision" else ""
