"""Beside the spine: everything that happened to one order, from the audit, with what was kept of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ivig_fhir.errors import NotFound
from ivig_fhir.fhir.references import plain_reference
from ivig_fhir.store import audit, orders, proposals, sessions
from ivig_fhir.store.audit import AuditRow
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.workflow.runtime import Runtime


@dataclass(frozen=True)
class Story:
    """One run with its rows of the audit, oldest first; the approved order, if there is one, and the words said on it, the first first.

    `names` are the names of people by their reference, as far as an approval or a word holds them.
    """

    run: Run
    rows: tuple[AuditRow, ...]
    order: Order | None
    words: tuple[Mapping[str, Any], ...]
    names: Mapping[str, str]


def story(runtime: Runtime, session: sessions.Session, run_id: str) -> Story:
    """The story of a run of this session's patient; of any patient of the tenancy for a session without one. NotFound otherwise."""
    with runtime.database.read() as tx:
        run = proposals.load(tx, session.context.tenancy, run_id, session.context.patient)
        rows = audit.rows(tx, run_id)
        try:
            order = orders.load(tx, session.context.tenancy, run_id)
        except NotFound:
            order = None
    said = tuple(words(order))[::-1] if order else ()
    people = [w["who"] for w in said] + ([json.loads(order.approval)["who"]] if order and order.approval else [])
    return Story(run, rows, order, said, {plain_reference(p["reference"]): str(p["display"]) for p in people})


def words(order: Order) -> Iterator[Mapping[str, Any]]:
    """Every word of pharmacist and prescriber that is kept with an order, the last one first."""
    word = json.loads(order.verification) if order.verification else None
    while word:
        yield word
        word = word.get("asked")
