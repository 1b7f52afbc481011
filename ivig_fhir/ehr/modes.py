"""WriteMode: how an order is written to a server, by what it declares, what it is known to do, and what was granted; or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ivig_fhir.ehr.capability import Capabilities
from ivig_fhir.ehr.profiles import ServerProfile
from ivig_fhir.order.bundle import Abilities

Mode = Literal["transaction", "sequential", "hand-off", "read-only"]
# What the app writes; each is left out where it cannot be created, except the order itself.
ORDER = "MedicationRequest"
WRITTEN = (ORDER, "ServiceRequest", "DetectedIssue", "RequestGroup", "Provenance", "Task")
_IDENTIFIED = frozenset(WRITTEN) - {"Provenance"}  # in R4 a Provenance has no identifier
# No order has more parts than this: every check a finding, every companion ordered, and the five that each order has.
MOST_ENTRIES = 200


@dataclass(frozen=True)
class WriteMode:
    """How an order is written here, and the sentence that says why; shown before anybody approves.

    `updates` are the types of an order and its companions that a decision may change.
    `abilities` are the types that can be created and those that can be found by identifier: what the transaction is made of. `known` is
    False where the server's metadata could not be read: then it is asked again, and nothing is written meanwhile.
    """

    mode: Mode
    reason: str
    abilities: Abilities
    atomic: bool = True
    known: bool = True
    updates: frozenset[str] = frozenset()

    @property
    def writes(self) -> bool:
        """Whether anything is written to the EHR at all."""
        return self.mode in ("transaction", "sequential")

    @property
    def left_out(self) -> tuple[str, ...]:
        """The types of an order's parts that this EHR does not store; all of them where nothing is written."""
        return tuple(t for t in WRITTEN if not self.writes or t not in (self.abilities.creates or ()))


def write_mode(capabilities: Capabilities, granted: Mapping[tuple[str, str], str], known: ServerProfile) -> WriteMode:
    """How an order can be written: by what the server declares, what it is known to do, and what was granted.

    `granted` maps (type, letter of c r u d s) to yes, no or partial; what is missing is no. A partial grant to create is not relied on.
    """
    if not capabilities.known:
        return WriteMode("read-only", f"{capabilities.said} Nothing is written.", Abilities(frozenset(), frozenset()), known=False)
    offered = frozenset(t for t in WRITTEN if capabilities.can(t, "create") and t not in known.never_created | known.reported_only)
    creates = frozenset(t for t in offered if granted.get((t, "c")) == "yes")
    abilities = Abilities(creates, _found(capabilities, known) & creates)
    if ORDER not in creates:
        return _handed_over(_why_not(capabilities, offered, known), abilities)
    left_out = [t for t in WRITTEN if t not in creates]
    note = f" Not stored in the EHR: {', '.join(left_out)}." if left_out else ""
    if granted.get((ORDER, "r")) != "yes":
        note += " What was stored cannot be read back."
    whole = known.transaction == "yes" or (known.transaction == "declared" and capabilities.transaction)
    if whole and not 0 < known.conditional_limit < MOST_ENTRIES:
        return WriteMode("transaction", f"Everything is stored in one transaction.{note}", abilities, known.atomic)
    why = "limits its transactions" if whole else "takes no transactions"
    return WriteMode("sequential", f"The EHR {why}: the order is stored first, then its parts one by one.{note}", abilities, False)


def without(how: WriteMode, refused: Iterable[str], again: str = "") -> WriteMode:
    """The same way of writing after the server refused to store some types: without them, or by hand where the order is among them.

    `again` is a sentence that says from when on they are tried again.
    """
    left = frozenset(refused)
    if not left or not how.writes:
        return how
    creates = frozenset(how.abilities.creates or ()) - left
    abilities = Abilities(creates, frozenset(how.abilities.finds or ()) & creates)
    if ORDER in left:
        by_hand = _handed_over("refused to store this order", abilities)
        return replace(by_hand, reason=f"{by_hand.reason} {again}".rstrip())
    return replace(how, abilities=abilities, reason=f"{how.reason} It refused: {', '.join(sorted(left))}. {again}".rstrip())


def _handed_over(why: str, abilities: Abilities) -> WriteMode:
    mode: Mode = "hand-off" if abilities.creates else "read-only"
    return WriteMode(mode, f"The EHR {why} ({ORDER}): the order is handed over as text.", abilities, False)


def _why_not(capabilities: Capabilities, offered: frozenset[str], known: ServerProfile) -> str:
    if ORDER in known.reported_only and capabilities.can(ORDER, "create"):
        return "lets apps record only what a patient is said to take, not what is ordered"
    return "gave this app no right to create orders" if ORDER in offered else "does not let apps create orders"


def _found(capabilities: Capabilities, known: ServerProfile) -> frozenset[str]:
    if known.found_by_identifier == "no":
        return frozenset()
    if known.found_by_identifier == "yes":
        return _IDENTIFIED
    declared = (t for t in _IDENTIFIED if capabilities.type(t).conditional_create and capabilities.searches(t, "identifier"))
    return frozenset(declared)
