"""Pages of a search: what was found is kept for a while, and a link names it without saying what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from ivig_fhir.sandbox.access import Access
from ivig_fhir.sandbox.handles import Handles
from ivig_fhir.sandbox.outcome import FhirError, outcome
from ivig_fhir.sandbox.query import Query, parse
from ivig_fhir.sandbox.search import included
from ivig_fhir.sandbox.store import Store, Stored

SECONDS = 900


def first(store: Store, handles: Handles, access: Access, query: Query, found: Sequence[Stored]) -> dict[str, Any]:
    """The searchset of the first page. The total stands there only when asked for: clients must not need it."""
    size = min(query.count, access.fault.page_size or query.count)
    bundle = _bundle(f"{store.base}/{query.type}{_asked(query)}")
    if query.summary_count or query.total:
        bundle["total"] = len(found)
    if query.summary_count:
        return bundle
    secret = ""
    if len(found) > size:
        ids = [held.id for held in found]
        body = {"type": query.type, "ids": ids, "size": size, "pairs": [list(pair) for pair in query.asked], "token": access.token}
        secret = handles.issue("page", body, SECONDS)
    return _page(store, access, query, list(found), 0, size, secret, bundle)


def later(store: Store, handles: Handles, access: Access, link: str) -> dict[str, Any]:
    """The searchset that a next link names; FhirError 410 when the link is unknown, over, or another token's."""
    secret, _, start = link.rpartition(".")
    kept = handles.look("page", secret)
    if kept is None or kept["token"] != access.token or not start.isdecimal():
        raise FhirError(410, "expired", "This page is no longer kept. Start the search again.")
    query = parse(kept["type"], [(name, value) for name, value in kept["pairs"]])
    wanted = kept["ids"]
    living = {held.id: held for held in store.candidates(query.type, ids=wanted[int(start) : int(start) + kept["size"]])}
    found: list[Stored | None] = [living.get(id_) for id_ in wanted]
    return _page(store, access, query, found, int(start), kept["size"], secret, _bundle(f"{store.base}?_page={link}"))


def _page(
    store: Store, access: Access, query: Query, found: Sequence[Stored | None], start: int, size: int, secret: str, bundle: dict[str, Any]
) -> dict[str, Any]:
    matched = [held for held in found[start : start + size] if held and access.sees(store, held, "s")]
    extra = included(store, query, matched, lambda held: access.reads(store, held) or access.sees(store, held, "s"))
    entries = [_entry(store, held, "match") for held in matched] + [_entry(store, held, "include") for held in extra]
    if query.unknown and not start:
        said = outcome("warning", "not-supported", f"Left out of this search: {', '.join(query.unknown)}.")
        entries.append({"resource": said, "search": {"mode": "outcome"}})
    if start + size < len(found):
        bundle["link"].append({"relation": "next", "url": f"{store.base}?_page={secret}.{start + size}"})
    return {**bundle, "entry": entries} if entries else bundle


def _bundle(address: str) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "self", "url": address}]}


def _asked(query: Query) -> str:
    known = [pair for pair in query.asked if pair[0] not in query.unknown]
    return "?" + urlencode(known) if known else ""


def _entry(store: Store, held: Stored, mode: str) -> dict[str, Any]:
    return {"fullUrl": f"{store.base}/{held.reference}", "resource": held.body, "search": {"mode": mode}}
