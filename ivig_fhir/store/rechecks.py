"""Rechecks: what was looked at on the day of an infusion and what came of it, in the order in which it happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import insert, select

from ivig_fhir.store import audit, proposals
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import RECHECKS

RELEASED, HELD, CLEARED = "released", "held", "cleared"


@dataclass(frozen=True, slots=True)
class Recheck:
    """One look at a verified order: for which infusion (`number`, 0 where none is meant) and day, and by whom.

    decision: `released` for this infusion, `held`, or `cleared` where somebody who may decided that it goes on. `looks` is JSON text.
    """

    run: str
    number: int
    day: date
    decision: str
    who: str
    at: datetime
    looks: str = field(default="[]", repr=False)


def of_run(tx: Tx, run: str) -> tuple[Recheck, ...]:
    """All of one run, oldest first."""
    rows = tx.conn.execute(select(RECHECKS).where(RECHECKS.c.run == run)).mappings()
    made = [
        (
            _place_in_order(r["id"]),
            Recheck(
                run=r["run"],
                number=r["number"],
                day=date.fromisoformat(r["day"]),
                decision=r["decision"],
                who=r["who"],
                at=r["at"],
                looks=tx.ring.open(r["sealed_looks"], _place(r["id"])),
            ),
        )
        for r in rows
    ]
    return tuple(recheck for _, recheck in sorted(made, key=lambda m: m[0]))


def keep(tx: Tx, recheck: Recheck, iss: str) -> None:
    """Adds one, with its row of the audit. Two at the same moment: one of them fails, for the key is its place in the order.

    Locks the run by counting a change of it, so that nothing is released while it is put on hold.
    """
    if not proposals.touch(tx, recheck.run, recheck.at):
        raise LookupError("no such run")
    key = f"{recheck.run}:{len(of_run(tx, recheck.run)) + 1}"
    values = {"id": key, "run": recheck.run, "number": recheck.number, "day": recheck.day.isoformat(), "decision": recheck.decision}
    values |= {"who": recheck.who, "at": recheck.at, "sealed_looks": tx.ring.seal(recheck.looks, _place(key))}
    tx.conn.execute(insert(RECHECKS).values(values))
    audit.append(tx, recheck.at, recheck.who, iss, f"infusion.{recheck.decision}", recheck.run, note=f"infusion {recheck.number}")


def clear(tx: Tx, run: str, who: str, at: datetime, looks: str, iss: str) -> None:
    """Ends the hold of a look, since somebody who may decided that the order goes on; where nothing is held there is nothing to end."""
    standing = held(of_run(tx, run))
    if standing is not None:
        keep(tx, Recheck(run, standing.number, standing.day, CLEARED, who, at, looks), iss)


def held(rows: tuple[Recheck, ...]) -> Recheck | None:
    """The hold that nobody has decided on yet, if the newest look is one."""
    return rows[-1] if rows and rows[-1].decision == HELD else None


def held_run(tx: Tx, run: str) -> bool:
    """Whether a look at this order ended in a hold that still stands."""
    return held(of_run(tx, run)) is not None


def _place_in_order(key: str) -> int:
    return int(key.rpartition(":")[2])


def _place(key: str) -> str:
    return f"rechecks|{key}|looks"
