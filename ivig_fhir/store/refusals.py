"""Refusals: what an EHR would not store, of whom, and until when that is believed; every process knows it, and a restart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, insert, select

from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import REFUSALS

ANYONE = ""  # the server does not take this kind of resource, whoever asks


def note(tx: Tx, tenancy: Tenancy, types: Iterable[str], whose: str, now: datetime, until: datetime, interaction: str = "create") -> None:
    """Keeps that one interaction with some types was refused at one EHR and tenant; `whose` is the right it was refused to, or ANYONE.

    What was refused before is believed anew; what nobody believes any more is forgotten.
    """
    here = (REFUSALS.c.iss == tenancy.iss) & (REFUSALS.c.tenant == tenancy.tenant)
    tx.conn.execute(delete(REFUSALS).where(REFUSALS.c.until <= now))
    for type_ in sorted(set(types)):
        same = here & (REFUSALS.c.type == type_) & (REFUSALS.c.interaction == interaction) & (REFUSALS.c.whose == whose)
        tx.conn.execute(delete(REFUSALS).where(same))
        values = {"iss": tenancy.iss, "tenant": tenancy.tenant, "type": type_, "interaction": interaction, "whose": whose}
        tx.conn.execute(insert(REFUSALS).values(**values, at=now, until=until))


def standing(tx: Tx, tenancy: Tenancy, whose: str, now: datetime, interaction: str = "create") -> dict[str, datetime]:
    """The types that were refused to this right, or to anyone, each with the moment from which it is tried again."""
    query = select(REFUSALS.c.type, REFUSALS.c.until).where(
        REFUSALS.c.iss == tenancy.iss,
        REFUSALS.c.tenant == tenancy.tenant,
        REFUSALS.c.interaction == interaction,
        REFUSALS.c.whose.in_((whose, ANYONE)),
        REFUSALS.c.until > now,
    )
    found: dict[str, datetime] = {}
    for type_, until in tx.conn.execute(query):
        found[type_] = max(until, found.get(type_, until))
    return found
