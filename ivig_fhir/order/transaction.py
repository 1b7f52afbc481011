"""Transaction: the ordered writes of one run, as one Bundle, in pieces, or one after another with references filled in as ids are known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ivig_fhir.errors import Conflict, StateError
from ivig_fhir.fhir.identifiers import derived
from ivig_fhir.fhir.narrative import renarrated
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.fhir.references import own_reference

Resource = dict[str, Any]
_DROP = object()
# An element that consists of such a reference goes with it (RequestGroup.action, Task.output); a resource without the needed is refused.
_CARRIES = frozenset({"resource", "item", "valueReference"})
_NEEDED = frozenset({"focus", "subject", "patient", "for"})


@dataclass(frozen=True)
class Entry:
    """One write: its role in the run, where it goes, and under which condition. `full_url` is what the others refer to it by.

    `beside`: what becomes of it says nothing of whether the act was done.
    """

    role: str
    full_url: str
    method: str
    url: str
    resource: Resource
    if_none_exist: str | None = None
    if_match: str | None = None
    beside: bool = False

    @property
    def type(self) -> str:
        """The resource type."""
        return str(self.resource["resourceType"])

    @property
    def conditional(self) -> bool:
        """A create that does nothing where the resource is already there."""
        return self.if_none_exist is not None

    def as_entry(self) -> Resource:
        """The entry of a transaction Bundle."""
        request = {"method": self.method, "url": self.url, "ifNoneExist": self.if_none_exist, "ifMatch": self.if_match}
        return {"fullUrl": self.full_url, "resource": self.resource, "request": {k: v for k, v in request.items() if v is not None}}


@dataclass(frozen=True)
class Transaction:
    """The writes of one act on one run, in the order in which they may also be made one by one. Pure data: sending it is another's."""

    run: str
    entries: tuple[Entry, ...]

    def bundle(self) -> Resource:
        """The Bundle of type transaction. See: FHIR R4 http, transaction."""
        return {"resourceType": "Bundle", "type": "transaction", "entry": [e.as_entry() for e in self.entries]}

    def entry(self, role: str) -> Entry | None:
        """The entry of a role."""
        return next((e for e in self.entries if e.role == role), None)

    @property
    def needs(self) -> frozenset[tuple[str, str]]:
        """Resource types with the letter of the SMART v2 scope that each write needs: c or u."""
        return frozenset((e.type, "c" if e.method == "POST" else "u") for e in self.entries)


def version_of(resource: Mapping[str, Any]) -> str | None:
    """The version of a stored resource, opaque."""
    return word(part(resource, "meta"), "versionId") or None


def update(role: str, resource: Resource) -> Entry:
    """The write of a changed resource over exactly the version that was read. Conflict where the server tells none."""
    version = version_of(resource)
    if version is None:
        raise Conflict(f"{role} has no version", said="The EHR gives no version for the order, so it cannot be changed safely.")
    where = own_reference(resource)
    # The full URL of an update in a transaction is not needed by anybody: it is referred to by its literal reference.
    return Entry(role, derived(where, role), "PUT", where, renarrated(resource), if_match=f'W/"{version}"')


def sequential(transaction: Transaction) -> tuple[Entry, ...]:
    """The same writes one by one: order, companions, findings, group, provenance, task.

    A new order's references to its findings are dropped: they come after it, and servers refuse references to what is not there yet.
    An update keeps whatever the server holds.
    """
    return tuple(replace(e, resource=_without(e.resource, "detectedIssue")) if e.method == "POST" else e for e in transaction.entries)


def sent_in(transaction: Transaction, mode: str) -> Transaction:
    """What went over the wire in that way of writing: a receipt compares what is stored with this."""
    return Transaction(transaction.run, sequential(transaction)) if mode == "sequential" else transaction


def chunked(transaction: Transaction, limit: int | None) -> tuple[Transaction, ...]:
    """The transaction in pieces of at most `limit` entries where any is conditional (some servers allow no more); else as it is.

    The first piece holds the anchor. Later pieces refer to what earlier ones stored: `resolve` them as the ids become known.
    """
    if limit is None or len(transaction.entries) <= limit or not any(e.conditional for e in transaction.entries):
        return (transaction,)
    entries = sequential(transaction)
    return tuple(Transaction(transaction.run, entries[at : at + limit]) for at in range(0, len(entries), limit))


def resolve(entry: Entry, known: Mapping[str, str], within: Collection[str] = ()) -> Entry:
    """The entry with each `urn:uuid:` that is known replaced by `Type/id`; those of the same Bundle (`within`) stay.

    A reference to a part that was not stored is left out, with the action that consists of it. StateError where the resource means
    nothing without it (a Task without its order).
    """
    made = _resolved(entry.resource, known, frozenset(within))
    if not isinstance(made, dict):
        raise StateError(f"{entry.role} refers only to what was not stored")
    return replace(entry, resource=renarrated(made) if "text" in made else made)


def _resolved(element: Any, known: Mapping[str, str], within: frozenset[str]) -> Any:
    if isinstance(element, list):
        items = [_resolved(item, known, within) for item in element]
        return [item for item in items if item is not _DROP]
    if not isinstance(element, dict):
        return element
    literal = element.get("reference")
    if isinstance(literal, str) and literal.startswith("urn:uuid:"):
        if literal in known:
            return {**element, "reference": known[literal]}
        return element if literal in within else _DROP
    made = {key: _resolved(value, known, within) for key, value in element.items()}
    lost = {key for key, value in made.items() if value is _DROP}
    if lost & _NEEDED:
        raise StateError(f"{element.get('resourceType', 'a part')} needs a reference that was not stored")
    if lost & _CARRIES:
        return _DROP
    emptied = {key for key, value in made.items() if value == [] and element[key] != []}
    if "action" in emptied and "resourceType" not in element:  # a group of actions without any
        return _DROP
    return {key: value for key, value in made.items() if key not in lost | emptied}


def without_types(transaction: Transaction, creates: Collection[str] | None) -> Transaction:
    """The transaction without the types that the server does not create (None: it creates all); references to them are left out."""
    if creates is None:
        return transaction
    kept = tuple(e for e in transaction.entries if e.method != "POST" or e.type in creates)
    urls = {e.full_url for e in kept}
    return Transaction(transaction.run, tuple(resolve(e, {}, urls) for e in kept))


def _without(resource: Resource, key: str) -> Resource:
    return {k: v for k, v in resource.items() if k != key} if key in resource else resource


def to_json(transaction: Transaction) -> Resource:
    """The transaction as plain JSON data, for keeping exactly what was to be sent."""
    return {"run": transaction.run, "entries": [{**vars(e)} for e in transaction.entries]}


def from_json(data: Mapping[str, Any]) -> Transaction:
    """The transaction that `to_json` wrote."""
    return Transaction(str(data["run"]), tuple(Entry(**e) for e in data["entries"]))
