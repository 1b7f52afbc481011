"""Seen: what a pharmacist had on screen of one order, as far as a later page tells what changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ivig_fhir.order.recompute import Recalculated
from ivig_fhir.order.verification import Review


@dataclass(frozen=True)
class Seen:
    """The stored order, the second calculation, and by their keys what the checks found and what could not be read."""

    order: Mapping[str, Any]
    lines: tuple[Recalculated, ...]
    known: frozenset[tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        lines, known = [asdict(line) for line in self.lines], sorted(list(key) for key in self.known)
        return {"order": dict(self.order), "lines": lines, "known": known}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Seen:
        """What `to_json` wrote."""
        return cls(data["order"], tuple(Recalculated(**line) for line in data["lines"]), frozenset(tuple(k) for k in data["known"]))


def seen(review: Review) -> Seen:
    """What of a review a later page needs."""
    known = {tuple(map(str, x.key)) for x in review.since.found} | {(u.type,) for u in review.since.unread}
    return Seen(review.stored.order, review.lines, frozenset(known))
