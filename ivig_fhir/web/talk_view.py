"""What pharmacist and prescriber have said to each other about one order, the first word first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.store.orders import Order
from ivig_fhir.web.render import clock, day

View = dict[str, Any]
_DID = {
    "queried": "asks",
    "rejected": "rejected the order",
    "sent": "answers",
    "cancelled": "withdrew the order",
    "verified": "verified",
    "on-hold": "put the order on hold",
    "stopped": "stopped the order",
    "completed": "completed the order",
    "entered-in-error": "took the order back as written by mistake",
}


def talk_view(order: Order) -> list[View]:
    """Each word with who said it, when, its coded reason where it has one, and the note."""
    return list(_said(json.loads(order.verification))) if order.verification else []


def _said(word: Mapping[str, Any]) -> Iterator[View]:
    if word.get("asked"):
        yield from _said(word["asked"])
    reason, at = word.get("reason") or {}, parse_time(word.get("at"))
    note = reason.get("note") or word.get("note") or ""
    if note:
        yield {
            "who": word["who"]["display"],
            "did": _did(word),
            "at": f"{day(at.earliest)}, {clock(at.earliest)}" if at else "",
            "reason": reason.get("display", ""),
            "note": note,
        }


def _did(word: Mapping[str, Any]) -> str:
    if word.get("event") == "resume":
        return "decided that it goes on"
    if word.get("change"):
        return "proposes a change"
    return "approved the change" if word.get("replaced_by") else _DID.get(word["decision"], "")
