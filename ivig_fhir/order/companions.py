"""The companions of an order: premedication, monitoring and what else was approved with it follow the order's status, each on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ivig_fhir.fhir.building import canonical
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.order.meaning import meaning
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import Entry, Resource, update, version_of

TYPES = ("MedicationRequest", "ServiceRequest")
_S = OrderState
# What a companion says in each state of its order, by type. A completed order leaves its companions as they are: what is due after the
# last infusion is not over with it.
_STATUS: Mapping[OrderState, tuple[str, str]] = MappingProxyType(
    {
        _S.VERIFIED: ("active", "active"),
        _S.REJECTED: ("cancelled", "revoked"),
        _S.CANCELLED: ("cancelled", "revoked"),
        _S.ON_HOLD: ("on-hold", "on-hold"),
        _S.STOPPED: ("stopped", "revoked"),
        _S.ENTERED_IN_ERROR: ("entered-in-error", "entered-in-error"),
    }
)
_LIVE = frozenset({"draft", "active", "on-hold"})
# What this app changes itself, or the server by itself.
_ASIDE = frozenset({"status", "statusReason", "id", "meta", "text", "implicitRules", "language", "contained"})


@dataclass(frozen=True)
class Companion:
    """One companion as it was approved (`sent`) and as the EHR holds it now (`stored`; None where it could not be read, and `problem` why).

    `version` is what this app stored last, None where that is not known; `writable`: whether this app may change it.
    """

    role: str
    sent: Resource
    stored: Resource | None
    version: str | None = None
    problem: str = ""
    writable: bool = True

    @property
    def title(self) -> str:
        """What it is, in words."""
        return title_of(self.sent) or self.role

    @property
    def status(self) -> str:
        """What it says in the EHR now; "" where it could not be read."""
        return str((self.stored or {}).get("status") or "")

    @property
    def dated(self) -> bool:
        """Whether it is given or done on the days of the infusions; not so what is for a reaction, or due after the last of them."""
        dosage: Resource = next(iter(self.sent.get("dosageInstruction") or ()), {})
        return bool(dosage.get("timing") or self.sent.get("occurrenceTiming"))

    @property
    def edited(self) -> bool:
        """Whether it says something else, its status aside, than what was approved: somebody changed it in the EHR."""
        if self.stored is None or (self.version is not None and self.version == version_of(self.stored)):
            return False
        keys = (self.sent.keys() | self.stored.keys()) - _ASIDE
        return any(canonical(meaning(self.sent.get(k), {})) != canonical(meaning(self.stored.get(k), {})) for k in keys)


@dataclass(frozen=True, slots=True)
class Left:
    """A companion that does not follow its order, and why, as a sentence; `again` whether another attempt can help.

    `status` is what it says in the EHR, "" where it could not be read.
    """

    role: str
    status: str
    said: str
    again: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data, as it is kept with the decision."""
        return asdict(self)


@dataclass(frozen=True)
class Followed:
    """What has to be written so that the companions follow, each with If-Match, and which of them do not."""

    entries: tuple[Entry, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass
class _Sorting:
    entries: list[Entry] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def follow(companions: Iterable[Companion], state: OrderState) -> Followed:
    """The companions of an order that comes into this state.

    One that says already what it should is not written. One that somebody changed in the EHR is left as it is, and named.
    """
    made = _Sorting()
    for one in companions:
        wanted = _wanted(one, state)
        if one.problem:
            made.left.append(Left(one.role, "", f"{one.title} could not be read in the EHR: {one.problem}"))
        elif one.stored is not None and wanted not in ("", one.status):
            _sort(one, one.stored, wanted, made)
    return Followed(tuple(made.entries), tuple(made.left))


def _sort(one: Companion, stored: Resource, wanted: str, made: _Sorting) -> None:
    still = f"it is left as it is, {one.status or 'without a status'}"
    if one.status not in _LIVE:
        if wanted == "active":  # what came to an end does not hinder an end
            made.left.append(Left(one.role, one.status, f"{one.title} was ended in the EHR: {still}.", again=False))
    elif one.edited:
        made.left.append(Left(one.role, one.status, f"{one.title} was changed in the EHR since it was approved: {still}.", again=False))
    elif not one.writable:
        made.left.append(Left(one.role, one.status, f"The EHR does not let this app change {one.title}: {still}.", again=False))
    else:
        made.entries.append(replace(update(one.role, {**stored, "status": wanted}), beside=True))


def _wanted(one: Companion, state: OrderState) -> str:
    """The status that a companion should have; "" where its own stays.

    Where the order is held or stopped, only what goes with the days of its infusions is: the patient may be in a reaction, and what is
    for one, and what is looked at afterwards, has to stay. A draft was never acted on: it is not held, and not stopped but cancelled.
    """
    if not leads(state) or (stays(state) and not one.dated and one.status != "draft"):
        return ""
    medication, service = _STATUS[state]
    wanted = medication if one.sent["resourceType"] == TYPES[0] else service
    if one.status == "draft" and wanted in ("on-hold", "stopped"):
        return "" if wanted == "on-hold" else "cancelled"
    return wanted


def unfollowed(entry: Entry, said: str = "") -> Left:
    """A companion whose change the EHR did not store; `said` is why, where that is known."""
    return Left(entry.role, "", f"{title_of(entry.resource) or entry.role} is not {entry.resource['status']} yet. {said}".strip())


def leads(state: OrderState) -> bool:
    """Whether companions have anything to follow in this state."""
    return state in _STATUS


def stays(state: OrderState) -> bool:
    """Whether what is not tied to the days of the infusions stays active in this state."""
    return state in (_S.ON_HOLD, _S.STOPPED)


def astray(companions: Iterable[Companion], state: OrderState) -> tuple[str, ...]:
    """In words, each companion that may be acted on in the EHR although its order may not, and the other way round."""
    found = []
    for one in companions:
        if one.status == "active" and not leads(state) and state is not _S.COMPLETED:
            found.append(f"{one.title} is active in the EHR, and the order is not verified.")
    return tuple(found)


def title_of(resource: Mapping[str, Any]) -> str:
    """What a companion is, in words."""
    return word(part(resource, "medicationCodeableConcept") or part(resource, "code"), "text")
