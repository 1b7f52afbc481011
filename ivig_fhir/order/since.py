"""Since the approval: what the checks find on the record of now that they did not find then, and what could not be read now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ivig_fhir.content.model import Content
from ivig_fhir.order.recompute import Recalculated
from ivig_fhir.order.recompute.findings import INFO, OVERRIDE, STOP, WARNING
from ivig_fhir.order.recompute.history import CUMULATIVE
from ivig_fhir.proposal.findings import Finding, NotAssessed
from ivig_fhir.proposal.model import Proposal

Json = Mapping[str, Any]
UNREADABLE = "record.unreadable"
_GRAMS = "Grams given"  # how the line of the second calculation begins that belongs to the check of cumulative dose
_RANK = (INFO, WARNING, OVERRIDE, STOP)
# A newer value under a finding that was answered for is no new finding while it is no graver; a new diagnosis, allergy or medicine is.
_VALUES = frozenset({"Observation", "Patient", "order", "order_sets"})


@dataclass(frozen=True, slots=True)
class New:
    """A finding that was not there at the approval, was less grave (`was`: its severity then), or stands on more; with what is new of it.

    `asks`: nobody has given a reason for it that needs one; `answer` is what the prescriber said when asked about exactly this.
    """

    finding: Finding
    title: str
    was: str
    asks: bool
    answer: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the order cannot be verified with it: a hard stop whatever anybody says."""
        return self.finding.severity == STOP or (self.asks and not self.answer)

    @property
    def key(self) -> tuple[str, ...]:
        """What it is and stands on, to tell it again."""
        return (self.finding.check, self.finding.severity, *(f"{e.reference}: {e.said}" for e in self.finding.evidence))

    @property
    def said(self) -> str:
        """In words."""
        shown = "; ".join(dict.fromkeys(e.said for e in self.finding.evidence if e.said))
        return f"{self.title}. {self.finding.message}{f' ({shown})' if shown else ''}"


@dataclass(frozen=True, slots=True)
class Unread:
    """A type of the record that could not be read completely now: what the EHR said, which checks and lines were not made for it."""

    type: str
    said: str
    checks: tuple[str, ...]


@dataclass(frozen=True)
class Since:
    """All that is new. `unread` are the parts of the record that a pharmacist answers for in words, `lapsed` the checks that could be made
    then and cannot now, `dark` the lines of the second calculation that could not be recalculated, `problem` why no check could be made.
    """

    found: tuple[New, ...] = ()
    unread: tuple[Unread, ...] = ()
    lapsed: tuple[NotAssessed, ...] = ()
    dark: tuple[str, ...] = ()
    problem: str = ""

    @property
    def mark(self) -> list[Any]:
        """What of it a decision stands on; information, and what only grew old, may pass."""
        return [[list(x.key) for x in self.found if x.finding.severity != INFO], [u.type for u in self.unread], self.problem]

    @property
    def asked(self) -> str:
        """What a question to the prescriber says of it; "" where nothing is left to ask."""
        said = " ".join(x.said for x in self.found if x.blocks)
        return f"New since the approval: {said}" if said else ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        found = [
            {
                "check": x.finding.check,
                "severity": x.finding.severity,
                "was": x.was or None,
                "said": x.said,
                "blocks": x.blocks,
                "answer": x.answer or None,
            }
            for x in self.found
        ]
        unread = [{"type": u.type, "said": u.said, "not_checked": list(u.checks)} for u in self.unread]
        lapsed = [{"check": n.check, "reason": n.reason.value, "message": n.message} for n in self.lapsed]
        return {
            "found": found,
            "unread": unread,
            "not_assessed": lapsed,
            "not_recalculated": list(self.dark),
            "problem": self.problem or None,
        }


def since(kept: Json, today: Proposal, lines: Sequence[Recalculated], content: Content, answers: Mapping[tuple[str, ...], str]) -> Since:
    """The order as approved (`kept`) against the same order proposed on the record of now, with the second calculation on it.

    `answers` is what the prescriber said since on findings, by their key.
    """
    titles = {id_: title for _, id_, title in content.constants["check_index"]}
    unread = {e.reference: e.said for f in today.findings if f.check == UNREADABLE for e in f.evidence}
    before = {f["check"]: f for f in kept["findings"]}
    found = [x for f in today.findings if (x := _new(f, before.get(f.check), titles[f.check], unread)) is not None]
    found = [replace(x, answer=answers.get(x.key, "")) if x.asks else x for x in found]
    dark = not_recalculated(lines, content, unread)
    known = {e["reference"] for e in before.get(UNREADABLE, {}).get("evidence", ())}
    needed = [t for t in unread if t not in known or any(t in _needs(c, content) for c in dark.values())]
    parts = tuple(Unread(t, unread[t], tuple(titles[c] for c in _hidden(t, today, dark.values(), content))) for t in needed)
    signed = {n["check"] for n in kept["not_assessed"]}
    gone = (n for n in today.not_assessed if n.check not in signed and not set(_needs(n.check, content)) & unread.keys())
    graver = sorted(found, key=lambda x: -_RANK.index(x.finding.severity))
    return Since(tuple(graver), parts, tuple(gone), tuple(dark))


def not_recalculated(lines: Iterable[Recalculated], content: Content, unread: Collection[str]) -> dict[str, str]:
    """The lines that the second calculation could not judge, because a type that their check needs was not read: the check of each."""
    of = {title: id_ for _, id_, title in content.constants["check_index"]}
    silent = {x.what: CUMULATIVE if x.what.startswith(_GRAMS) else of.get(x.what, "") for x in lines if x.agrees is None}
    return {what: check for what, check in silent.items() if set(_needs(check, content)) & set(unread)}


def _new(f: Finding, was: Json | None, title: str, unread: Collection[str]) -> New | None:
    known = {(e["reference"], e["said"]) for e in was["evidence"]} if was else set()
    fresh = tuple(e for e in f.evidence if (e.reference, e.said) not in known)
    worse = was is None or _RANK.index(f.severity) > _RANK.index(was["severity"])
    shown = fresh or f.evidence
    only_unread = bool(shown) and all(e.reference in unread for e in shown) and f.severity != STOP
    if f.check == UNREADABLE or only_unread or not (worse or fresh):
        return None
    facts = any(e.reference.partition("/")[0] not in _VALUES for e in fresh)
    return New(replace(f, evidence=shown), title, was["severity"] if was else "", f.severity == OVERRIDE and (worse or facts))


def _hidden(type_: str, today: Proposal, dark: Collection[str], content: Content) -> Iterator[str]:
    """The checks that were not made for want of a type, those of the second calculation too."""
    silent = [n.check for n in today.not_assessed]
    yield from (c for c in dict.fromkeys((*silent, *dark)) if type_ in _needs(c, content))


def _needs(check: str, content: Content) -> tuple[str, ...]:
    return content.checks[check].depends_on if check in content.checks else ()
