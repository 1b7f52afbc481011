"""A reader who has only the narrative: what it must say of a resource, and that it says nothing that the coded content does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

XHTML = "{http://www.w3.org/1999/xhtml}"
# The words that a narrative adds to what is coded: they name what follows.
LABELS = frozenset(["For", "On", "Between", "and", "Needed", "by", "Owner", "severity", "sources"])
_MUST = {
    "MedicationRequest": ("status", "intent", "medicationCodeableConcept.text", "dosageInstruction.text", "note.text", "reasonCode.text"),
    "ServiceRequest": ("status", "intent", "code.text", "orderDetail.text", "note.text", "reasonCode.text"),
    "RequestGroup": ("status", "intent", "code.text", "action.title", "action.action.title"),
    "DetectedIssue": ("status", "code.text", "severity", "detail", "evidence.detail.display", "mitigation.action.text"),
    "Provenance": ("recorded", "agent.who.display", "activity.coding.code"),
    "Task": ("status", "intent", "businessStatus.text", "description", "note.text", "owner.display"),
    "GuidanceResponse": ("status", "note.text"),
    "Practitioner": ("name.text",),
}
_TIMES = ("dosageInstruction.timing.event", "occurrenceTiming.event", "occurrencePeriod.start", "occurrencePeriod.end")


def paragraphs(resource: Mapping[str, Any]) -> list[str]:
    """What a person reads, a paragraph each."""
    root = ElementTree.fromstring(resource["text"]["div"])
    assert {e.tag for e in root.iter()} <= {XHTML + "div", XHTML + "p"}, "something else than paragraphs"
    return ["".join(p.itertext()) for p in root]


def faults(resource: Mapping[str, Any]) -> list[str]:
    """What is wrong with the narrative of a resource that the app wrote."""
    if (resource.get("text") or {}).get("status") != "generated":
        return ["it has no generated narrative"]
    told = "\n".join(paragraphs(resource)).casefold()
    coded = {k: v for k, v in resource.items() if k != "text"}
    wanted = [*_MUST[resource["resourceType"]], *_TIMES, "statusReason.text"]
    unsaid = [f"{path} is not told: {v}" for path in wanted for v in _at(coded, path.split(".")) if v.strip().casefold() not in told]
    known = _tokens(" ".join(_strings(coded))) | {w.casefold() for w in LABELS} | {str(len(coded.get("entity") or []))}
    made_up = _tokens(told) - known
    return unsaid + ([f"it says what is not coded: {sorted(made_up)}"] if made_up else [])


def _tokens(text: str) -> set[str]:
    return set(re.findall(r"[\w.:/+-]*\w", text.casefold()))


def _strings(element: Any) -> Iterator[str]:
    if isinstance(element, Mapping):
        for value in element.values():
            yield from _strings(value)
    elif isinstance(element, list):
        for value in element:
            yield from _strings(value)
    elif isinstance(element, str):
        yield element


def _at(element: Any, path: list[str]) -> Iterator[str]:
    if isinstance(element, list):
        for item in element:
            yield from _at(item, path)
    elif not path:
        yield str(element)
    elif isinstance(element, Mapping) and path[0] in element:
        yield from _at(element[path[0]], path[1:])
