"""Verification: the pharmacist's word on exactly what the EHR stores, with a second calculation; never by who signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from ivig_fhir.fhir.building import digest
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.fhir.references import own_reference, pointed_to
from ivig_fhir.order.approval import PHARMACIST, Clinician, Refusal
from ivig_fhir.order.companions_changed import changed, unread
from ivig_fhir.order.decision import Reason, Stored
from ivig_fhir.order.receipt import Line
from ivig_fhir.order.recompute import Recalculated, disagreements
from ivig_fhir.order.since import Since, Unread
from ivig_fhir.order.states import Event, OrderState, allows
from ivig_fhir.order.transaction import version_of
from ivig_fhir.order.unsigned import said_of

OWN = "You signed this order: another person has to verify it."
UNKNOWN = (
    "The EHR says in which role you are signed in, and not who you are: nobody can tell you from whoever signed the order. "
    "Let somebody verify it whose Practitioner the EHR names."
)
UNKNOWN_SIGNER = "Of whoever signed this order only a role is known, and not the person: nobody can tell that you are another one."
_EVENTS = {OrderState.VERIFIED: Event.VERIFY, OrderState.QUERIED: Event.QUERY, OrderState.REJECTED: Event.REJECT}


@dataclass(frozen=True)
class Review:
    """What the pharmacist had on screen: the order's state with us, what the EHR stored, who signed, and the second calculation.

    `signers` are all who are known to have signed: the approval's, and the requester that the EHR names. `altered` are the fields that
    somebody changed in the EHR after the prescriber's approval and that count; `other` those that are shown and stop nothing. `since` is
    what the record of now says that the approval did not know.
    """

    state: OrderState
    stored: Stored
    signers: tuple[Clinician, ...]
    lines: tuple[Recalculated, ...]
    incomplete: bool = False
    altered: tuple[Line, ...] = ()
    other: tuple[Line, ...] = ()
    since: Since = field(default_factory=Since)

    @property
    def digest(self) -> str:
        """What a decision names: the stored order, its version, what was done to what goes with it, the second calculation, what is new."""
        order, beside = self.stored.order, list(changed(self.stored.companions))
        return digest([order, version_of(order), beside, [asdict(line) for line in self.lines], self.since.mark])

    @property
    def beside(self) -> tuple[str, ...]:
        """In words, what stands otherwise in the EHR than it was approved and stops nothing; who names the approval has not seen it."""
        return (*(said_of(x) for x in self.other), *changed(self.stored.companions), *unread(self.stored.companions))


@dataclass(frozen=True, slots=True)
class Answered:
    """A part of the record that could not be read, what was not checked for it, and how a pharmacist answers for it, in words."""

    type: str
    said: str
    checks: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Verification:
    """A pharmacist's decision: verified, queried or rejected, on which version of the order, with which result of the recalculation.

    `change` is what a query proposes instead: plain JSON data, None for a question alone. `unread` is what could not be read and was
    answered for. `named` are the findings since the approval that a question named, by their key.
    """

    decision: OrderState
    who: Clinician
    at: datetime
    digest: str
    order: str
    version: str | None
    agreed: int
    lines: int
    reason: Reason | None = None
    change: Mapping[str, Any] | None = None
    unread: tuple[Answered, ...] = ()
    named: tuple[tuple[str, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, as shown on the page and kept."""
        reason = None if self.reason is None else asdict(self.reason)
        who = {"reference": self.who.reference, "display": self.who.display}
        return {**asdict(self), "decision": self.decision.value, "who": who, "at": self.at.isoformat(), "reason": reason}


def requester_of(order: Mapping[str, Any]) -> Clinician:
    """The person whom the stored order names as its requester; nobody equals a requester that is missing."""
    return Clinician(pointed_to(order.get("requester")), word(part(order, "requester"), "display"), frozenset())


def verify(
    review: Review, digest_seen: str, current: Stored, who: Clinician, now: datetime, words: Mapping[str, str] | None = None
) -> Verification | tuple[Refusal, ...]:
    """The verification, or every reason against it.

    `current` is the order as read again now; `words` is what the pharmacist says of each part that could not be read, by its type.
    Refused: a person without the pharmacist's role or without proof, whoever signed the order, an order that changed since the review,
    lacks something or stands elsewhere, a second calculation that disagrees or did not run, a finding since the approval that forbids the
    order or needs a reason, and a part that could not be read and has no words.
    """
    said = {u.type: (words or {}).get(u.type, "").strip() for u in review.since.unread}
    refusals = [
        *(_decider(review, who) or _second(review, who)),
        *_unchanged(review, digest_seen, current),
        *_allowed(review, OrderState.VERIFIED),
        *_complete(review),
        *_unaltered(review),
        *_calculated(review.lines),
        *_since(review.since, said),
    ]
    answered = tuple(Answered(u.type, u.said, u.checks, said[u.type]) for u in review.since.unread)
    return tuple(refusals) if refusals else replace(_made(OrderState.VERIFIED, review, who, now, None), unread=answered)


