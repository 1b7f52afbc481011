"""Unsent: whether an approval that has not reached the EHR may still be sent, although nobody reads the chart again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from ivig_fhir.order.transaction import Transaction
from ivig_fhir.proposal.context import MAIN
from ivig_fhir.proposal.dosage_problems import events

_WHAT_TO_DO = "It is not sent any more. Read the order again on the chart as it is now, and approve it again if it still holds."


def too_late(
    approved_at: datetime, approved_content: str, first_day: date | None, now: datetime, today: date, content: str, longest: timedelta
) -> str:
    """Why an unsent approval may not be sent any more, as a sentence; "" while it may.

    Sending works nothing out anew, so it may only happen while what was approved is what would be approved now: within `longest` of
    the approval (to the minute it is reached), before the first infusion day is over at the site, on the same content.
    """
    if first_day is None:
        return f"The order names no day on which it begins. {_WHAT_TO_DO}"
    if today > first_day:
        return f"The first infusion day of this order, {first_day.isoformat()}, is over. {_WHAT_TO_DO}"
    if now - approved_at > longest:
        return f"This approval is older than {longest // timedelta(hours=1)} h, and the chart may have changed since. {_WHAT_TO_DO}"
    if approved_content != content:
        return f"The clinical content changed since this approval. {_WHAT_TO_DO}"
    return ""


def first_day(transaction: Transaction) -> date | None:
    """The first infusion day that an order names, in the site's own time."""
    main = transaction.entry(MAIN)
    dosages: list[Mapping[str, Any]] = list(main.resource.get("dosageInstruction") or []) if main is not None else []
    return min((day for dosage in dosages for day in events(dosage)), default=None)
