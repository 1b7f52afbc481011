"""The first write gate: HL7's R4 definitions and invariants, checked on a plain dict before it may leave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ivig_fhir.fhir.r4_bundles import bundle_faults
from ivig_fhir.fhir.r4_invariants import INVARIANTS, UCUM
from ivig_fhir.fhir.r4_narrative import narrative_fault
from ivig_fhir.fhir.r4_primitives import fault
from ivig_fhir.fhir.r4_table import Definitions, ElementRule, definitions
from ivig_fhir.fhir.ucum_syntax import is_ucum

# Registries that HL7 does not enumerate, judged by their syntax.
OPEN_CODES = {"currencies": re.compile(r"[A-Z]{3}"), "mimetypes": re.compile(r"[\w.+-]+/[\w.+*-]+(?:; ?[\w.+-]+=[^;]+)*|[\w.+-]+")}
QUANTITIES = frozenset({"Quantity", "SimpleQuantity"})
_PART_OF_REFERENCE = r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
_RELATIVE = re.compile(_PART_OF_REFERENCE)
_ABSOLUTE = re.compile(rf"https?://\S+/{_PART_OF_REFERENCE}")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where, a stable code (HL7's key for an invariant), and a sentence that never repeats the value found."""

    path: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path} {self.message} [{self.code}]"


@dataclass(slots=True)
class _Scope:
    """One resource under check with what its references can point to, and the faults found so far in the whole."""

    problems: list[Problem]
    table: Definitions
    bundle: str = ""  # the type of the Bundle around, if any
    entries: Mapping[str, str] = field(default_factory=dict)  # full URL -> resource type
    contained: Mapping[str, str] = field(default_factory=dict)  # id -> resource type
    used: set[str] = field(default_factory=set)  # contained ids that something refers to
    within: str = ""  # the contained resource being walked
    malformed: int = 0

    def report(self, path: str, code: str, message: str) -> None:
        self.problems.append(Problem(path, code, message))

    def reject(self, path: str, code: str, message: str) -> None:
        """Reports a fault of form, after which invariants of the elements around cannot be judged."""
        self.malformed += 1
        self.report(path, code, message)


def check(resource: Any) -> list[Problem]:
    """Everything in which a resource breaks R4; an empty list lets it pass.

    Covers structure at every depth, cardinality, choices, primitive formats, required bindings, reference targets, contained
    resources, primitive extensions, UCUM codes and the invariants of r4_invariants and r4_bundles. A type that is not compiled
    gives `not-checked`. Does not cover extensible, preferred or example bindings, profiles, or whether a reference exists.
    See: http://hl7.org/fhir/R4/validation.html
    """
    problems: list[Problem] = []
    _resource(_Scope(problems, definitions()), resource, "")
    return problems


def _resource(around: _Scope, resource: Any, path: str) -> None:
    """A resource that stands for itself: the one given, or one inside a Bundle or Parameters."""
    scope = _Scope(around.problems, around.table, around.bundle, around.entries)
    if not (name := _type_of(scope, resource, path)):
        around.malformed += 1
        return
    path = path or name
    contained = resource.get("contained")
    contained = [c for c in contained if isinstance(c, dict)] if isinstance(contained, list) else []
    scope.contained = {str(c.get("id")): str(c.get("resourceType")) for c in contained}
    if name == "Bundle":
        scope.bundle, scope.entries = str(resource.get("type")), dict(_entries(resource))
    _object(scope, resource, name, path)
    if name == "Bundle" and not scope.malformed:
        for below, code, message in bundle_faults(resource):
            scope.report(path + below, code, message)
    for position, inner in enumerate(contained):
        if str(inner.get("id")) not in scope.used:
            scope.report(f"{path}.contained[{position}]", "dom-3", "a contained resource is referred to")
        _contained_invariants(scope, inner, f"{path}.contained[{position}]")
    around.malformed += scope.malformed


def _type_of(scope: _Scope, resource: Any, path: str) -> str:
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(name, str) or name not in scope.table.resource_names:
        scope.report(path, "resource-type", "is not a resource of R4")
    elif name not in scope.table.resources:
        scope.report(path or name, "not-checked", f"the type {name} is not in the compiled definitions, so nothing of it was checked")
    else:
        return name
    return ""


