"""Step 4 where an EHR refuses to store something: that is kept, as narrow as the evidence, and believed for a while only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ivig_fhir.ehr.modes import ORDER, WriteMode, without
from ivig_fhir.errors import Forbidden, IvigError, ResourceGone
from ivig_fhir.order.receipt import UNSUPPORTED, Receipt
from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import refusals, sessions
from ivig_fhir.store.database import Database
from ivig_fhir.store.refusals import ANYONE
from ivig_fhir.store.seal import hashed

# A server that does not take a type has to be changed for it; a right that is missing is given sooner.
NOT_TAKEN = timedelta(hours=24)
NOT_ALLOWED = timedelta(hours=1)


def right_of(session: sessions.Session) -> str:
    """The right of a session, as a hash: who asks, about whom, with which scopes. Another grant may be allowed what this one was not."""
    context = session.context
    return hashed("\n".join((context.user, context.patient or "", context.scope)))


def demoted(database: Database, tenancy: Tenancy, whose: str, how: WriteMode, now: datetime, zone: ZoneInfo) -> WriteMode:
    """The way of writing without what the EHR refused lately to this right or to anyone, and from when on it is tried again."""
    with database.read() as tx:
        found = refusals.standing(tx, tenancy, whose, now)
    if not found:
        return how
    again = max(found.values()).astimezone(zone)
    return without(how, found, f"It is tried again from {again:%d %b %Y, %H:%M} on.")


def note_refused(database: Database, tenancy: Tenancy, whose: str, error: IvigError, now: datetime) -> None:
    """Keeps that the EHR does not store orders: for anyone where it has no such type, for this right where it is not allowed.

    An error of anything else than the order's own create says nothing of that, and is passed over.
    """
    if not isinstance(error, Forbidden | ResourceGone) or error.asked != ("POST", ORDER):
        return
    anyone = isinstance(error, ResourceGone)
    with database.write() as tx:
        until = now + (NOT_TAKEN if anyone else NOT_ALLOWED)
        refusals.note(tx, tenancy, (ORDER,), ANYONE if anyone else whose, now, until)


def note_unsupported(database: Database, tenancy: Tenancy, whose: str, receipt: Receipt, now: datetime) -> None:
    """Keeps which parts beside a stored order the EHR would not store; why it would not is not known of each, so for this right only."""
    types = _unsupported(receipt)
    if types:
        with database.write() as tx:
            refusals.note(tx, tenancy, types, whose, now, now + NOT_ALLOWED)


def _unsupported(receipt: Receipt) -> Iterable[str]:
    return {p.type for p in receipt.parts if p.state == UNSUPPORTED} - {ORDER}
