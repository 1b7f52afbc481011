"""Who stands behind a content file: its status, version, author and checker, the day by which it is read again, and a site's signature."""

from __future__ import annotations

from dataclasses import dataclass

STATUSES = ("draft", "active", "retired")
KEYS = ("status", "version", "written_by", "checked_by", "review_by")


@dataclass(frozen=True, slots=True)
class Governance:
    """What a file says of itself. status: FHIR's draft, active or retired; `review_by`: a date. `checked_by` is always "none"."""

    status: str
    version: str
    written_by: str
    checked_by: str
    review_by: str

    @property
    def retired(self) -> bool:
        """Whether no new order may stand on it; old ones still name it."""
        return self.status == "retired"


@dataclass(frozen=True, slots=True)
class Review:
    """A site's signature over a piece of content, by its hash: who read it, when, and until when that holds ("": as long as the file)."""

    reviewer: str
    reviewed_on: str
    expires_on: str = ""


@dataclass(frozen=True, slots=True)
class ContentFile:
    """A part of the content: its file (or folder), the hash of what it says, and who stands behind it."""

    name: str
    hash: str
    governance: Governance
