"""Loading a chart as it comes: ids kept, references inside the Bundle resolved, nothing else asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from ivig_fhir.sandbox.outcome import FhirError, invalid
from ivig_fhir.sandbox.query import parse
from ivig_fhir.sandbox.references import rewritten, walk
from ivig_fhir.sandbox.resource_types import RESOURCE_TYPES
from ivig_fhir.sandbox.search import matching
from ivig_fhir.sandbox.store import LOADED, Store

Json = dict[str, Any]
_URN = "urn:uuid:"


def load(store: Store, bundle: Any, now: datetime) -> list[str]:
    """Stores every resource of a Bundle of any type, each under its own id, and returns `Type/id` of each.

    A resource that is there already gets a new version. References to entries follow them; what resolves to nothing stays as it is,
    because real charts have such references. FhirError 400 when it is no Bundle or holds something that is no R4 resource.
    """
    entries = [(url, _identified(resource, url)) for url, resource in _resources(bundle)]
    where = {url: f"{resource['resourceType']}/{resource['id']}" for url, resource in entries if url}
    for _, resource in entries:
        where.setdefault(f"{_URN}{resource['id']}", f"{resource['resourceType']}/{resource['id']}")
    stored = []
    with store.transaction():
        for _, resource in entries:
            stored.append(store.put(rewritten(resource, lambda text: where.get(text, text)), now, LOADED).reference)
        for reference, (_, resource) in zip(stored, entries, strict=True):
            if any("?" in node["reference"] for node in walk(resource)):
                _settle_searches(store, reference, now)
    return list(dict.fromkeys(stored))


def _resources(bundle: Any) -> Iterator[tuple[str | None, Json]]:
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle" or not isinstance(bundle.get("entry") or [], list):
        raise invalid("The body is not a Bundle.")
    for entry in bundle.get("entry") or []:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if resource is None:
            continue
        if not isinstance(resource, dict) or resource.get("resourceType") not in RESOURCE_TYPES:
            raise invalid("The Bundle holds something that is not a resource of FHIR R4.")
        if resource["resourceType"] == "Bundle":
            yield from _resources(resource)
        elif resource["resourceType"] != "OperationOutcome":
            url = entry.get("fullUrl")
            yield (url if isinstance(url, str) else None), resource


def _identified(resource: Json, url: str | None) -> Json:
    if isinstance(resource.get("id"), str) and resource["id"]:
        return resource
    named = url.removeprefix(_URN) if url and url.startswith(_URN) else str(uuid4())
    return {**resource, "id": named}


def _settle_searches(store: Store, reference: str, now: datetime) -> None:
    """Resolves references written as a search (`Practitioner?identifier=…`), as generated charts have them, where just one answers."""
    held = store.current(*reference.split("/", 1))
    if held is None or held.body is None:
        return
    found: list[str] = []
    body = rewritten(held.body, _finder(store, found))
    if found:
        store.put(body, now, LOADED)


def _finder(store: Store, found: list[str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        type_, mark, condition = text.partition("?")
        if not mark or type_ not in RESOURCE_TYPES:
            return text
        try:
            query = parse(type_, parse_qsl(condition))
        except FhirError:
            return text
        answers = matching(store, type_, query.filters) if query.filters and not query.unknown else []
        if len(answers) != 1:
            return text
        found.append(answers[0].reference)
        return answers[0].reference

    return change
