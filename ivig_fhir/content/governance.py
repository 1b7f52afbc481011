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


@dataclass(frozen=True, slots=True)
class Review:
    """Who reviewed a piece of content, when, and until when it holds; unreviewed until a site's reviewer signs."""

    status: str  # unreviewed | reviewed
    reviewer: str = ""
    reviewed_on: str = ""
    expires_on: str = ""


@dataclass(frozen=True, slots=True)
class ContentFile:
    """One file of the content: its name in the folder, the hash of what it says, and who stands behind it."""

    name: str
    hash: str
    governance: Governance