def _entries(bundle: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("fullUrl"), str) and isinstance(entry.get("resource"), dict):
            yield entry["fullUrl"], str(entry["resource"].get("resourceType"))


def _contained_invariants(scope: _Scope, inner: Mapping[str, Any], path: str) -> None:
    meta = inner.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    if "contained" in inner:
        scope.report(path, "dom-2", "a contained resource contains none")
    if "versionId" in meta or "lastUpdated" in meta:
        scope.report(path, "dom-4", "a contained resource has no version and no time of update")
    if "security" in meta:
        scope.report(path, "dom-5", "a contained resource has no security label")


def _object(scope: _Scope, element: Any, name: str, path: str) -> None:
    """An element or a resource of a known type: its properties, what is missing, then its invariants."""
    if not isinstance(element, dict):
        scope.reject(path, "null" if element is None else "type", f"is not a JSON object of type {name}")
        return
    rule, before = scope.table.types[name], scope.malformed
    chosen: dict[str, str] = {}
    if not element.keys() - {"id"}:
        scope.reject(path, "ele-1", "is empty; an element without a value is left out")
        return
    for key, value in element.items():
        below = rule.elements.get(key)
        if below is not None:
            _property(scope, below, value, f"{path}.{key}", element)
        elif key[:1] == "_" and (below := rule.elements.get(key[1:])) is not None and below.primitive:
            _primitive_extension(scope, below, value, f"{path}.{key}", element.get(key[1:]))
        elif key != "resourceType" or "Resource" not in rule.lineage:
            scope.reject(f"{path}.{key}" if str(key).isidentifier() else path, "unknown-element", f"is not an element of {name}")
        if below is not None and below.choice and chosen.setdefault(below.choice, key.lstrip("_")) != key.lstrip("_"):
            scope.reject(path, "choice", f"has {below.choice} more than once")
    for label, properties in rule.required:
        if not any(p in element or f"_{p}" in element for p in properties):
            scope.reject(path, "cardinality", f"lacks {label}, which {name} must have")
    if scope.malformed == before:
        for ancestor in rule.lineage:
            _invariants(scope, element, ancestor, path)


def _invariants(scope: _Scope, element: Mapping[str, Any], name: str, path: str) -> None:
    for key, message, holds in INVARIANTS.get(name, ()):
        if not holds(element):
            scope.report(path, key, f"{message} ({name})")
    if name in QUANTITIES and element.get("system") == UCUM and not is_ucum(element.get("code", "")):
        scope.report(path, "ucum", "the unit's code is missing or is not UCUM")


def _property(scope: _Scope, rule: ElementRule, value: Any, path: str, parent: Mapping[str, Any]) -> None:
    if not rule.many:
        if isinstance(value, list):
            scope.reject(path, "cardinality", "is a list; the element appears at most once")
        else:
            _value(scope, rule, value, path)
    elif not isinstance(value, list):
        scope.reject(path, "cardinality", "is not a list; the element may repeat")
    elif not value:
        scope.reject(path, "empty", "is an empty list; an element without a value is left out")
    else:
        beside = parent.get("_" + path.rpartition(".")[2]) if rule.primitive else None
        for position, item in enumerate(value):
            if item is not None or not isinstance(beside, list) or position >= len(beside) or beside[position] is None:
                _value(scope, rule, item, f"{path}[{position}]")


def _value(scope: _Scope, rule: ElementRule, value: Any, path: str) -> None:
    if rule.primitive:
        _primitive(scope, rule, value, path)
    elif rule.type == "Resource":
        _inner_resource(scope, value, path)
    else:
        before = scope.malformed
        _object(scope, value, rule.type, path)
        if scope.malformed == before:
            if rule.type == "Reference":
                _reference(scope, rule, value, path)
            elif rule.binding:
                _concept_binding(scope, rule, value, path)


def _inner_resource(scope: _Scope, resource: Any, path: str) -> None:
    if not path.rpartition(".")[2].startswith("contained["):
        _resource(scope, resource, path)
    elif scope.within:
        return  # dom-2 says so; what is contained twice is not walked
    elif name := _type_of(scope, resource, path):
        scope.within = str(resource.get("id"))
        _object(scope, resource, name, path)
        scope.within = ""


