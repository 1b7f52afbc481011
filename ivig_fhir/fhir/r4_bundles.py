"""HL7's rules for Bundles as a whole, and for what a transaction must say of each entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

REQUESTING = frozenset({"batch", "transaction", "history"})
RESPONDING = frozenset({"batch-response", "transaction-response", "history"})

Fault = tuple[str, str, str]  # path below the Bundle, HL7's key or ours, message


def bundle_faults(bundle: Mapping[str, Any]) -> Iterator[Fault]:
    """The faults of a Bundle whose elements are well-formed; its resources are checked elsewhere.

    See: http://hl7.org/fhir/R4/bundle.html#invs and http://hl7.org/fhir/R4/http.html#transaction
    """
    kind = bundle["type"]
    if "total" in bundle and kind not in ("searchset", "history"):
        yield "", "bdl-1", "a total belongs to a search or a history"
    if kind == "document":
        identifier = bundle.get("identifier", {})
        if "system" not in identifier or "value" not in identifier:
            yield "", "bdl-9", "a document has an identifier with a system and a value"
        if "timestamp" not in bundle:
            yield "", "bdl-10", "a document has a timestamp"
    first = {"document": "Composition", "message": "MessageHeader"}.get(kind)
    entries = bundle.get("entry", [])
    if first and (not entries or entries[0].get("resource", {}).get("resourceType") != first):
        yield "", "bdl-11" if kind == "document" else "bdl-12", f"the first entry is a {first}"
    seen: set[tuple[str, str]] = set()
    for index, entry in enumerate(entries):
        for key, message in _entry_faults(kind, entry):
            yield f".entry[{index}]", key, message
        named = (entry.get("fullUrl", ""), entry.get("resource", {}).get("meta", {}).get("versionId", ""))
        if named[0] and kind != "history":
            if named in seen:
                yield f".entry[{index}]", "bdl-7", "a full URL appears once for each version"
            seen.add(named)


def _entry_faults(kind: str, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not any(part in entry for part in ("resource", "request", "response")):
        yield "bdl-5", "an entry has a resource, a request or a response"
    if "search" in entry and kind != "searchset":
        yield "bdl-2", "search details belong to a search"
    if ("request" in entry) != (kind in REQUESTING):
        yield "bdl-3", "a batch, transaction or history says a request for each entry, and nothing else does"
    if ("response" in entry) != (kind in RESPONDING):
        yield "bdl-4", "a response or history says a response for each entry, and nothing else does"
    full_url = entry.get("fullUrl", "")
    if "/_history/" in full_url:
        yield "bdl-8", "a full URL names no version"
    resource_id = entry.get("resource", {}).get("id")
    if resource_id and full_url.startswith("http") and not full_url.endswith(f"/{resource_id}"):
        yield "full-url", "a full URL ends with the id of its resource"
    if kind in ("batch", "transaction") and "request" in entry:
        yield from _request_faults(entry["request"], entry.get("resource"))


def _request_faults(request: Mapping[str, Any], resource: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    method, url = request["method"], request["url"]
    target, _, resource_id = url.partition("?")[0].partition("/")
    if url.startswith("/") and method != "GET":  # reads are tolerated: HL7's own examples have it
        yield "request-url", "a request's URL is relative to the server's base"
    if method in ("POST", "PUT") and resource is None and not target.startswith("$") and "/$" not in url and "_search" not in url:
        yield "request-resource", "a create or an update has its resource"
    if method in ("POST", "PUT") and resource is not None and "$" not in url:
        if target != resource["resourceType"]:
            yield "request-url", "a request's URL names the type of its resource"
        elif method == "PUT" and resource_id and resource_id != resource.get("id"):
            yield "request-url", "an update's URL names the id of its resource"
    if method == "POST" and "?" in url:
        yield "request-url", "a conditional create goes in ifNoneExist"
    if "ifNoneExist" in request and method != "POST":
        yield "request-if-none-exist", "only a create can be conditional on absence"
