"""Companions: which of them do not follow their order, kept with the last word on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update

from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store import audit, proposals
from ivig_fhir.store.database import Tx
from ivig_fhir.store.orders import Order, load, place
from ivig_fhir.store.tables import ORDERS


def note(
    tx: Tx, tenancy: Tenancy, order: Order, left: Sequence[dict[str, Any]], versions: Mapping[str, str | None], by: str, now: datetime
) -> bool:
    """Keeps which companions do not follow an order, and the versions that were stored of others.

    False, and nothing is kept, where somebody decided since the order was read.
    """
    if not proposals.touch(tx, order.run, now):  # whoever decides at this moment waits
        return False
    current = load(tx, tenancy, order.run)
    if current.decision or (current.state, current.verification) != (order.state, order.verification):
        return False
    word = json.loads(order.verification)
    kept = json.dumps(word | {"companions": list(left), "versions": {**(word.get("versions") or {}), **versions}})
    sealed = tx.ring.seal(kept, place(order.run, "verification"))
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == order.run).values(sealed_verification=sealed))
    audit.append(tx, now, by, tenancy.iss, "order.companions", order.run, note=str(len(left)))
    return True
