"""Writing: create, conditional create, update and delete, with the integrity of references kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from ivig_fhir.sandbox.access import Access
from ivig_fhir.sandbox.interactions import Answer, Server, describe
from ivig_fhir.sandbox.outcome import FhirError, invalid
from ivig_fhir.sandbox.query import parse
from ivig_fhir.sandbox.references import local, rewritten, walk
from ivig_fhir.sandbox.resource_types import ID
from ivig_fhir.sandbox.search import matching
from ivig_fhir.sandbox.store import Store, Stored

Json = dict[str, Any]
_ETAG = re.compile(r'(?:W/)?"?(\d+)"?')


def create(server: Server, access: Access, type_: str, resource: Any, condition: str | None = None) -> Answer:
    """Stores a new resource under an id of the server's; with a condition only when nothing matches it (200 then, 412 when several do)."""
    access.demand(type_, "c")
    body = accepted(type_, resource)
    with server.store.transaction():
        existing = already(server, access, type_, condition) if condition else None
        if existing:
            return describe(server, existing, 200)
        answer = store_new(server, access, {**body, "id": str(uuid4())}, single(server))
        concluded(server, access, [(answer.stored, "c")])
        return answer


def update(server: Server, access: Access, type_: str, id_: str, resource: Any, if_match: str | None = None) -> Answer:
    """Stores a new version (200), or creates under the client's id (201); 412 when the version named is not the newest."""
    access.demand(type_, "u")
    with server.store.transaction():
        answer = store_update(server, access, type_, id_, accepted(type_, resource), if_match, single(server))
        concluded(server, access, [(answer.stored, "u")])
        return answer


def delete(server: Server, access: Access, type_: str, id_: str, if_match: str | None = None) -> Answer:
    """Marks a resource as deleted; 409 while another points at it; 204 also when there was nothing."""
    access.demand(type_, "d")
    with server.store.transaction():
        answer = store_deletion(server, access, type_, id_, if_match)
        unreferred(server.store, [f"{type_}/{id_}"])
        return answer


def accepted(type_: str, resource: Any) -> Json:
    """The resource when it is an object of the type that the address names; FhirError 400 otherwise."""
    if not isinstance(resource, dict):
        raise invalid("The body is not a FHIR resource.")
    if resource.get("resourceType") != type_:
        raise invalid(f"The body's resourceType is not {type_}, which the address names.")
    if not isinstance(resource.get("meta", {}), dict):
        raise invalid("The element meta is not an object.")
    return resource


def already(server: Server, access: Access, type_: str, condition: str) -> Stored | None:
    """What a conditional create would double. FhirError 412 when several match, 400 when the condition cannot be searched."""
    text = condition.removeprefix(f"{server.base}/").removeprefix(type_).lstrip("?")
    query = parse(type_, parse_qsl(text))
    if query.unknown or not query.filters:
        raise invalid("The condition of the create uses no parameter that this server can search.")
    found = matching(server.store, type_, query.filters)
    if len(found) > 1:
        raise FhirError(412, "multiple-matches", f"The condition of the create matches {len(found)} resources.")
    for held in found:
        access.demand_resource(server.store, held, "c")
    return found[0] if found else None


def store_new(server: Server, access: Access, resource: Json, change: Callable[[str], str]) -> Answer:
    """Stores a resource that has its id; the caller opens the transaction and ends it with `concluded`."""
    body = access.fault.storing(rewritten(resource, change))
    return describe(server, server.store.put(body, server.now(), "POST"), 201, wrote=True)


def store_update(
    server: Server, access: Access, type_: str, id_: str, resource: Json, if_match: str | None, change: Callable[[str], str]
) -> Answer:
    """The same for an update."""
    if resource.get("id") != id_:
        raise invalid("The body's id is not the one that the address names.")
    if not ID.fullmatch(id_):
        raise invalid("An id is 1 to 64 letters, digits, hyphens and points.")
    before = server.store.current(type_, id_)
    _match(before, if_match)
    if before and before.body is not None:
        access.demand_resource(server.store, before, "u")
    body = access.fault.storing(rewritten(resource, change))
    held = server.store.put(body, server.now(), "PUT")
    return describe(server, held, 200 if before and before.body is not None else 201, wrote=True)


def store_deletion(server: Server, access: Access, type_: str, id_: str, if_match: str | None) -> Answer:
    """The same for a deletion."""
    before = server.store.current(type_, id_)
    _match(before, if_match)
    if before is None or before.body is None:
        return Answer(204)
    access.demand_resource(server.store, before, "d")
    server.store.delete(type_, id_, server.now())
    return Answer(204, headers={"ETag": f'W/"{before.version + 1}"'}, wrote=True)


def _match(held: Stored | None, if_match: str | None) -> None:
    if if_match is None:
        return
    match = _ETAG.fullmatch(if_match.strip())
    if held is None or match is None or int(match[1]) != held.version:
        now = f"version {held.version}" if held else "not there"
        raise FhirError(412, "conflict", f"If-Match names another version: the resource is {now}.")


def single(server: Server) -> Callable[[str], str]:
    """How references of a resource written alone are read: a search is resolved, our own address is made relative."""
    return lambda text: settled(server, text)


def settled(server: Server, text: str) -> str:
    """One reference as it is stored. FhirError 400 for an address elsewhere, a urn that nothing resolves, or a search without one match."""
    if text.startswith("#"):
        return text
    if "?" in text and "://" not in text:
        type_, _, condition = text.partition("?")
        query = parse(type_, parse_qsl(condition))
        found = matching(server.store, type_, query.filters) if query.filters and not query.unknown else []
        if len(found) != 1:
            raise invalid(f"The reference by search to a {type_} matches {len(found)} resources.")
        return found[0].reference
    relative = text.removeprefix(f"{server.base}/")
    if local(relative, server.base) is None:
        raise invalid(f"The reference {unquote(text)!r} does not point to this server.")
    return relative


def concluded(server: Server, access: Access, written: Iterable[tuple[Stored | None, str]]) -> None:
    """The last look before a commit, when everything is in place: each new version is within the token's reach (else FhirError 403),

    and points at nothing that is not there (else 400).
    """
    for held, letter in written:
        if held is None:
            continue
        access.demand_resource(server.store, held, letter)
        for node in walk(held.body):
            target = local(node["reference"], server.base)
            if target and not server.store.exists(target):
                raise invalid(f"The reference {target} points at nothing.")


def unreferred(store: Store, deleted: Iterable[str]) -> None:
    """FhirError 409 when something living points at what was just deleted."""
    gone = set(deleted)
    for target in gone:
        left = [one for one in store.referrers(target) if one not in gone and not store.exists(target)]
        if left:
            raise FhirError(409, "conflict", f"{target} is still referred to by {left[0]}.")
