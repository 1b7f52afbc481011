"""The audit: append-only rows, each with the hash of the one before and a mark of the app, written with the change they record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import insert, select, update

from ivig_fhir.errors import AuditBroken
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import AUDIT, AUDIT_HEAD

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One act: when, who (fhirUser), at which EHR, what, on which run, on which digest. No patient data, no token.

    `mark` proves that the app wrote the row, and with it everything before; rows from before there were marks have "".
    """

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
    mark: str = ""

    @property
    def said(self) -> str:
        """What the row says, with the hash of the one before: what its mark is of."""
        return json.dumps(self._content(), ensure_ascii=True, separators=(",", ":"))

    def computed(self) -> str:
        """The hash that this row must have; it covers the mark, so that none can be taken away."""
        content = [*self._content(), self.mark] if self.mark else self._content()
        return hashlib.sha256(json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")).hexdigest()

    def _content(self) -> list[str | int]:
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return [self.seq, at, self.who, self.iss, self.what, self.run, self.digest, self.note, self.previous]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the chain found: how many rows, number and hash of the last, and from which row on they carry marks (0: none does).

    `faults` are what is wrong; `unread` says why nobody can tell whether the app wrote the last rows, "" where that is known.
    """

    rows: int
    last: int
    head: str
    marked_from: int
    faults: tuple[str, ...]
    unread: str = ""


def append(tx: Tx, now: datetime, who: str, iss: str, what: str, run: str = "", digest: str = "", note: str = "") -> AuditRow:
    """Adds one row at the end of the chain, in the caller's transaction; writers wait for one another at its head.

    `what` is a word such as `order.approved`; `note` a code or a short word of ours. Errors: AuditBroken, and nothing is written.
    """
    conn = tx.conn
    taken = conn.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(seq=AUDIT_HEAD.c.seq + 1).returning(AUDIT_HEAD)).first()
    if taken is None:
        raise AuditBroken("audit head missing")
    bare = AuditRow(taken.seq, now, who[:500], iss[:500], what, run, digest, note[:200], taken.hash, "")
    marked = replace(bare, mark=tx.ring.mark(bare.said))
    row = replace(marked, hash=marked.computed())
    conn.execute(insert(AUDIT).values({name: getattr(row, name) for name in AuditRow.__slots__}))
    conn.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1).values(hash=row.hash))
    return row


def rows(tx: Tx, run: str | None = None) -> tuple[AuditRow, ...]:
    """The rows in their order, of one run or of all."""
    query = select(AUDIT).order_by(AUDIT.c.seq)
    if run is not None:
        query = query.where(AUDIT.c.run == run)
    return tuple(AuditRow(**found) for found in tx.conn.execute(query).mappings())


def runs_of(tx: Tx, who: str, what: str, runs: Collection[str]) -> frozenset[str]:
    """Of these runs the ones on which this person did this."""
    query = select(AUDIT.c.run).where(AUDIT.c.run.in_(runs), AUDIT.c.who == who[:500], AUDIT.c.what == what)
    return frozenset(tx.conn.execute(query).scalars())


def verify(tx: Tx) -> tuple[str, ...]:
    """What is wrong with the chain, or cannot be told. Empty: it holds."""
    found = check(tx)
    return (*found.faults, found.unread) if found.unread else found.faults


def check(tx: Tx, noted: tuple[int, str] | None = None) -> Checked:
    """Looks at every row: changed, removed, reordered or added, not written by this app, and an end that does not match.

    `noted` is the number and the hash of a row that somebody wrote down earlier: without it nobody sees that the last rows were cut off.
    """
    problems, unread, known, marked_from = [], "", 0, 0
    before, last = GENESIS, 0
    chain = rows(tx)
    for row in chain:
        if row.seq != last + 1:
            problems.append(f"row {last + 1} is missing")
        elif row.previous != before:
            problems.append(f"row {row.seq} does not follow row {last}")
        if row.hash != row.computed():
            problems.append(f"row {row.seq} was changed")
        marked_from = marked_from or (row.seq if row.mark else 0)
        written = tx.ring.knows(row.mark, row.said) if row.mark else not marked_from
        if written is None:
            unread = f"rows {known + 1} to {row.seq} are marked with the key {row.mark.partition('.')[0]}, which is not in IVIG_SECRET_KEYS"
        elif not written:
            problems.append(f"row {row.seq} does not carry this app's mark")
        elif row.mark:
            known, unread = row.seq, ""  # a mark binds everything before it, whatever became of earlier keys
        if noted is not None and row.seq == noted[0] and row.hash != noted[1]:
            problems.append(f"row {row.seq} is not the one that was noted")
        before, last = row.hash, row.seq
    return Checked(len(chain), last, before, marked_from, (*problems, *_end(tx, before, last, marked_from, noted)), unread)


def _end(tx: Tx, before: str, last: int, marked_from: int, noted: tuple[int, str] | None) -> Iterator[str]:
    """What is wrong with where the chain ends."""
    head = tx.conn.execute(select(AUDIT_HEAD).where(AUDIT_HEAD.c.id == 1)).first()
    if head is None:
        yield "the head of the chain is missing"
    elif (head.seq, head.hash) != (last, before):
        yield f"the chain ends at row {last}, its head says {head.seq}"
    if last and not marked_from:
        yield "no row carries this app's mark: that is so only until the first act after the update that brought marks"
    if noted is not None and noted[0] > last:
        yield f"row {noted[0]} was noted and is gone: the end of the chain was cut off"