def _primitive(scope: _Scope, rule: ElementRule, value: Any, path: str) -> None:
    if value is None:
        scope.reject(path, "null", "is null; an element without a value is left out")
    elif found := fault(rule.type, value):
        scope.reject(path, *found)
    elif rule.binding:
        known, syntax = scope.table.codes.get(rule.binding), OPEN_CODES.get(rule.binding)
        if (known is not None and value not in known) or (syntax and not syntax.fullmatch(value)):
            scope.report(path, "binding", f"is not a code of the required value set {rule.binding}")
    elif rule.type == "xhtml" and (found := narrative_fault(value)):
        scope.report(path, *found)
    elif rule.type in ("canonical", "uri", "url") and value.startswith("#"):
        scope.used.add(value[1:])


def _primitive_extension(scope: _Scope, rule: ElementRule, value: Any, path: str, beside: Any) -> None:
    """`_birthDate` beside birthDate: an Element; for a repeating primitive a list of the same length as the values."""
    if not rule.many:
        _object(scope, value, "Element", path)
        return
    if not isinstance(value, list) or not value or (isinstance(beside, list) and len(beside) != len(value)):
        scope.reject(path, "cardinality", "is not a list as long as the list of values beside it")
        return
    for position, item in enumerate(value):
        if item is not None:
            _object(scope, item, "Element", f"{path}[{position}]")
        elif not isinstance(beside, list) or beside[position] is None:
            scope.reject(f"{path}[{position}]", "null", "is null where there is no value either")


def _concept_binding(scope: _Scope, rule: ElementRule, value: Mapping[str, Any], path: str) -> None:
    """A Coding, or a CodeableConcept by at least one coding, is in the value set that is bound as required."""
    systems = scope.table.value_sets[rule.binding]
    codings = value.get("coding", ()) if rule.type == "CodeableConcept" else (value,)
    if systems is not None and not any(c.get("code") in systems.get(c.get("system", ""), ()) for c in codings):
        scope.report(path, "binding", f"has no coding of the required value set {rule.binding}")


def _reference(scope: _Scope, rule: ElementRule, value: Mapping[str, Any], path: str) -> None:
    """A reference is written as R4 writes them, points to an allowed type, and resolves where that can be seen."""
    literal, stated = value.get("reference"), value.get("type")
    if not (literal or value.keys() & {"identifier", "display", "extension", "_reference", "_display"}):
        scope.report(path, "reference", "has neither a reference, an identifier nor a display")
    target = _target(scope, literal, path) if literal else ""
    for name in filter(None, (target, stated)):
        if name not in scope.table.resource_names:
            scope.report(path, "reference-target", "names a type that is not a resource of R4")
        elif rule.targets and name not in rule.targets:
            scope.report(path, "reference-target", f"points to {name}, not to one of {', '.join(sorted(rule.targets))}")
    if target and stated and target != stated:
        scope.report(path, "reference-target", "points to another type than it states")


def _target(scope: _Scope, literal: str, path: str) -> str:
    """The type that a literal reference points to, "" where it cannot be told; reports one that does not resolve."""
    if literal.startswith("#"):
        scope.used.add(literal[1:] or scope.within)
        if literal != "#" and literal[1:] not in scope.contained:
            scope.report(path, "ref-1", "refers to a contained resource that is not there")
        return scope.contained.get(literal[1:], "")
    if literal in scope.entries:
        return scope.entries[literal]
    if literal.startswith(("urn:uuid:", "urn:oid:")):
        if scope.bundle == "transaction":
            scope.report(path, "reference-unresolved", "names no entry of its transaction")
        return ""
    found = _RELATIVE.fullmatch(literal) or _ABSOLUTE.fullmatch(literal)
    if not found and scope.bundle == "transaction":
        found = _CONDITIONAL.fullmatch(literal)
    if not found and not literal.startswith(("http://", "https://")):
        scope.report(path, "reference", "is neither Type/id, an absolute URL, a urn nor #id")
    return found[1] if found else ""
