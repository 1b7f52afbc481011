"""What somebody did in the EHR to what goes with an order, medicines and monitoring: in words, before anybody decides."""

from __future__ import annotations

from collections.abc import Iterable

from ivig_fhir.order.companions import Companion
from ivig_fhir.order.transaction import Resource

_ENDED = frozenset({"cancelled", "stopped", "revoked", "entered-in-error", "unknown"})


def changed(companions: Iterable[Companion]) -> tuple[str, ...]:
    """A sentence for each that says something else than was approved, or that was ended. None of these becomes active with its order."""
    found = []
    for one in companions:
        if one.edited:
            now, approved = _words(one.stored), _words(one.sent)
            said = f"{now}. Approved was: {approved}." if now != approved else "its words are the same, something else in it is not."
            found.append(f"{one.title} was changed in the EHR since it was approved: {said}")
        elif one.status in _ENDED:
            found.append(f"{one.title} was ended in the EHR: it is {one.status}.")
    return tuple(found)


def unread(companions: Iterable[Companion]) -> tuple[str, ...]:
    """A sentence for each that was stored and cannot be read now: it was deleted, or the EHR does not say."""
    return tuple(f"{one.title} was stored, and cannot be read in the EHR now: {one.problem}" for one in companions if one.problem)


def _words(resource: Resource | None) -> str:
    """What it says to whoever does it."""
    held: Resource = resource or {}
    concept = held.get("medicationCodeableConcept") or held.get("code") or {}
    dosage: Resource = next(iter(held.get("dosageInstruction") or ()), {})
    note: Resource = next(iter(held.get("note") or ()), {})
    said = (concept.get("text"), dosage.get("text") or note.get("text"), dosage.get("patientInstruction") or held.get("patientInstruction"))
    return ", ".join(str(x).rstrip(".") for x in said if x) or "nothing in words"
