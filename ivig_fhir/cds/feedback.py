"""Feedback: what clinicians did with our cards, as their EHR reports it afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from ivig_fhir.errors import BadRequest
from ivig_fhir.fhir.reading import part, parts, word

OUTCOMES = ("accepted", "overridden")


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of one card: accepted or overridden, when, which suggestions, and the coded reason.

    `comment` is what the user wrote and may name the patient. `id` is derived from service, card and time: the same report sent twice has
    the same id, so that whoever keeps it can keep it once.
    """

    id: UUID
    service: str
    card: str
    outcome: str
    time: str
    suggestions: tuple[str, ...]
    reason: str
    comment: str


def feedback_of(body: Mapping[str, Any], service: str) -> tuple[Feedback, ...]:
    """The reports of one call, each once. A report without a card or a known outcome is passed over.

    BadRequest when there is no list of reports, or none of those in it can be used. Cards that nobody remembers are no error.
    See: CDS Hooks 2.0, feedback.
    """
    listed = body.get("feedback")
    if not isinstance(listed, list):
        raise BadRequest(said="feedback is not a list.")
    found = {f.id: f for f in (_one(item, service) for item in listed) if f is not None}
    if listed and not found:
        raise BadRequest(said="No entry of feedback names a card and an outcome.")
    return tuple(found.values())


def _one(item: object, service: str) -> Feedback | None:
    card, outcome, time = word(item, "card"), word(item, "outcome"), word(item, "outcomeTimestamp")
    if not card or outcome not in OUTCOMES:
        return None
    override = part(item, "overrideReason")
    reason = part(override, "reason")
    return Feedback(
        id=uuid5(NAMESPACE_URL, f"{service}|{card}|{outcome}|{time}"),
        service=service,
        card=card,
        outcome=outcome,
        time=time,
        suggestions=tuple(word(s, "id") for s in parts(item, "acceptedSuggestions") if word(s, "id")),
        reason="|".join(filter(None, (word(reason, "system"), word(reason, "code")))),
        comment=word(override, "userComment"),
    )
