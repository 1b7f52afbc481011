"""What the pages say of the companions of an order: what each is in the EHR, and which do not follow the order."""

from __future__ import annotations

import json
from typing import Any

from ivig_fhir.order.companions import astray, follow, stays, unfollowed
from ivig_fhir.order.decision import Stored
from ivig_fhir.order.states import OrderState
from ivig_fhir.store.orders import Order

View = dict[str, Any]
STILL_DRAFT, NOT_FOLLOWED = "Companion still draft", "Companion does not follow"


def companions_view(stored: Stored, state: OrderState) -> list[View]:
    """Each companion as the EHR holds it now: what it is, its status, and where it does not follow the order, why."""
    made = follow(stored.companions, state)
    said = {x.role: x for x in (*(unfollowed(e) for e in made.entries), *made.left)}
    return [
        {
            "role": one.role,
            "title": one.title,
            "status": one.status or "not read",
            "said": said[one.role].said if one.role in said else "",
            "stays": stays(state) and not one.dated and one.status == "active",
            "again": one.role in said and said[one.role].again,
        }
        for one in stored.companions
    ]


def astray_view(stored: Stored, state: OrderState) -> tuple[str, ...]:
    """In sentences, which companions may be acted on in the EHR before their order may."""
    return astray(stored.companions, state)


def left_view(order: Order) -> tuple[str, ...]:
    """In sentences, which companions did not follow the last decision on an order, as it was kept."""
    return tuple(str(x["said"]) for x in _left(order))


def left_word(order: Order) -> str:
    """The same in three words for a list; "" where all of them follow."""
    left = _left(order)
    if not left:
        return ""
    word = json.loads(order.verification)
    draft = word.get("decision") == OrderState.VERIFIED and word.get("event") != "resume"
    return STILL_DRAFT if draft or any(x["status"] == "draft" for x in left) else NOT_FOLLOWED


def _left(order: Order) -> list[dict[str, Any]]:
    return list(json.loads(order.verification).get("companions") or ()) if order.verification else []
