"""Reading: read, vread, history and search, each within what the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from ivig_fhir.sandbox import paging
from ivig_fhir.sandbox.access import Access
from ivig_fhir.sandbox.handles import Handles
from ivig_fhir.sandbox.outcome import FhirError, not_found
from ivig_fhir.sandbox.query import parse
from ivig_fhir.sandbox.search import find
from ivig_fhir.sandbox.store import LOADED, Store, Stored

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Server:
    """The parts that every interaction needs: the record, the pages under way, the clock."""

    store: Store
    handles: Handles
    now: Callable[[], datetime]

    @property
    def base(self) -> str:
        """The FHIR base."""
        return self.store.base


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, before it is HTTP or an entry of a Bundle; `stored` is the version it speaks of, `wrote` whether it made it."""

    status: int
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stored: Stored | None = None
    wrote: bool = False


def describe(server: Server, held: Stored, status: int, wrote: bool = False) -> Answer:
    """The answer that carries one version: body, ETag and Last-Modified, and Location when it was created."""
    headers = {"ETag": f'W/"{held.version}"', "Last-Modified": http_date(held.updated)}
    if status == 201:
        headers["Location"] = f"{server.base}/{held.reference}/_history/{held.version}"
    return Answer(status, held.body, headers, held, wrote)


def http_date(instant: str) -> str:
    """An instant as HTTP writes it, in whole seconds."""
    return format_datetime(datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(UTC), usegmt=True)


def read(server: Server, access: Access, type_: str, id_: str) -> Answer:
    """The newest version of one resource; 404 unknown, 410 deleted, 403 out of reach."""
    held = server.store.current(type_, id_)
    if f"{type_}/{id_}" != access.user or not access.own_profile:
        access.demand(type_, "r")
    if held is None:
        raise not_found(f"{type_}/{id_}")
    if held.body is None:
        raise FhirError(410, "deleted", f"{type_}/{id_} was deleted.", {"ETag": f'W/"{held.version}"'})
    if not access.reads(server.store, held):
        raise FhirError(403, "forbidden", f"This {type_} is outside what the granted scopes allow to read.")
    return describe(server, held, 200)


def vread(server: Server, access: Access, type_: str, id_: str, version: str) -> Answer:
    """One version of one resource."""
    access.demand(type_, "r")
    for held in server.store.history(type_, id_):
        if str(held.version) == version:
            if held.body is None:
                raise FhirError(410, "deleted", f"Version {version} of {type_}/{id_} is its deletion.")
            access.demand_resource(server.store, held, "r")
            return describe(server, held, 200)
    raise not_found(f"{type_}/{id_}/_history/{version}")


def history(server: Server, access: Access, type_: str, id_: str) -> Answer:
    """Every version of one resource, newest first, as a history Bundle."""
    access.demand(type_, "r")
    versions = server.store.history(type_, id_)
    if not versions:
        raise not_found(f"{type_}/{id_}")
    for held in versions:
        if held.body is not None:
            access.demand_resource(server.store, held, "r")
    entries = []
    for held in versions:
        url = type_ if held.method == "POST" else held.reference
        status = {"POST": "201 Created", "DELETE": "204 No Content"}.get(held.method, "201 Created" if held.version == 1 else "200 OK")
        entry: dict[str, Any] = {"fullUrl": f"{server.base}/{held.reference}"}
        if held.body is not None:
            entry["resource"] = held.body
        entry["request"] = {"method": "PUT" if held.method == LOADED else held.method, "url": url}
        entry["response"] = {"status": status, "etag": f'W/"{held.version}"', "lastModified": held.updated}
        entries.append(entry)
    link = [{"relation": "self", "url": f"{server.base}/{type_}/{id_}/_history"}]
    return Answer(200, {"resourceType": "Bundle", "type": "history", "total": len(entries), "link": link, "entry": entries})


def search(server: Server, access: Access, type_: str, pairs: Pairs, strict: bool = False) -> Answer:
    """The first page of a search; an unknown parameter is an error in strict handling, else left out and said so."""
    access.demand(type_, "s")
    query = parse(type_, pairs)
    if strict and query.unknown:
        raise FhirError(400, "not-supported", f"Not supported in this search: {', '.join(query.unknown)}.")
    access.demand_patient(query, server.base)
    found = find(server.store, query, lambda held: access.sees(server.store, held, "s"))
    return Answer(200, paging.first(server.store, server.handles, access, query, found))


def page(server: Server, access: Access, link: str) -> Answer:
    """A later page by its opaque link; 410 when the search is over."""
    return Answer(200, paging.later(server.store, server.handles, access, link))
