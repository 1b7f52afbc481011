"""Reconcile: what became of each part of a run that is in the EHR, found by identifier or learned from what refers to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ivig_fhir.ehr.client import FhirClient, Reply
from ivig_fhir.ehr.locate import Look, Sighting, anchor, created, learned, updated, version_in
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.order.receipt import ALREADY, MISSING, STORED, UNKNOWN, Part
from ivig_fhir.order.transaction import Entry, Transaction

Outcome = Literal["stored", "already-there", "reconciled", "not-sent"]
_LOCATION = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?/?$")


@dataclass(frozen=True)
class Written:
    """What became of one act. `known` says which `Type/id` each `urn:uuid:` of it is.

    outcome: stored; already-there (it was before, and nothing was written); reconciled (the answer was lost, it is there); not-sent
    (the answer was lost, it is not there: it may be sent again, which nothing here does by itself).
    """

    run: str
    mode: str
    outcome: Outcome
    parts: tuple[Part, ...]
    known: Mapping[str, str] = field(default_factory=dict)

    def part(self, role: str) -> Part | None:
        """The part of a role."""
        return next((p for p in self.parts if p.role == role), None)


@dataclass
class Ledger:
    """The parts of one act as they become known, in the order of its writes."""

    transaction: Transaction
    parts: dict[str, Part] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    def note(self, entry: Entry, state: str, at: tuple[str, str] = ("", ""), said: str = "") -> None:
        """Keep what became of one write; `at` is its `Type/id` and version, "" where they are not known."""
        self.parts[entry.role] = Part(entry.role, entry.type, state, at[0] or None, at[1] or None, said)
        if at[0]:
            self.known[entry.full_url] = at[0]

    def open(self) -> tuple[Entry, ...]:
        """The writes of which nothing is known, or only that they were stored and not where."""
        return tuple(e for e in self.transaction.entries if self.state(e) in (None, STORED, ALREADY) and e.full_url not in self.known)

    def state(self, entry: Entry) -> str | None:
        """What is known of one write so far."""
        return self.parts[entry.role].state if entry.role in self.parts else None

    def written(self, mode: str, outcome: Outcome) -> Written:
        """The result; a write that nothing is known of is missing."""
        parts = (self.parts.get(e.role) or Part(e.role, e.type, MISSING) for e in self.transaction.entries)
        return Written(self.transaction.run, mode, outcome, tuple(parts), dict(self.known))


def reconcile(client: FhirClient, ledger: Ledger, atomic: bool, state: str = STORED) -> None:
    """Find every part of which the ledger does not know what became of it, or where it stands. `state` is what a found one is called.

    What cannot be looked for is there as well where the server stores all or nothing (`atomic`), since the order is there; else unknown.
    """
    where = main_reference(ledger)
    seen: dict[str, str] = {}
    unseen = []
    for entry in ledger.open():
        sighting = sight(client, entry, where)
        if sighting.look is Look.THERE and sighting.resource is not None:
            ledger.note(entry, ledger.state(entry) or state, place(sighting.resource))
            seen |= learned(entry.resource, sighting.resource)
            where = where or main_reference(ledger)
        elif sighting.look is Look.UNKNOWN or ledger.state(entry):
            unseen.append(entry)
        else:
            ledger.note(entry, MISSING, said="The EHR does not hold it.")
    for entry in unseen:
        if entry.full_url in seen:
            ledger.note(entry, ledger.state(entry) or state, (seen[entry.full_url], ""))
        elif atomic or ledger.state(entry):
            ledger.note(entry, ledger.state(entry) or state, said="Stored; the EHR does not let this app look for it.")
        else:
            ledger.note(entry, UNKNOWN, said="The EHR did not say whether it stored this, and does not let this app look for it.")


def settled(client: FhirClient, transaction: Transaction, mode: str, atomic: bool, outcome: Outcome = "reconciled") -> Written:
    """What became of an act that is in the EHR: each part found by its identifier. Writes nothing."""
    ledger = Ledger(transaction)
    reconcile(client, ledger, atomic, ALREADY if outcome == "already-there" else STORED)
    return ledger.written(mode, outcome)


def not_sent(transaction: Transaction, mode: str) -> Written:
    """The result of an act without an answer that was looked for and is not there."""
    parts = tuple(
        Part(e.role, e.type, MISSING, said="Not sent: the EHR did not answer, and does not hold it.") for e in transaction.entries
    )
    return Written(transaction.run, mode, "not-sent", parts)


def sight(client: FhirClient, entry: Entry, main: str | None) -> Sighting:
    """Look for one write, a create or an update; `main` is where the order stands, if that is known."""
    return updated(client, entry) if entry.method == "PUT" else created(client, entry, main)


def main_reference(ledger: Ledger) -> str | None:
    """Where the order stands: what was created as the anchor, or what is updated."""
    lead = anchor(ledger.transaction)
    return lead.url if lead.method == "PUT" else ledger.known.get(lead.full_url)


def place(resource: Mapping[str, Any]) -> tuple[str, str]:
    """`Type/id` and version of a resource as the server gave it."""
    return f"{word(resource, 'resourceType')}/{word(resource, 'id')}", word(part(resource, "meta"), "versionId")


def place_of(entry: Entry, location: str, etag: str, body: Any) -> tuple[str, str]:
    """Where a write was stored, by its Location (never followed), else by the resource answered; "" where neither says.

    A Location of another type than the one written is not believed.
    """
    match = _LOCATION.search(location.partition("?")[0])
    if match and match[1] == entry.type:
        return f"{match[1]}/{match[2]}", match[3] or version_in(etag)
    if word(body, "resourceType") == entry.type and word(body, "id"):
        reference, version = place(body)
        return reference, version or version_in(etag)
    return (entry.url, version_in(etag)) if entry.method == "PUT" else ("", "")


def place_of_reply(entry: Entry, reply: Reply) -> tuple[str, str]:
    """Where a write made alone was stored."""
    return place_of(entry, reply.location, reply.etag, reply.body)
