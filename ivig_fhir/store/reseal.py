"""Rotation of the key ring: what older keys have sealed is sealed anew under the newest, so that they may leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Table, select, update

from ivig_fhir.errors import AuditBroken
from ivig_fhir.store import audit
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import METADATA

SEALED = "sealed_"


def reseal(tx: Tx, now: datetime) -> Mapping[str, int]:
    """How many values of each older key were sealed anew, in this one transaction.

    The audit's marks stay as they are, for nobody may make them anew: a row under the newest key binds them all, so that their keys may
    leave too. SealBroken for a value that does not open, AuditBroken where the audit does not hold, for a new mark would hide that: nothing
    is changed then, and the keys must stay.
    """
    wrong = audit.verify(tx)
    if wrong:
        raise AuditBroken(f"the audit does not hold, and its keys must stay: {wrong[0]}")
    newest = tx.ring.keys[0][0]
    moved: Counter[str] = Counter()
    for table in METADATA.sorted_tables:
        columns = [c.name for c in table.columns if c.name.startswith(SEALED)]
        for row in tx.conn.execute(select(*table.primary_key, *(table.c[c] for c in columns)).with_for_update()) if columns else ():
            older = {c: value for c in columns if (value := row._mapping[c]) and value.partition(".")[0] != newest}
            for column, value in older.items():
                moved[value.partition(".")[0]] += 1
                _replace(tx, table, row[0], column, value)
    audit.append(tx, now, "administrator", "", "keys.resealed", note=newest)
    return moved


def _replace(tx: Tx, table: Table, key: str, column: str, value: str) -> None:
    """One value, opened and sealed again at its place: table, row and column."""
    [own] = table.primary_key
    place = f"{table.name}|{key}|{column.removeprefix(SEALED)}"
    tx.conn.execute(update(table).where(own == key).values({column: tx.ring.seal(tx.ring.open(value, place), place)}))
