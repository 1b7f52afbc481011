"""Loading: a synthetic chart onto a server that may be written to, under ids of the server's own; and taking it away again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.errors import FhirError, OutcomeInstead, ResourceGone
from ivig_fhir.fhir.building import drop_empty
from ivig_fhir.fhir.reading import reference_key, word

# HL7's code for test data, on everything that is loaded, so that whatever is left over can be found.
TEST_DATA = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST", "display": "test health data"}


def load(client: FhirClient, resources: Sequence[Mapping[str, Any]], made: dict[str, str]) -> None:
    """Creates the resources one by one, each once those that it refers to are there; `made` learns where each is now.

    `made` maps `Type/id` as it stands in the resources to the reference that the server gave; it is filled as the resources are made, so
    that whoever called knows what to take away when this ends early. ValueError when they refer to one another in a ring, or to
    something that is neither among them nor in `made`. FhirError when the server refuses one of them.
    """
    waiting = {f"{word(r, 'resourceType')}/{word(r, 'id')}": r for r in resources}
    while waiting:
        ready = [key for key, r in waiting.items() if all(said in made for said in _references(r))]
        if not ready:
            raise ValueError(f"{next(iter(waiting))} refers to what is not there")
        for key in ready:
            made[key] = _create(client, waiting.pop(key), made)


def unload(client: FhirClient, references: Iterable[str]) -> tuple[str, ...]:
    """Deletes what is there, again and again as long as something goes, for a server keeps what is still referred to.

    What refers to one another (an order and its findings) can only go at once, in a transaction. What the server would not delete is
    returned, in the order given; empty when all is gone. Raises nothing of the server's.
    """
    left, before = list(dict.fromkeys(references)), -1
    while left and len(left) != before:
        before = len(left)
        left = [reference for reference in left if not _deleted(client, reference)]
    return () if left and _deleted_at_once(client, left) else tuple(left)


def _create(client: FhirClient, resource: Mapping[str, Any], made: Mapping[str, str]) -> str:
    """The reference of a resource that was just created."""
    meta = {"tag": [TEST_DATA]}
    body = {k: _pointed(v, made) for k, v in resource.items() if k not in ("id", "meta")}
    type_ = word(resource, "resourceType")
    reply = client.post(type_, drop_empty({"resourceType": type_, "meta": meta, **body}))
    found = reference_key(reply.location) if reply.location else f"{type_}/{word(reply.body, 'id')}"
    if not found.startswith(f"{type_}/") or found.endswith("/"):
        raise OutcomeInstead(f"POST {type_} without a place")
    return found


def _deleted(client: FhirClient, reference: str) -> bool:
    try:
        client.delete(reference)
    except ResourceGone:
        return True
    except FhirError:
        return False
    return True


def _deleted_at_once(client: FhirClient, references: Iterable[str]) -> bool:
    entries = [{"request": {"method": "DELETE", "url": reference}} for reference in references]
    try:
        client.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    except FhirError:
        return False
    return True


def _references(value: Any) -> list[str]:
    """Every literal reference of a resource to another one."""
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) and not value["reference"].startswith("#") else []
        return [*own, *(found for child in value.values() for found in _references(child))]
    return [found for child in value for found in _references(child)] if isinstance(value, list) else []


def _pointed(value: Any, made: Mapping[str, str]) -> Any:
    """The same with every reference to where the server put its target."""
    if isinstance(value, dict):
        return {k: made.get(v, v) if k == "reference" and isinstance(v, str) else _pointed(v, made) for k, v in value.items()}
    return [_pointed(child, made) for child in value] if isinstance(value, list) else value