def decide(
    decision: OrderState,
    reason: Reason,
    known: Mapping[str, str],
    review: Review,
    digest_seen: str,
    current: Stored,
    who: Clinician,
    now: datetime,
    change: Mapping[str, Any] | None = None,
) -> Verification | tuple[Refusal, ...]:
    """A query or a rejection, which need a coded reason (one of `known`: code to display) and a note; or every reason against it.

    A query with a `change` proposes another order instead. A query names what is new since the approval, so that its answer is one to that.
    """
    event = Event.PROPOSE_CHANGE if change is not None else None
    refusals = [
        *(_decider(review, who) or (_second(review, who) if change is not None else [])),
        *_unchanged(review, digest_seen, current),
        *_allowed(review, decision, event),
        *_reasoned(reason, known),
    ]
    if refusals:
        return tuple(refusals)
    asked = review.since.asked if decision is OrderState.QUERIED else ""
    named = tuple(x.key for x in review.since.found if x.blocks) if asked else ()
    told = replace(reason, note=f"{reason.note.strip()} {asked}".strip())
    return replace(_made(decision, review, who, now, told), change=change, named=named)


def _made(decision: OrderState, review: Review, who: Clinician, now: datetime, reason: Reason | None) -> Verification:
    order = review.stored.order
    agreed = sum(line.agrees is True for line in review.lines)
    return Verification(decision, who, now, review.digest, own_reference(order), version_of(order), agreed, len(review.lines), reason)


def _decider(review: Review, who: Clinician) -> list[Refusal]:
    if not who.proven:
        return [Refusal("identity", "The EHR did not prove who is signed in, so nothing can be decided.")]
    if PHARMACIST not in who.roles:
        return [Refusal("role", "Only a pharmacist can decide on an order.")]
    if any(who.is_same(signer) for signer in _signers(review)):
        return [Refusal("signer", "Whoever signed the order cannot verify it: a second person must.")]
    return []


def _second(review: Review, who: Clinician) -> list[Refusal]:
    """Where it is not certain that two people are there, nobody passes for the second; asking and rejecting stay open."""
    said = not_second(review, who)
    return [Refusal("signer", said)] if said else []


def not_second(review: Review, who: Clinician) -> str:
    """Why this person cannot be the second one on this order, in a sentence; "" for somebody who can."""
    if any(who.is_same(signer) for signer in _signers(review)):
        return OWN
    if not who.known:
        return UNKNOWN
    return UNKNOWN_SIGNER if any(who.may_be(signer) for signer in _signers(review)) else ""


def _signers(review: Review) -> tuple[Clinician, ...]:
    """Whoever signed, and the requester where the EHR names one beside them."""
    asked = requester_of(review.stored.order)
    return review.signers if any(asked.is_same(s) for s in review.signers) else (*review.signers, asked)


def _unchanged(review: Review, digest_seen: str, current: Stored) -> list[Refusal]:
    if digest_seen != review.digest:
        return [Refusal("digest", "The order is not the one that was on screen. Read it again, then decide.")]
    was, now = version_of(review.stored.order), version_of(current.order)
    if was is None or was != now or own_reference(review.stored.order) != own_reference(current.order):
        return [Refusal("changed", "The order changed in the EHR since it was opened. Look at the differences, then decide.")]
    return []


def _allowed(review: Review, decision: OrderState, by: Event | None = None) -> list[Refusal]:
    event = by or _EVENTS.get(decision)
    if event is None or not allows(review.state, event):
        return [Refusal("state", f"An order that is {review.state.value} cannot be {decision.value}.")]
    if review.stored.order.get("status") != "draft":
        return [Refusal("state", "The order is not a draft in the EHR.")]
    return []


def _complete(review: Review) -> list[Refusal]:
    return [Refusal("incomplete", "The EHR lacks something essential of the order, so it cannot be verified.")] if review.incomplete else []


def _unaltered(review: Review) -> list[Refusal]:
    said = "is not what was approved: approved {sent}, now {stored} in the EHR. Nobody signed that, so it cannot be verified."
    found = [Refusal("altered", f"{x.field} {said.format(sent=x.sent, stored=x.stored)}") for x in review.altered]
    return [*found, *(Refusal("stray", said) for said in review.stored.obstacles)]


def _calculated(lines: Sequence[Recalculated]) -> list[Refusal]:
    if not lines:
        return [Refusal("calculation", "The second calculation did not run.")]
    return [
        Refusal("disagreement", f"{line.what}: ordered {line.ordered}, recalculated {line.recomputed}.") for line in disagreements(lines)
    ]


def _since(new: Since, said: Mapping[str, str]) -> list[Refusal]:
    """What the approval did not know; codes as those of an approval."""
    found = [Refusal("outcome", new.problem)] if new.problem else []
    for x in (x for x in new.found if x.blocks):
        if x.asks:
            remedy = "It needs the prescriber's reason: ask the prescriber, or reject the order."
            found.append(Refusal("override-missing", f"New since the approval: {x.said} {remedy}", x.finding.check))
        else:
            found.append(Refusal("hard-stop", f"New since the approval, and it forbids the order: {x.said}", x.finding.check))
    return [*found, *(_unanswered(u) for u in new.unread if not said[u.type])]


def _unanswered(u: Unread) -> Refusal:
    return Refusal("unread", f"{u.type} could not be read: look in the chart itself, and say in words what you found.")


def _reasoned(reason: Reason, known: Mapping[str, str]) -> list[Refusal]:
    refusals = []
    if not reason.code:
        refusals.append(Refusal("reason", "Choose a reason."))
    elif reason.code not in known:
        refusals.append(Refusal("reason", "The reason is not one of the coded reasons."))
    return refusals if reason.note.strip() else [*refusals, Refusal("note", "The reason needs a note.")]
