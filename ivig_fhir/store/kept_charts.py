"""The charts of pending orders: packed, sealed, and forgotten once the order is decided."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator

from sqlalchemy import select, update

from ivig_fhir.smart.tenancy import Tenancy
from ivig_fhir.store.database import Tx
from ivig_fhir.store.tables import ORDERS, RUNS

PENDING = ("approved", "uncertain", "sent", "incomplete", "queried")


def keep(tx: Tx, run: str, chart: str) -> None:
    """Keeps the chart (JSON text) that the order of a run was worked out on."""
    packed = base64.b64encode(zlib.compress(chart.encode("utf-8"))).decode("ascii")
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(sealed_chart=tx.ring.seal(packed, _place(run))))


def forget(tx: Tx, run: str) -> None:
    """Drops the chart of an order that is decided, or a draft again."""
    tx.conn.execute(update(ORDERS).where(ORDERS.c.run == run).values(sealed_chart=None))


def pending(tx: Tx) -> Iterator[tuple[Tenancy, str, str | None]]:
    """Every order that is approved and not yet decided, oldest first: its tenancy, its run, and its chart, if it was kept."""
    asked = select(RUNS.c.iss, RUNS.c.tenant, RUNS.c.run, ORDERS.c.sealed_chart).join(ORDERS, ORDERS.c.run == RUNS.c.run)
    for row in tx.conn.execute(asked.where(RUNS.c.state.in_(PENDING)).order_by(RUNS.c.created, RUNS.c.run)).all():
        chart = _unpacked(tx.ring.open(row.sealed_chart, _place(row.run))) if row.sealed_chart else None
        yield Tenancy(row.iss, row.tenant), row.run, chart


def drafts(tx: Tx) -> int:
    """How many runs are still drafts: they are worked out anew whenever they are opened, and keep no chart."""
    return len(tx.conn.execute(select(RUNS.c.run).where(RUNS.c.state == "proposed")).all())


def _unpacked(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode("utf-8")


def _place(run: str) -> str:
    return f"orders|{run}|chart"
