"""What somebody changed in the EHR, on the page of the order: what stands in the way first, then all else that is different."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ivig_fhir.order.receipt import Line
from ivig_fhir.order.unsigned import said_of
from ivig_fhir.order.verification import Review
from ivig_fhir.web.render import dated

View = dict[str, Any]
_LONG = 240


def alteration_view(review: Review) -> View:
    """`stops` in sentences, with the parts that are not this order's; `others` likewise."""
    return {"stops": [*(_said(x) for x in review.altered), *review.stored.strays], "others": [_said(x) for x in review.other]}


def _said(line: Line) -> str:
    """In a sentence; of what nobody reads to the end, the start: codes of another system may fill a page."""
    return dated(said_of(replace(line, sent=_cut(line.sent), stored=_cut(line.stored))))


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]} … ({len(text)} characters)"
