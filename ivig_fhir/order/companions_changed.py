"""What somebody did in the EHR to what goes with an order, medicines and monitoring: in words, before anybody decides."""

from __future__ import annotations

from collections.abc import Iterable

from ivig_fhir.fhir.reading import parts, word
from ivig_fhir.order.companions import Companion, title_of
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
    dosage, note = (next(iter(parts(resource, name)), {}) for name in ("dosageInstruction", "note"))
    told = word(dosage, "patientInstruction") or word(resource, "patientInstruction")
    said = (title_of(resource or {}), word(dosage, "text") or word(note, "text"), told)
    return ", ".join(x.rstrip(".") for x in said if x) or "nothing in words"
