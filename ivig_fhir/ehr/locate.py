"""Locate: whether a part of a run is in the EHR already, asked by its identifier and past every cache; "not there" only when sure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from html import unescape
from typing import Any

from ivig_fhir.chart.answers import Resource
from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.ehr.search import search
from ivig_fhir.errors import FhirError, ResourceGone, SeveralAnchors
from ivig_fhir.fhir.dates import parse_time
from ivig_fhir.fhir.identifiers import URI
from ivig_fhir.fhir.reading import identifiers, part, reference, word
from ivig_fhir.order.transaction import Entry, Transaction

_MARKUP = re.compile(r"<[^>]*>")
# What a decision sets on the server's own resources; a stored resource that agrees in these carries the decision.
_DECIDED = ("status", "statusReason", "businessStatus", "owner", "lastModified")


class Look(Enum):
    """How looking for something ended."""

    THERE = "there"
    NOT_THERE = "not-there"
    CHANGED = "changed"  # an update: somebody else's version stands there
    UNKNOWN = "unknown"  # it could not be looked for, or not to the end


@dataclass(frozen=True)
class Sighting:
    """What was seen of one write, and the error that kept us from seeing it."""

    look: Look
    resource: Resource | None = None
    error: FhirError | None = None


def anchor(transaction: Transaction) -> Entry:
    """The write by which the whole act is found: that of the order of the run, else the first update. ValueError for an act without."""
    key = f"{URI}|{transaction.run}"
    updates = [e for e in transaction.entries if e.method == "PUT"]
    made = (e for e in transaction.entries if e.full_url == transaction.run and e.method == "POST")
    changed = (e for e in updates if e.type == "MedicationRequest" and key in identifiers(e.resource))
    found = next(made, None) or next(changed, None) or next(iter(updates), None)
    if found is None:
        raise ValueError("a transaction has an order or an update by which it is found")
    return found


def look_for(client: FhirClient, transaction: Transaction) -> Sighting:
    """Whether the act is in the EHR already: the order decides, for a server that does not undo may hold it without its other parts.

    Such an order is this act's when it has the narrative made for it, too: somebody else may have set the same status. With none at all
    nobody can say. SeveralAnchors where the run's identifier stands on several orders.
    """
    lead = anchor(transaction)
    if lead.method == "POST":
        return created(client, lead)
    first = updated(client, lead)
    others = [updated(client, e) for e in transaction.entries if e.method == "PUT" and e is not lead and (lead.beside or not e.beside)]
    for look in (Look.UNKNOWN, Look.CHANGED, Look.NOT_THERE):
        least = next((s for s in (first, *others) if s.look is look), None)
        if least is None:
            continue
        if first.look is not Look.THERE:
            return least
        told, meant = _told(first.resource or {}), _told(lead.resource)
        if told and told == meant:
            return first
        return Sighting(Look.CHANGED if told and meant else Look.UNKNOWN, first.resource, least.error)
    return first


def _told(resource: Mapping[str, Any]) -> str:
    """The generated narrative in words, its markup left to the server; "" where there is none, or somebody's own."""
    text = part(resource, "text")
    return " ".join(unescape(_MARKUP.sub(" ", word(text, "div"))).split()) if word(text, "status") == "generated" else ""


def created(client: FhirClient, entry: Entry, target: str | None = None) -> Sighting:
    """Whether a create was done: by its identifier; a Provenance, which has none, by its `target` and the moment it records.

    An answer without it counts as "not there" only where the server is known to search by identifier (the create is conditional then);
    another may ignore the parameter, or know it and find nothing.
    """
    key = f"{URI}|{entry.full_url}"
    if key in identifiers(entry.resource):
        found = search(client, entry.type, [("identifier", key)], fresh=True)
        mine = [r for r in found.matches.values() if key in identifiers(r)]
        sure = entry.conditional
    elif entry.type == "Provenance" and target:
        found = search(client, entry.type, [("target", target)], fresh=True)
        mine = [r for r in found.matches.values() if _same_moment(r, entry.resource)]
        sure = True
    else:
        return Sighting(Look.UNKNOWN)
    if len(mine) > 1 and entry.type == "MedicationRequest":
        raise SeveralAnchors(f"{len(mine)} {entry.type} of one run")
    if mine:
        return Sighting(Look.THERE, mine[0])
    return Sighting(Look.NOT_THERE if sure and found.problem is None else Look.UNKNOWN, error=found.error)


def updated(client: FhirClient, entry: Entry) -> Sighting:
    """Whether an update was done: the version is still the one it was made from, or what stands there carries the decision."""
    try:
        reply = client.read(entry.url, fresh=True)
    except ResourceGone as error:
        return Sighting(Look.CHANGED, error=error)
    except FhirError as error:
        return Sighting(Look.UNKNOWN, error=error)
    now = version_in(reply.etag) or word(part(reply.body, "meta"), "versionId")
    if now and now == version_in(entry.if_match or ""):
        return Sighting(Look.NOT_THERE, reply.body)
    return Sighting(Look.THERE if _carries(reply.body, entry.resource) else Look.CHANGED, reply.body)


def version_in(etag: str) -> str:
    """The version in an ETag (`W/"3"`, `"3"` or, as some servers write it, `3`); opaque. "" where there is none."""
    return etag.strip().removeprefix("W/").strip('"')


def learned(sent: Any, stored: Any) -> dict[str, str]:
    """What each `urn:uuid:` reference of a resource as sent became in the same resource as stored."""
    if isinstance(sent, list) and isinstance(stored, list) and len(sent) == len(stored):
        return {k: v for a, b in zip(sent, stored, strict=True) for k, v in learned(a, b).items()}
    if not isinstance(sent, dict) or not isinstance(stored, dict):
        return {}
    urn, literal = word(sent, "reference"), word(stored, "reference")
    found = {urn: literal} if urn.startswith("urn:uuid:") and literal and not literal.startswith("urn:") else {}
    return found | {k: v for name in sent.keys() & stored.keys() for k, v in learned(sent[name], stored[name]).items()}


def _carries(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    for name in _DECIDED:
        if name not in sent:
            continue
        if name == "owner":
            same = reference(stored, name) == reference(sent, name)
        elif name == "lastModified":
            same = _instant(stored, name) == _instant(sent, name)
        elif name == "status":
            same = stored.get(name) == sent[name]
        else:
            same = word(part(stored, name), "text") == word(part(sent, name), "text")
        if not same:
            return False
    return True


def _same_moment(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    wanted = _instant(sent, "recorded")
    return wanted is not None and _instant(stored, "recorded") == wanted


def _instant(resource: Mapping[str, Any], name: str) -> datetime | None:
    time = parse_time(resource.get(name))
    return time.earliest if time else None
