"""Cards: CDS Hooks cards as data that is valid or not constructed, and text of the record made harmless in their Markdown."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from ivig_fhir.fhir.reading import short

LONGEST_SUMMARY = 139
INDICATORS = ("info", "warning", "critical")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUP = re.compile(r"[\\`*_{}\[\]#|~!]")
_LIST_MARK = re.compile(r"^\d+(?=[.)](\s|$))|^(?=[-+=])")
# GitHub's Markdown makes links of bare addresses, whatever is escaped in them; an unseen character between keeps them text.
_AUTOLINK = re.compile(r"(?i)(?<=://)|(?<=www)(?=\.)|(?=@)")
_UNSEEN = "&#8203;"


@dataclass(frozen=True, slots=True)
class SmartLink:
    """A link that the EHR opens as a SMART launch. `app_context` travels through the EHR and must not tell anything about the patient."""

    label: str
    url: str
    app_context: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The link as CDS Hooks has it."""
        return {"label": self.label, "url": self.url, "type": "smart", "appContext": json.dumps(dict(self.app_context), sort_keys=True)}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the advice comes from; the topic lets an EHR group and silence it."""

    label: str
    url: str
    topic_system: str
    topic_code: str
    topic_display: str

    def as_json(self) -> dict[str, Any]:
        """The source as CDS Hooks has it."""
        topic = {"system": self.topic_system, "code": self.topic_code, "display": self.topic_display}
        return {"label": self.label, "url": self.url, "topic": topic}


@dataclass(frozen=True, slots=True)
class Card:
    """One piece of advice: a summary of fewer than 140 characters (code points), an indicator, Markdown, where it comes from, links.

    ValueError when it is none. See: CDS Hooks 2.0, card attributes.
    """

    uuid: UUID
    summary: str
    indicator: str
    detail: str
    source: Source
    links: tuple[SmartLink, ...] = ()

    def __post_init__(self) -> None:
        if not self.summary or len(self.summary) > LONGEST_SUMMARY:
            raise ValueError("a summary has between 1 and 139 characters")
        if self.indicator not in INDICATORS:
            raise ValueError("an indicator is info, warning or critical")
        if not self.source.label:
            raise ValueError("a source has a label")

    def as_json(self) -> dict[str, Any]:
        """The card as CDS Hooks has it."""
        return {
            "uuid": str(self.uuid),
            "summary": self.summary,
            "indicator": self.indicator,
            "detail": self.detail,
            "source": self.source.as_json(),
            "links": [link.as_json() for link in self.links],
        }


def card_uuid(instance: UUID, role: str) -> UUID:
    """The id of a card: derived from the hook's instance and the card's role, so that the same call always gets the same cards."""
    return uuid5(instance, role)


def summary(subject: str, rest: str) -> str:
    """`subject: rest` as a summary; where it is too long the subject is cut, never what is said about it."""
    room = LONGEST_SUMMARY - len(rest) - 2
    return f"{short(subject, room)}: {rest}" if room > 1 else short(rest, LONGEST_SUMMARY)


def escaped(text: str) -> str:
    """Text of the record or of content as one line that Markdown and HTML leave as it stands: no markup, no tag, no link."""
    line = "".join(_ENTITIES.get(c, c) for c in " ".join(text.split()))
    line = _MARKUP.sub(lambda m: "\\" + m[0], line)
    line = _LIST_MARK.sub(lambda m: m[0] + "\\", line)
    return _AUTOLINK.sub(_UNSEEN, line)
