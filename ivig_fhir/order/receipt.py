"""Receipt: what was sent, what the EHR stored, what it lost or changed, field by field; and which parts were stored at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ivig_fhir.order.states import Event

SAME, SAME_MEANING, LOST, CHANGED, ADDED = "same", "same-meaning", "lost", "changed", "added-by-server"
STORED, ALREADY, MISSING, REFUSED, UNSUPPORTED = "stored", "already-there", "missing", "refused", "not-supported"
UNKNOWN = "unknown"  # the answer was lost, and the EHR does not let us look for it


@dataclass(frozen=True, slots=True)
class Line:
    """One field: what was sent, what is stored, how they compare; an essential one lost or changed makes the order incomplete.

    kind: what an essential field is about (patient, product, dose, timing, rate, weight, status, requester, identifier), for the audit.
    """

    field: str
    sent: str
    stored: str
    result: str
    essential: bool
    kind: str = ""

    @property
    def harmful(self) -> bool:
        """Whether this line alone makes the order incomplete."""
        return self.essential and self.result in (LOST, CHANGED)


@dataclass(frozen=True, slots=True)
class Part:
    """One resource of the run: whether the EHR stored it, under which reference and version, or what it said.

    state: stored, already-there, missing, refused, not-supported, unknown.
    """

    role: str
    type: str
    state: str
    reference: str | None = None
    version: str | None = None
    said: str = ""


@dataclass(frozen=True)
class Receipt:
    """What became of one approved order. mode: transaction, sequential, or how else it was handed over."""

    run: str
    mode: str
    at: datetime
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]

    @property
    def lost(self) -> tuple[Line, ...]:
        """The essential fields that the EHR lost or changed."""
        return tuple(line for line in self.lines if line.harmful)

    @property
    def lost_kinds(self) -> str:
        """What the EHR lost, changed or lacks, by kind and without a word of the patient; "" where nothing counts."""
        lost = list(dict.fromkeys(line.kind for line in self.lost))
        parts = list(dict.fromkeys(p.type for p in self.missing))
        said = (f"lost: {', '.join(lost)}" if lost else "", f"missing: {', '.join(parts)}" if parts else "")
        return "; ".join(filter(None, said))

    @property
    def missing(self) -> tuple[Part, ...]:
        """The parts that should be in the EHR and are not; what a server never takes is not missing."""
        return tuple(p for p in self.parts if p.state in (MISSING, REFUSED, UNKNOWN))

    @property
    def incomplete(self) -> bool:
        """Whether the EHR lacks something that counts: the order may then not be verified."""
        return bool(self.lost or self.missing)

    @property
    def event(self) -> Event:
        """What happened to the order."""
        return Event.STORE_IN_PART if self.incomplete else Event.STORE

    def part(self, role: str) -> Part | None:
        """The part of a role."""
        return next((p for p in self.parts if p.role == role), None)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        made = asdict(self)
        lists = {"parts": list(made["parts"]), "lines": list(made["lines"])}
        return {**made, **lists, "at": self.at.isoformat(), "incomplete": self.incomplete}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Receipt:
        """The receipt that `to_json` wrote."""
        parts, lines = tuple(Part(**p) for p in data["parts"]), tuple(Line(**x) for x in data["lines"])
        return cls(str(data["run"]), str(data["mode"]), datetime.fromisoformat(data["at"]), parts, lines)
