"""A prescriber's own orders, a line each: what it is, what became of it, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.fhir.building import decode
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.web.render import STATES, clock, day, plural, short_name
from ivig_fhir.web.schedule import days_view
from ivig_fhir.workflow.my_orders import Mine

View = dict[str, Any]
# Shape, what to do next, and where: an address below the run.
_NEXT = {
    "queried": ("need", "Answer the question, or withdraw the order", "receipt#talk"),
    "incomplete": ("stop", "Send what is missing, or withdraw the order", "receipt"),
    "uncertain": ("unk", "Look for it in the EHR; nothing is sent again before", "receipt"),
    "approved": ("need", "Send it to the EHR, or hand it over", "receipt"),
    "on-hold": ("warn", "Decide whether it goes on or is stopped", "receipt"),
    "rejected": ("stop", "Order again with changes, or leave it", "receipt"),
    "proposed": ("info", "Go on with the draft, or leave it", ""),
    "sent": ("", "Nothing: the pharmacist is next", "receipt"),
    "verified": ("ok", "Nothing: it is active", "receipt"),
}
_OLD = "Read the record again: the draft is older than {hours} hours"
_LATE = "Choose new dates, or hurry: the first infusion is on {when}"
_LATE_SENT = "Call the pharmacy: the first infusion is on {when}, and nobody has verified it"


def my_orders_view(here: Sequence[Mine], others: Sequence[Mine], content: Content, hours: int) -> View:
    """The page: this patient's, and the open ones of others where the session may see them. `hours` is the limit of an old draft."""
    return {
        "rows": [row(m, content, hours) for m in here],
        "others": [row(m, content, hours) for m in others],
        "waiting": sum(m.waits for m in here),
    }


def row(mine: Mine, content: Content, hours: int) -> View:
    """One line."""
    state = mine.run.state
    kind, then, where = _NEXT.get(state, ("", "Nothing: it has ended", "receipt"))
    if mine.old:
        kind, then = "warn", _OLD.format(hours=hours)
    if mine.late and mine.start:
        when = f"{day(mine.start)}, {clock(mine.start)}"
        kind, then = "warn" if kind in ("", "info", "ok") else kind, _late(state, when, then)
    return {
        "run": mine.run.run,
        "state": state,
        "kind": kind,
        "what": _what(mine, content),
        "became": STATES.get(state, state),
        "said": _said(mine),
        "then": then,
        "where": where,
        "changed": day(mine.run.changed),
        "patient": mine.patient_name,
        "waits": mine.waits,
        "sheet": state == "verified",
    }


def _late(state: str, when: str, then: str) -> str:
    if state == "sent":
        return _LATE_SENT.format(when=when)
    return _LATE.format(when=when) if state == "proposed" else f"{then}. The first infusion is on {when}"


def _what(mine: Mine, content: Content) -> str:
    """`25 g each day, on 5 days, Gamunex-C for Myasthenia gravis`; a draft by its indication."""
    if mine.order is None:
        chosen = content.order_sets.get(str(decode(mine.run.selections).get("indication")))
        return f"Draft for {short_name(chosen.name)}" if chosen else "Draft"
    body = json.loads(mine.order.body)
    series = body["series"]
    number = days_view(
        body["dose"]["per_infusion_g"], series["dates"] if series else [i["date"] for i in body["dose"]["infusions"]], series
    )
    brand, name = content.products[body["product"]["id"]].brand, short_name(content.order_sets[body["indication"]].name)
    return f"{number['grams']} {number['each']}, {brand} for {name}"


def _said(mine: Mine) -> str:
    """Why it stands as it does: the pharmacist's word, or what the EHR lost."""
    if mine.run.state == "incomplete" and mine.order and mine.order.receipt:
        receipt = Receipt.from_json(json.loads(mine.order.receipt))
        return "Lost: " + ", ".join([*(x.field for x in receipt.lost), *(p.role for p in receipt.missing)])
    if mine.run.state in ("proposed", "approved", "uncertain", "sent"):
        return ""
    reason = mine.word.get("reason") or {}
    note = reason.get("note") or mine.word.get("note") or ""
    return ": ".join(x for x in (str(reason.get("display") or ""), f"“{note}”" if note else "") if x)


def launch_line(here: Sequence[Mine], run: str) -> str:
    """What a launch says of the other orders of this patient: how many wait for this person, how many for the pharmacist; else empty."""
    others = [m for m in here if m.run.run != run]
    waiting, sent = sum(m.waits for m in others), sum(m.run.state == "sent" for m in others)
    parts = [
        f"{plural(waiting, 'order waits', 'orders wait')} for you" if waiting else "",
        f"{plural(sent, 'order waits', 'orders wait')} for the pharmacist" if sent else "",
    ]
    return ", ".join(p for p in parts if p)
