"""What somebody changed in the EHR, on the page of the order: what stands in the way first, then all else that is different."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ivig_fhir.order.companions_changed import changed, unread
from ivig_fhir.order.receipt import Line
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.unsigned import said_of
from ivig_fhir.order.verification import Review
from ivig_fhir.web.render import dated

View = dict[str, Any]
_LONG = 240
_WAITS = (OrderState.SENT, OrderState.QUERIED, OrderState.INCOMPLETE)


def alteration_view(review: Review) -> View:
    """`stops` in sentences, with the parts that are not this order's, or no more; `others` likewise.

    Once the order is decided its task is over by rights, and a part that was deleted stops nothing.
    """
    waits, stored = review.state in _WAITS, review.stored
    beside = stored.obstacles if waits else stored.strays
    return {
        "stops": [*(_said(x) for x in review.altered), *beside],
        "others": [*(_said(x) for x in review.other), *_companions(review), *(() if waits else stored.deleted)],
        "closed": waits and bool(stored.closed),
    }


def _companions(review: Review) -> tuple[str, ...]:
    """What was done to what goes with the order, while that is still to come or going on."""
    if review.state not in (*_WAITS, OrderState.VERIFIED, OrderState.ON_HOLD):
        return ()
    return (*changed(review.stored.companions), *unread(review.stored.companions))


def _said(line: Line) -> str:
    """In a sentence; of what nobody reads to the end, the start: codes of another system may fill a page."""
    return dated(said_of(replace(line, sent=_cut(line.sent), stored=_cut(line.stored))))


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]} … ({len(text)} characters)"
