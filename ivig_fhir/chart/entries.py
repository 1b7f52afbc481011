"""Bundles flattened: every resource of a document with its fullUrl and its references inside the Bundle resolved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivig_fhir.chart.answers import Oddity
from ivig_fhir.fhir.reading import exact, part, parts, reference, reference_key, word

# The references that readers follow; others are left as they stand.
_FOLLOWED = (
    "medicationReference", "request", "device", "authorizingPrescription", "reasonReference", "basedOn", "partOf", "derivedFrom",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a document, the address it stands under, and the type that its search asked for (outcomes need it)."""

    resource: dict[str, Any]
    full_url: str = ""
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of results that is not the last: the type that was asked for, the types on it, and the address of the next one."""

    asked: str
    types: frozenset[str]
    following: str


@dataclass
class Entries:
    """All entries of a document in their order, what had to be passed over, pages with a next one, and the addresses of pages held."""

    entries: list[Entry] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)

    def of_type(self, type_: str) -> Iterator[Entry]:
        """The entries of one resource type."""
        return (e for e in self.entries if e.resource["resourceType"] == type_)


def flatten(document: Any) -> Entries:
    """The resources of a Bundle of any type, of a list of resources or Bundles, or of a single resource; Bundles in Bundles too."""
    found = Entries()
    waiting: list[tuple[Any, str, str]] = [(document, "", "")]
    while waiting:
        item, full_url, asked = waiting.pop()
        if isinstance(item, list):
            waiting += [(inner, "", asked) for inner in reversed(item)]
        elif not isinstance(item, dict) or not word(item, "resourceType"):
            found.oddities.append(Oddity("", "An entry that is not a FHIR resource was passed over."))
        elif item["resourceType"] == "Bundle":
            inside = list(_inside(item, found.oddities))
            _note_page(found, item, inside)
            waiting += reversed(inside)
        else:
            found.entries.append(Entry(_with_id(exact(item), full_url), full_url, asked))
    _resolve(found.entries)
    return found


def _inside(bundle: Mapping[str, Any], oddities: list[Oddity]) -> Iterator[tuple[Any, str, str]]:
    """The resources of one Bundle with their fullUrl and the type that was asked for; of a history only the newest state."""
    listed = bundle.get("entry")
    if listed is not None and not isinstance(listed, list):
        oddities.append(Oddity("", "A Bundle whose entries are not a list was passed over."))
        return
    asked = _asked(bundle)
    newest: set[str] = set()
    for entry in listed or ():
        if not isinstance(entry, dict):
            oddities.append(Oddity("", "An entry that is not an object was passed over."))
            continue
        if word(bundle, "type") == "history" and not _is_newest(entry, newest):
            continue
        response = part(entry, "response")
        if "resource" in entry:
            yield entry["resource"], word(entry, "fullUrl"), asked
        elif word(response, "status")[:1] in ("4", "5") and not part(response, "outcome"):
            oddities.append(Oddity("", f"A part of the batch was answered with {word(response, 'status')[:40]} and nothing else."))
        if part(response, "outcome"):
            yield response["outcome"], "", asked


def _asked(bundle: Mapping[str, Any]) -> str:
    """The type in the self link of a searchset ("…/Observation?patient=…")."""
    return _link(bundle, "self").partition("?")[0].rstrip("/").rpartition("/")[2]


def _link(bundle: Mapping[str, Any], relation: str) -> str:
    return next((word(x, "url") for x in parts(bundle, "link") if word(x, "relation") == relation), "")


def _note_page(found: Entries, bundle: Mapping[str, Any], inside: Iterable[tuple[Any, str, str]]) -> None:
    """Remember the address of a Bundle and, where it has a next page, which that is."""
    following, address = _link(bundle, "next"), _link(bundle, "self")
    if address:
        found.addresses.add(address)
    if following:
        types = frozenset(word(r, "resourceType") for r, _, _ in inside if isinstance(r, dict)) - {"OperationOutcome"}
        found.pages.append(Page(_asked(bundle), types, following))


def _is_newest(entry: Mapping[str, Any], seen: set[str]) -> bool:
    """Whether this is the first, and so the newest, entry of a history for its resource; a deletion hides what is older."""
    resource = part(entry, "resource")
    key = f"{word(resource, 'resourceType')}/{word(resource, 'id')}" if resource else reference_key(word(part(entry, "request"), "url"))
    if key in seen:
        return False
    seen.add(key)
    return True


def _with_id(resource: dict[str, Any], full_url: str) -> dict[str, Any]:
    """The resource with a text as id: its own, else the one in its fullUrl; without both it stays without."""
    own = resource.get("id")
    if isinstance(own, str) and own.strip():
        return resource
    if isinstance(own, int) and not isinstance(own, bool):
        return {**resource, "id": str(own)}
    if full_url.startswith("urn:uuid:"):
        return {**resource, "id": full_url.removeprefix("urn:uuid:")}
    key = reference_key(full_url)
    return {**resource, "id": key.rpartition("/")[2]} if "/" in key and key != full_url else resource


def _resolve(entries: list[Entry]) -> None:
    """Make references to a fullUrl of the document literal (`Type/id`), as a server does when it stores a transaction."""
    literal = {e.full_url: f"{e.resource['resourceType']}/{word(e.resource, 'id')}" for e in entries if e.full_url.startswith("urn:")}
    if not literal:
        return
    for index, entry in enumerate(entries):
        changed = {name: _literal(entry.resource[name], literal) for name in _names(entry.resource, literal)}
        if changed:
            entries[index] = Entry({**entry.resource, **changed}, entry.full_url, entry.asked)


def _names(resource: Mapping[str, Any], literal: Mapping[str, str]) -> Iterable[str]:
    for name in _FOLLOWED:
        if reference(resource, name) in literal or any(word(x, "reference") in literal for x in parts(resource, name)):
            yield name


def _literal(value: Any, literal: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_literal(item, literal) for item in value]
    pointed = word(value, "reference")
    return {**value, "reference": literal[pointed]} if pointed in literal else value
