"""What the worklist shows: filters, one row an order with only exceptions carrying a shape, and who works on what."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ivig_fhir.fhir.dates import completed_years, parse_date
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.fhir.reading import part, parts, short, word
from ivig_fhir.order.approval import Clinician
from ivig_fhir.order.receipt import Receipt
from ivig_fhir.store.claims import Claim
from ivig_fhir.store.proposals import DECIDED
from ivig_fhir.web.companions_view import left_word
from ivig_fhir.web.render import NBSP, amount, clock, day, duration, plural, short_name
from ivig_fhir.web.worklist_filters import CLAIMED, NEEDED, PAGE, STATES_OF, STATUSES, Desk, Filters
from ivig_fhir.workflow.worklist import Row, Worklist

View = dict[str, Any]
_SOON = 180
_STATES = {
    "approved": ("warn", "Not in the EHR yet"),
    "uncertain": ("unk", "Outcome unknown"),
    "sent": ("", "Waiting"),
    "queried": ("warn", "Question asked"),
    "incomplete": ("stop", "Incomplete"),
    "verified": ("ok", "Verified"),
    "rejected": ("", "Rejected"),
    "cancelled": ("", "Withdrawn"),
    "on-hold": ("warn", "On hold"),
    "stopped": ("", "Stopped"),
    "completed": ("ok", "Completed"),
    "entered-in-error": ("stop", "Entered in error"),
}
_ANSWERED = ("info", "Answered")  # it waits like any other, and the pharmacist who asked has a word to read
_HELD = {"accepted": "Claimed", "in-progress": "In progress"}


def worklist_view(found: Worklist, rows: Sequence[Row], count: int, filters: Filters, desk: Desk, ehr: str, base: str) -> View:
    """The page: `rows` are those of this page, filled; `count` is how many pass the filters in all; `base` is the list's address."""
    last = max(1, -(-count // PAGE))
    counts = {name: sum(r.state in states for r in found.rows) for name, states in STATES_OF.items()}
    counts |= {"open": sum(r.state not in DECIDED for r in found.rows), "on-hold": found.on_hold}
    first = (filters.page - 1) * PAGE + 1
    return {
        "rows": [_row(r, desk) for r in rows],
        "caption": f"{plural(count, 'order')}, most urgent first" + (f"; {first} to {first + len(rows) - 1}" if last > 1 else ""),
        "problem": found.problem,
        "ours": found.ours,
        "read_at": clock(desk.local(desk.now)),
        "ehr": ehr,
        "base": base,
        "filters": filters,
        "here": base + filters.address(),
        "previous": base + filters.address(filters.page - 1) if filters.page > 1 else "",
        "next": base + filters.address(filters.page + 1) if filters.page < last else "",
        "statuses": [(k, v if k == "all" else f"{v} ({counts[k]})", k == filters.status) for k, v in STATUSES.items()],
        "needed": [(k, v, k == filters.needed) for k, v in NEEDED.items()],
        "claimed": [(k, v, k == filters.claimed) for k, v in CLAIMED.items()],
    }


def worklist_json(rows: Iterable[Row], desk: Desk) -> list[View]:
    """The same for scripts."""
    return [
        {
            "run": r.run,
            "state": r.state,
            "patient": word(r.patient or {}, "id"),
            "order": f"MedicationRequest/{r.order.get('id')}" if r.order else None,
            "task": (r.task or {}).get("status"),
            "needed_by": desk.local(r.needed_by).isoformat() if r.needed_by else None,
            "priority": word(r.task or {}, "priority") or None,
            "claimed_by": None if r.worker is None else {"reference": r.worker.reference, "display": r.worker.display},
            "source": "task" if r.task is not None else "store",
        }
        for r in rows
    ]


def _row(r: Row, desk: Desk) -> View:
    kept, answered = r.approved, _is_answered(r)
    kind, status = _ANSWERED if answered else _STATES.get(r.state, ("", r.state))
    dose, known = part(kept, "dose"), desk.content.order_sets.get(str(kept.get("indication") or ""))
    days = len(part(kept, "series").get("dates") or dose.get("infusions") or [])
    held = _held_as(r)
    when, soon, late = _needed(r, desk)
    priority = word(r.task or {}, "priority")
    return {
        "run": r.run,
        "when": when,
        "soon": soon,
        "late": late,
        "priority": "" if priority in ("", "routine") else priority,
        "patient": patient_name(r.patient),
        "who": _age_and_number(r, desk.now),
        "indication": short_name(known.name) if known else "",
        "grams": amount(dose.get("per_infusion_g"), "g"),
        "each": f"each of {days} days" if days > 1 else "on 1 day",
        "product": _product(r, desk),
        "kind": kind if not (held and r.state == "sent" and not answered) else "",
        "status": held if held and r.state == "sent" and not answered else status,
        "age": _age(r, desk.now),
        "claimed": _claimed(r, desk),
        "free": r.worker is None and r.state not in DECIDED and r.known is not None,
        "mine": r.worker is not None and r.worker.is_same(desk.who) and r.state not in DECIDED,
        "look": _look(r, answered),
    }


def _held_as(r: Row) -> str:
    return _HELD.get(r.claim.status if r.claim else word(r.task or {}, "status"), "")


def _needed(r: Row, desk: Desk) -> tuple[str, str, bool]:
    """`09:30` with "in 38 min", `Tue` with "3 Mar"; and whether it is past."""
    if r.needed_by is None:
        return "–", "", False
    local, today = desk.local(r.needed_by), desk.local(desk.now).date()
    minutes = int((r.needed_by - desk.now).total_seconds() // 60)
    if r.state in DECIDED or local.date() != today:
        name, _, rest = day(local, year=False).partition(" ")
        return name, rest, minutes < 0 and r.state not in DECIDED
    if minutes < 0:
        return clock(local), f"{duration(-minutes)} ago", True
    return clock(local), f"in {duration(minutes)}" if minutes <= _SOON else "today", False


def _product(r: Row, desk: Desk) -> str:
    """Brand and strength; what the EHR calls it where that is not the brand that was approved."""
    stored = str(part(r.order or {}, "medicationCodeableConcept").get("text") or "")
    kept = part(r.approved, "product")
    product, strength = desk.content.products.get(str(kept.get("id") or "")), kept.get("concentration_mg_ml")
    if product is None or (stored and not stored.startswith(product.brand)):
        return short(stored)
    return f"{product.brand} {plain(Decimal(str(strength)) / 10)}{NBSP}%" if strength else product.brand


def _age(r: Row, now: datetime) -> str:
    return duration(max(0, int((now - r.written).total_seconds() // 60))) if r.written else "–"


def _claimed(r: Row, desk: Desk) -> str:
    worker = r.worker
    if worker is None and r.state in DECIDED and r.task is not None:
        owner = part(r.task, "owner")
        worker = Clinician(word(owner, "reference"), word(owner, "display"), frozenset()) if owner else None
    if worker is None:
        return "–"
    return "Me" if worker.is_same(desk.who) else worker.display or "Somebody else"


def _is_answered(r: Row) -> bool:
    """Whether the last word on an order that waits is the prescriber's answer to a question."""
    last = json.loads(r.known.verification) if r.known and r.known.verification else {}
    return r.state == "sent" and last.get("decision") == "sent"


def _look(r: Row, answered: bool) -> str:
    """What is not routine about an order, shortest first."""
    if r.known is None:
        return "Not approved with this app"
    reasons, gaps = (
        len(r.approved.get("overrides") or []),
        [n for n in r.approved.get("not_assessed") or [] if n["reason"] != "not-supported"],
    )
    said = ["Answer to read"] if answered else []
    said += [f"{', '.join(lost)} lost in the EHR"] if (lost := _lost(r)) else []
    said += ["No task in the EHR"] if r.task is None and r.state in ("sent", "incomplete", "queried") else []
    said += [word] if r.known and (word := left_word(r.known)) else []
    said += ["Patient not readable"] if r.patient is None else []
    return "; ".join(said + ([plural(reasons, "reason")] if reasons else []) + ([f"{len(gaps)} not assessed"] if gaps else []))


def _lost(r: Row) -> list[str]:
    receipt = Receipt.from_json(json.loads(r.known.receipt)) if r.known and r.known.receipt else None
    return [line.field for line in receipt.lost] if receipt else []


def patient_name(patient: Mapping[str, Any] | None) -> str:
    """`SAMPLETON, Edwin`."""
    name = next(iter(parts(patient or {}, "name")), {})
    given = " ".join(str(g) for g in name.get("given") or [])
    family = word(name, "family").upper()
    return ", ".join(w for w in (family, given) if w) or word(name, "text") or "Name not read"


def _age_and_number(r: Row, now: datetime) -> str:
    """Years; below one year the months as they were when the order was approved."""
    born = parse_date((r.patient or {}).get("birthDate"))
    years = completed_years(born, now.date()) if born else None
    age = "" if years is None else f"{years} y" if years else str(part(r.approved, "patient").get("age") or "below 1 y")
    number = next((word(i, "value") for i in parts(r.patient or {}, "identifier") if word(i, "value")), "")
    return ", ".join(w for w in (age, number) if w)


def claim_view(claim: Claim | None, who: Clinician, state: str, desk: Desk) -> View:
    """Whose work one order is, for the page of that order: free, mine or another's, since when, and whether it is begun."""
    if state in DECIDED:
        return {"whose": ""}
    if claim is None:
        return {"whose": "free"}
    mine = who.is_same(Clinician(claim.by, claim.display, frozenset()))
    since = desk.local(claim.since)
    same_day = since.date() == desk.local(desk.now).date()
    return {
        "whose": "mine" if mine else "other",
        "by": claim.display or "Somebody else",
        "since": clock(since) if same_day else f"{day(since)}, {clock(since)}",
        "begun": claim.status == "in-progress",
    }
