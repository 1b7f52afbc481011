"""What is stored: read back past caches, and changed only as the server's own JSON over exactly the version that was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ivig_fhir.chart.answers import Resource
from ivig_fhir.ehr.client import CONNECTIONS, FhirClient
from ivig_fhir.ehr.locate import version_in
from ivig_fhir.errors import ChangedInEhr, FhirError, OutcomeUnknown
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.order.receipt import Part

_SERVERS_OWN = ("meta", "text")


@dataclass(frozen=True)
class ReadBack:
    """The resources of a run as the EHR holds them now, by role; and what could not be read back, with the reason."""

    resources: Mapping[str, Resource] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


def read_back(client: FhirClient, parts: Iterable[Part], *, workers: int = CONNECTIONS) -> ReadBack:
    """Every part that is stored somewhere, read again past caches: what the receipt compares with what was sent."""
    wanted = {p.role: p.reference for p in parts if p.reference}
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="receipt") as pool:
        answers = dict(zip(wanted, pool.map(lambda r: _read(client, r), wanted.values()), strict=True))
    resources = {role: a for role, a in answers.items() if not isinstance(a, str)}
    return ReadBack(resources, {role: a for role, a in answers.items() if isinstance(a, str)})


def _read(client: FhirClient, reference: str) -> Resource | str:
    try:
        found: Resource = client.read(reference, fresh=True).body
    except FhirError as error:
        return error.message
    return found


def update(
    client: FhirClient, reference: str, change: Callable[[dict[str, Any]], dict[str, Any]], expected: str | None = None
) -> dict[str, Any]:
    """Read, change, store: `change` gets the server's own JSON, so that whatever it does not touch stays as it is, digits included.

    `expected` is the version that was reviewed. ChangedInEhr when another version stands there, before or while it is written, or when
    the server tells no version. OutcomeUnknown when the answer is lost and the change is not there. Returns what is stored.
    """
    reply = client.read(reference, fresh=True)
    version = version_in(reply.etag) or word(part(reply.body, "meta"), "versionId")
    if not version:
        raise ChangedInEhr("no version", said="The EHR tells no version of the order, so it cannot be changed safely.")
    if expected is not None and version != expected:
        raise ChangedInEhr("version moved before the update")
    wanted = change(dict(reply.body))
    try:
        client.put(reference, wanted, if_match=reply.etag or f'W/"{version}"')
    except OutcomeUnknown:
        stored = dict(client.read(reference, fresh=True).body)
        if _content(stored) != _content(wanted):
            raise
        return stored
    return dict(client.read(reference, fresh=True).body)


def _content(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in resource.items() if k not in _SERVERS_OWN}
