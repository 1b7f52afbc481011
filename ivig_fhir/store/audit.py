"""The audit: append-only rows, each holding the hash of the one before, written with the change they record."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import insert, select, update

from ivig_fhir.errors import AuditBroken
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import AUDIT, AUDIT_HEAD

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act: when, who (fhirUser), at which EHR, what, on which run, on which digest. No patient data, no token."""

    seq: int
    at: datetime
    who: str
    iss: str
    what: str
    run: str
    digest: str
    note: str
    previous: str
    hash: str

    def computed(self) -> str:
        """The hash that this row must have."""
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        content = [self.seq, at, self.who, self.iss, self.what, self.run, self.digest, self.note, self.previous]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")).hexdigest()


def append(tx: Tx, now: datetime, who: str, iss: str, what: str, run: str = "", digest: str = "", note: str = "") -> AuditRow:
    """Adds one row at the end of the chain, in the caller's transaction; writers wait for one another at its head.

    `what` is a word such as `order.approved`; `note` a code or a short word of ours. Errors: AuditBroken, and nothing is written.
    """
    conn = tx.conn
    taken = conn.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(seq=AUDIT_HEAD.c.seq + 1).returning(AUDIT_HEAD)).first()
    if taken is None:
        raise AuditBroken("audit head missing")
    bare = AuditRow(taken.seq, now, who[:500], iss[:500], what, run, digest, note[:200], taken.hash, "")
    row = AuditRow(**{name: getattr(bare, name) for name in AuditRow.__slots__ if name != "hash"}, hash=bare.computed())
    conn.execute(insert(AUDIT).values({name: getattr(row, name) for name in AuditRow.__slots__}))
    conn.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(hash=row.hash))
    return row


def rows(tx: Tx, run: str | None = None) -> tuple[AuditRow, ...]:
    """The rows in their order, of one run or of all."""
    query = select(AUDIT).order_by(AUDIT.c.seq)
    if run is not None:
        query = query.where(AUDIT.c.run == run)
    return tuple(AuditRow(**found) for found in tx.conn.execute(query).mappings())


def verify(tx: Tx) -> tuple[str, ...]:
    """What is wrong with the chain: rows changed, removed, reordered or added, and an end that does not match. Empty: it holds."""
    problems = []
    before, expected = GENESIS, 1
    for row in rows(tx):
        if row.seq != expected:
            problems.append(f"row {expected} is missing")
        elif row.previous != before:
            problems.append(f"row {row.seq} does not follow row {row.seq - 1}")
        if row.hash != row.computed():
            problems.append(f"row {row.seq} was changed")
        before, expected = row.hash, row.seq + 1
    head = tx.conn.execute(select(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1)).first()
    if head is None:
        problems.append("the head of the chain is missing")
    elif (head.seq, head.hash) != (expected - 1, before):
        problems.append(f"the chain ends at row {expected - 1}, its head says {head.seq}")
    return tuple(problems)
