"""Steps 5 and 6, beside the order: its companions as the EHR holds them now."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.update import read_back
from ivig_fhir.fhir.building import decode
from ivig_fhir.order.companions import TYPES, Companion
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.order.transaction import Entry, Transaction, from_json, resolve
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.store.orders import Order


def read_companions(client: FhirClient, order: Order, writable: Collection[str] = TYPES) -> tuple[Companion, ...]:
    """What was approved with an order and is in the EHR, each read now past caches; `writable` are the types that may be changed.

    What cannot be read is among them, with why: it is not taken for absent.
    """
    if not order.receipt or not order.transaction:
        return ()
    sent, receipt = from_json(decode(order.transaction)), Receipt.from_json(json.loads(order.receipt))
    known = {e.full_url: p.reference for e in sent.entries if (p := receipt.part(e.role)) and p.reference}
    parts = [(e, p) for e in _companions(sent) if (p := receipt.part(e.role)) and p.reference]
    held, versions = read_back(client, [p for _, p in parts]), _versions(order)
    return tuple(
        Companion(
            role=e.role,
            sent=resolve(e, known).resource,
            stored=dict(held.resources[e.role]) if e.role in held.resources else None,
            version=versions.get(e.role, p.version),
            problem=held.unread.get(e.role, ""),
            writable=e.type in writable,
        )
        for e, p in parts
    )


def _companions(sent: Transaction) -> Iterator[Entry]:
    return (e for e in sent.entries if e.type in TYPES and e.role != MAIN)


def _versions(order: Order) -> Mapping[str, str | None]:
    """The version of each companion that a decision stored last, by role."""
    made: dict[str, str | None] = {}
    said: Any = json.loads(order.verification) if order.verification else None
    while said:
        made = {**(said.get("versions") or {}), **made}
        said = said.get("asked")
    return made
