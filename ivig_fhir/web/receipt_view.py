"""What the receipt and the list of a patient's orders show; plain data for their templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ivig_fhir.chart.facts import Person
from ivig_fhir.ehr.modes import WriteMode
from ivig_fhir.order.receipt import ADDED, CHANGED, LOST, SAME, SAME_MEANING, Receipt
from ivig_fhir.order.states import Event, allows
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.store.orders import Order
from ivig_fhir.store.proposals import Run
from ivig_fhir.web.companions_view import left_view
from ivig_fhir.web.order_view import banner_view, number_view, person_view
from ivig_fhir.web.render import STATES, clock, day
from ivig_fhir.web.talk_view import talk_view
from ivig_fhir.workflow.propose import Page

View = dict[str, Any]
_WORDS = {SAME: "same", SAME_MEANING: "same meaning", LOST: "lost", CHANGED: "changed", ADDED: "added by the EHR"}
_HEAD = {
    "approved": ("need", "Approved, not in the EHR", "Nothing of this order is stored in the EHR."),
    "sent": ("ok", "Stored as a draft", "The EHR holds the order as it was sent. A pharmacist verifies it next."),
    "uncertain": (
        "unk",
        "Outcome unknown",
        "The EHR did not answer. Look for the order before anything is sent again; this app never resends blindly.",
    ),
    "incomplete": ("stop", "Incomplete", "The EHR lost something that counts. The order cannot be verified like this."),
    "queried": ("warn", "A question was asked", "The order stays a draft until the pharmacist decides."),
    "verified": ("ok", "Verified and active", "A pharmacist verified the order on a second calculation; it is active in the EHR."),
    "rejected": ("stop", "Rejected", "A pharmacist rejected the order; it is cancelled in the EHR."),
    "cancelled": ("stop", "Cancelled", "The order was withdrawn before anything was given."),
    "on-hold": ("warn", "On hold", "No infusion is given until a prescriber or a pharmacist decides how the order goes on."),
    "stopped": ("stop", "Stopped", "The order ended before all of its infusions; it cannot be taken up again."),
    "completed": ("ok", "Completed", "Every infusion of this order has been given."),
    "entered-in-error": ("stop", "Entered in error", "The order should never have been written; nobody may give it."),
}
_BY_HAND = (
    "need",
    "Approved, not in the EHR",
    "This app does not send the order, and nothing of it is stored in the EHR. Enter it by hand, from the text below or on paper.",
)
_STEPS = ("Approved", "Written", "Waiting", "Verified", "Infusion")
_REACHED = {"approved": 1, "uncertain": 1, "incomplete": 2, "sent": 3, "queried": 3, "verified": 4, "rejected": 3, "cancelled": 3}
_REACHED |= {"on-hold": 4, "stopped": 4, "completed": 5, "entered-in-error": 3}


def receipt_view(order: Order, page: Page, mode: WriteMode, by_hand: str = "") -> View:
    """What became of an approved order: headline, timeline, fields sent and stored, parts; `by_hand` is its text where nobody sends it."""
    receipt = Receipt.from_json(json.loads(order.receipt)) if order.receipt else None
    kind, headline, explained = _BY_HAND if by_hand else _HEAD[order.state]
    lost = [line.field for line in receipt.lost] if receipt else []
    if lost:
        explained = f"Lost or changed: {', '.join(lost)}. {explained}"
    proposal = page.proposal
    lines = receipt.lines if receipt else ()
    return {
        "title": proposal.order_set.name if proposal else "immunoglobulin",
        "kind": kind,
        "headline": headline,
        "explained": explained,
        "reference": _reference(receipt),
        "banner": banner_view(proposal, page.chart) if proposal else {},
        "order": number_view(proposal) if proposal else None,
        "timeline": _timeline(order, bool(by_hand)),
        "essential": [_line(x) for x in lines if x.essential],
        "others": [_line(x) for x in lines if not x.essential and x.result != SAME],
        "parts": [{"title": p.role, "state": f"{p.state} {p.reference or ''} {p.said}".strip()} for p in receipt.parts] if receipt else [],
        "talk": talk_view(order),
        "left": left_view(order),
        "queried": order.state == "queried",
        "withdrawable": allows(order.state, Event.CANCEL) and mode.writes and order.state != "approved",
        "closed": order.state in ("rejected", "cancelled"),
        "change": order.state == "queried" and bool(_last_word(order).get("change")),
        "replaced_by": _last_word(order).get("replaced_by") or "",
        "course": receipt is not None and order.state not in ("approved", "uncertain"),
        "retry": "" if by_hand else _retry(order.state, mode),
        "caution": order.state == "approved",
        "copy_text": by_hand,
        "reason": mode.reason if by_hand and not mode.writes else "",
    }


def _last_word(order: Order) -> View:
    said: View = json.loads(order.verification) if order.verification else {}
    return said


def _reference(receipt: Receipt | None) -> str:
    part = receipt.part(MAIN) if receipt else None
    return f"{part.reference}, version {part.version}" if part and part.reference else ""


def _timeline(order: Order, by_hand: bool) -> list[View]:
    reached, steps = _REACHED[order.state], ("Approved", "Entered by hand", *_STEPS[2:]) if by_hand else _STEPS
    at = f"{day(order.approved_at)}, {clock(order.approved_at)}"
    return [
        {"what": step, "when": at if n == 0 else "", "cls": "done" if n < reached else "now" if n == reached else ""}
        for n, step in enumerate(steps)
    ]


def _line(line: Any) -> View:
    kind = "stop" if line.harmful else "ok" if line.result in (SAME, SAME_MEANING) else "info"
    return {"field": line.field, "sent": line.sent, "stored": line.stored, "result": _WORDS[line.result], "kind": kind}


def _retry(state: str, mode: WriteMode) -> str:
    if not mode.writes:
        return ""
    return {"approved": "Send to the EHR", "uncertain": "Look for it in the EHR", "incomplete": "Send what is missing"}.get(state, "")


def runs_view(person: Person, runs: Sequence[Run]) -> View:
    """A patient's orders that are in the EHR, newest last."""
    return {
        "banner": person_view(person),
        "runs": [{"run": r.run, "state": STATES[r.state], "at": day(r.changed), "sheet": r.state == "verified"} for r in runs],
    }
