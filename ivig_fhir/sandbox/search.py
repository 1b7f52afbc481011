"""Searching: filter, order, include; every step asks what the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ivig_fhir.sandbox import dates
from ivig_fhir.sandbox.elements import values
from ivig_fhir.sandbox.matching import matches
from ivig_fhir.sandbox.parameters import Parameter
from ivig_fhir.sandbox.query import Filter, Include, Query
from ivig_fhir.sandbox.references import local
from ivig_fhir.sandbox.store import Store, Stored

Sees = Callable[[Stored], bool]


def find(store: Store, query: Query, sees: Sees) -> list[Stored]:
    """The matches of a search that the caller may see, in order."""
    found = [
        held
        for held in store.candidates(query.type, _pointing_at(query, store.base), _ids(query))
        if held.body and all(matches(held.body, f.parameter, f.modifier, f.values, store.base) for f in query.filters) and sees(held)
    ]
    for parameter, descending in reversed(query.sort):
        keyed = [(_sort_value(held.body or {}, parameter), held) for held in found]
        some = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=descending)
        found = [held for _, held in some] + [held for key, held in keyed if key is None]
    return found


def included(store: Store, query: Query, page: Iterable[Stored], sees: Sees) -> list[Stored]:
    """What `_include` and `_revinclude` add to one page of matches, each resource once."""
    matched = list(page)
    taken = {held.reference for held in matched}
    extra: list[Stored] = []
    for include in query.includes:
        for held in _reverse(store, include, matched) if include.reverse else _forward(store, include, matched):
            if held.reference not in taken and sees(held):
                taken.add(held.reference)
                extra.append(held)
    return extra


def matching(store: Store, type_: str, filters: Iterable[Filter]) -> list[Stored]:
    """Living resources of a type that satisfy every filter; for conditional creates, which look at everybody's."""
    return find(store, Query(type_, tuple(filters)), lambda held: True)


def _pointing_at(query: Query, base: str) -> list[str] | None:
    """Narrows the candidates to those that point at a patient that was asked for: the commonest search by far."""
    for one in query.filters:
        if one.parameter.name in ("patient", "subject", "beneficiary") and not one.modifier:
            return [local(value, base) or f"Patient/{value}" for value in one.values]
    return None


def _ids(query: Query) -> list[str] | None:
    for one in query.filters:
        if one.parameter.name == "_id" and not one.modifier:
            return [value.partition("|")[2] or value for value in one.values]
    return None


def _forward(store: Store, include: Include, page: list[Stored]) -> Iterable[Stored]:
    for held in page:
        if held.type != include.source or not held.body:
            continue
        for target in _targets(held.body, include.parameter, store.base):
            if include.target in (None, target.partition("/")[0]):
                other = store.current(*target.split("/", 1))
                if other and other.body:
                    yield other


def _reverse(store: Store, include: Include, page: list[Stored]) -> Iterable[Stored]:
    wanted = {held.reference for held in page if include.target in (None, held.type)}
    if not wanted:
        return []
    pointing = store.candidates(include.source, pointing_at=wanted)
    return [held for held in pointing if held.body and wanted & set(_targets(held.body, include.parameter, store.base))]


def _targets(body: dict[str, Any], parameter: Parameter, base: str) -> list[str]:
    nodes = (value for path in parameter.paths for value in values(body, path))
    texts = (node.get("reference") for node in nodes if isinstance(node, dict))
    found = (local(text, base) for text in texts if isinstance(text, str))
    return [target for target in found if target and (parameter.target is None or target.startswith(f"{parameter.target}/"))]


def _sort_value(body: dict[str, Any], parameter: Parameter) -> Any:
    found = [value for path in parameter.paths for value in values(body, path)]
    if parameter.kind == "date":
        return min((span.low for value in found for span in dates.spans(value)), default=None)
    for value in found:
        if isinstance(value, str):
            return value.casefold()
        if isinstance(value, dict):
            coding = (value.get("coding") or [value])[0]
            text = coding.get("code") or coding.get("value") or value.get("text") or value.get("family") or value.get("reference")
            if isinstance(text, str):
                return text.casefold()
    return None
