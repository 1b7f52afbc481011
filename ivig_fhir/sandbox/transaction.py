"""Transactions, all or nothing with urn:uuid references resolved; and batches, each entry on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from ivig_fhir.sandbox import interactions, writing
from ivig_fhir.sandbox.access import Access
from ivig_fhir.sandbox.interactions import Answer, Server
from ivig_fhir.sandbox.outcome import FhirError, invalid
from ivig_fhir.sandbox.resource_types import RESOURCE_TYPES
from ivig_fhir.sandbox.store import Stored

Json = dict[str, Any]
# The order in which a transaction is carried out. See: FHIR R4 http.html#trules.
_ORDER = ("DELETE", "POST", "PUT", "GET")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is to be done: method, type, the rest of its address, conditions, and where references to it go."""

    method: str
    type: str
    id: str | None
    query: str
    full_url: str | None
    resource: Any
    if_none_exist: str | None
    if_match: str | None
    existing: Stored | None = None
    twin: str | None = None

    @property
    def target(self) -> str:
        """`Type/id` of what it writes or found."""
        return self.twin or (self.existing.reference if self.existing else f"{self.type}/{self.id}")


def process(server: Server, access: Access, bundle: Any) -> Answer:
    """Carries out a transaction or a batch Bundle and answers with the Bundle of responses."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise invalid("The body is not a Bundle.")
    entries = bundle.get("entry") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise invalid("The Bundle's entries are not a list of objects.")
    if bundle.get("type") == "batch":
        return _batch(server, access, entries)
    if bundle.get("type") != "transaction":
        raise invalid("Only a Bundle of type transaction or batch can be carried out.")
    with server.store.transaction():
        return _transaction(server, access, [_read(server, entry) for entry in entries])


def _batch(server: Server, access: Access, entries: list[Json]) -> Answer:
    answers = []
    for entry in entries:
        try:
            answers.append(_alone(server, access, _read(server, entry)))
        except FhirError as error:
            answers.append(Answer(error.status, error.outcome(), error.headers))
    return _responses("batch-response", answers)


def _alone(server: Server, access: Access, entry: Entry) -> Answer:
    if entry.method == "POST":
        return writing.create(server, access, entry.type, entry.resource, entry.if_none_exist)
    if entry.method == "PUT":
        return writing.update(server, access, entry.type, entry.id or "", entry.resource, entry.if_match)
    if entry.method == "DELETE":
        return writing.delete(server, access, entry.type, entry.id or "", entry.if_match)
    return _get(server, access, entry)


def _transaction(server: Server, access: Access, entries: list[Entry]) -> Answer:
    for entry in entries:
        if entry.method in ("POST", "PUT", "DELETE"):
            access.demand(entry.type, {"POST": "c", "PUT": "u", "DELETE": "d"}[entry.method])
    planned = _planned(server, access, entries)
    change = _resolver(server, planned)
    answers: dict[int, Answer] = {}
    for method in _ORDER[:3]:
        for at, entry in enumerate(planned):
            if entry.method == method and not entry.twin:
                answers[at] = _write(server, access, entry, change)
    done = {entry.target: answers[at].stored for at, entry in enumerate(planned) if at in answers}
    for at, entry in enumerate(planned):
        held = done.get(entry.twin) if entry.twin else None
        if held:
            answers[at] = interactions.describe(server, held, 200)
    writing.unreferred(server.store, [entry.target for entry in planned if entry.method == "DELETE"])
    letters = {at: {"POST": "c", "PUT": "u"}.get(entry.method, "") for at, entry in enumerate(planned)}
    writing.concluded(server, access, [(answer.stored, letters[at]) for at, answer in answers.items() if answer.wrote and letters[at]])
    for at, entry in enumerate(planned):
        if entry.method == "GET":
            answers[at] = _get(server, access, entry)
    return _responses("transaction-response", [answers[at] for at in range(len(planned))])


def _planned(server: Server, access: Access, entries: list[Entry]) -> list[Entry]:
    """Entries with their ids fixed, so that references can be resolved before anything is stored."""
    planned: list[Entry] = []
    conditions: dict[tuple[str, str], str] = {}
    for entry in entries:
        if entry.method == "POST":
            writing.accepted(entry.type, entry.resource)
            key = (entry.type, entry.if_none_exist or "")
            found = writing.already(server, access, *key) if entry.if_none_exist else None
            twin = conditions.get(key) if entry.if_none_exist else None
            entry = replace(entry, id=str(uuid4()), existing=found, twin=None if found else twin)
            if entry.if_none_exist:
                conditions.setdefault(key, entry.target)
        elif entry.method == "PUT":
            writing.accepted(entry.type, entry.resource)
        planned.append(entry)
    changed = [entry.target for entry in planned if entry.method in ("PUT", "DELETE")]
    if len(changed) != len(set(changed)):
        raise invalid("Two entries of the transaction change the same resource.")
    return planned


def _resolver(server: Server, planned: list[Entry]) -> Callable[[str], str]:
    where: dict[str, str] = {}
    for entry in planned:
        if entry.full_url and entry.method in ("POST", "PUT"):
            if entry.full_url in where:
                raise invalid("Two entries of the transaction have the same fullUrl.")
            where[entry.full_url] = entry.target
            given = entry.resource.get("id")
            if entry.method == "POST" and entry.full_url.endswith(f"/{entry.type}/{given}"):
                where.setdefault(f"{entry.type}/{given}", entry.target)

    def change(text: str) -> str:
        return where.get(text) or writing.settled(server, text)

    return change


def _write(server: Server, access: Access, entry: Entry, change: Callable[[str], str]) -> Answer:
    if entry.existing:
        return interactions.describe(server, entry.existing, 200)
    if entry.method == "POST":
        return writing.store_new(server, access, {**entry.resource, "id": entry.id}, change)
    if entry.method == "PUT":
        return writing.store_update(server, access, entry.type, entry.id or "", entry.resource, entry.if_match, change)
    return writing.store_deletion(server, access, entry.type, entry.id or "", entry.if_match)


def _get(server: Server, access: Access, entry: Entry) -> Answer:
    if entry.id is None:
        return interactions.search(server, access, entry.type, parse_qsl(entry.query, keep_blank_values=True))
    id_, _, version = entry.id.partition("/_history/")
    if version:
        return interactions.vread(server, access, entry.type, id_, version)
    if id_.endswith("/_history"):
        return interactions.history(server, access, entry.type, id_.removesuffix("/_history"))
    return interactions.read(server, access, entry.type, id_)


def _read(server: Server, entry: Json) -> Entry:
    request = entry.get("request")
    if not isinstance(request, dict) or request.get("method") not in _ORDER or not isinstance(request.get("url"), str):
        raise invalid("An entry has no request with a method (GET, POST, PUT or DELETE) and a url.")
    path, _, query = request["url"].removeprefix(server.base).lstrip("/").partition("?")
    type_, _, id_ = path.partition("/")
    method = request["method"]
    if type_ not in RESOURCE_TYPES:
        raise FhirError(404, "not-supported", f"{type_!r} is not a resource type of FHIR R4.")
    if (method == "POST" and (id_ or query)) or (method in ("PUT", "DELETE") and not id_):
        raise invalid(f"An entry with {method} has the url {request['url']!r}.")
    texts = (request.get("ifNoneExist"), request.get("ifMatch"), entry.get("fullUrl"))
    none_exist, match, full_url = (text if isinstance(text, str) else None for text in texts)
    return Entry(method, type_, id_ or None, query, full_url, entry.get("resource"), none_exist, match)


def _responses(type_: str, answers: list[Answer]) -> Answer:
    entries = []
    for answer in answers:
        response: Json = {"status": f"{answer.status} {HTTPStatus(answer.status).phrase}"}
        if answer.stored:
            response["location"] = f"{answer.stored.reference}/_history/{answer.stored.version}"
            response["etag"] = f'W/"{answer.stored.version}"'
            response["lastModified"] = answer.stored.updated
        if answer.status >= 400:
            entries.append({"response": {**response, "outcome": answer.body}})
        else:
            entries.append({**({"resource": answer.body} if answer.body else {}), "response": response})
    body = {"resourceType": "Bundle", "type": type_, **({"entry": entries} if entries else {})}
    return Answer(200, body, wrote=any(answer.wrote for answer in answers))
