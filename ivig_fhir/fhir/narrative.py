"""The generated narrative of a resource: what its coded content says, as harmless XHTML; made again whenever that content changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import Any

from ivig_fhir.fhir.reading import called, part, parts, reference, word

Resource = Mapping[str, Any]
# What XML 1.0 cannot hold at all, not even escaped; a note that somebody typed may.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Narratives that say nothing but what the coded content says; any other one may hold somebody's own words.
_GENERATED = ("", "generated", "empty")


def narrative(lines: Iterable[str]) -> dict[str, Any]:
    """A Narrative with one paragraph a line, escaped; whoever reads no codes reads this. See: FHIR R4 Narrative, invariant dom-6."""
    clean = (_NO_XML.sub("\ufffd", line) for line in lines if line.strip())
    paragraphs = "".join(f"<p>{escape(line, quote=False)}</p>" for line in clean)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def narrated(resource: Resource) -> dict[str, Any]:
    """The resource with a narrative of what it says now, its status first. ValueError for a type that has none here."""
    tell = _TOLD.get(word(resource, "resourceType"))
    if tell is None:
        raise ValueError(f"no narrative is made of a {word(resource, 'resourceType')}")
    first = {"resourceType": resource["resourceType"], "text": narrative((_standing(resource), *tell(resource)))}
    return {**first, **{k: v for k, v in resource.items() if k not in first}}


def renarrated(resource: Resource) -> dict[str, Any]:
    """A resource that was changed, with its narrative made again; one with words of somebody's own (`additional`) keeps it."""
    own = word(part(resource, "text"), "status") not in _GENERATED or word(resource, "resourceType") not in _TOLD
    return dict(resource) if own else {**resource, "text": narrated(resource)["text"]}


def _standing(resource: Resource) -> str:
    """Intent, status, and what a business calls it: who reads only this must not take a draft or a cancelled order for one to give."""
    said = [word(resource, "intent"), word(resource, "status"), called(resource.get("businessStatus"))]
    line = ", ".join(s for s in said if s)
    reason = word(part(resource, "statusReason"), "text")
    return f"{line[:1].upper()}{line[1:]}{f' ({reason})' if reason else ''}"


def _medication_request(order: Resource) -> Iterator[str]:
    yield _text(order.get("medicationCodeableConcept")) or word(part(order, "medicationReference"), "display")
    for dosage in parts(order, "dosageInstruction"):
        yield word(dosage, "text")
        yield _dates(part(dosage, "timing"))
    yield from _reasons(order)
    yield from _notes(order)


def _service_request(request: Resource) -> Iterator[str]:
    yield _text(request.get("code"))
    yield "; ".join(_text(detail) for detail in parts(request, "orderDetail"))
    yield _dates(part(request, "occurrenceTiming"))
    period = part(request, "occurrencePeriod")
    yield f"Between {word(period, 'start')} and {word(period, 'end')}" if period else ""
    yield from _reasons(request)
    yield from _notes(request)


def _request_group(group: Resource) -> Iterator[str]:
    yield _text(group.get("code"))
    for action in parts(group, "action"):
        inner = "; ".join(word(child, "title") for child in parts(action, "action"))
        yield f"{word(action, 'title')}{f': {inner}' if inner else ''}"


def _detected_issue(issue: Resource) -> Iterator[str]:
    yield f"{_text(issue.get('code'))}: severity {word(issue, 'severity')}"
    yield word(issue, "detail")
    for evidence in parts(issue, "evidence"):
        yield from (word(detail, "display") for detail in parts(evidence, "detail"))
    for mitigation in parts(issue, "mitigation"):
        yield f"{_text(mitigation.get('action'))} ({_who(mitigation, 'author')}, {word(mitigation, 'date')})"


def _provenance(provenance: Resource) -> Iterator[str]:
    yield f"{called(provenance.get('activity'))}, {word(provenance, 'recorded')}"
    for agent in parts(provenance, "agent"):
        yield f"{called(agent.get('type'))}: {_who(agent, 'who')}"
    yield f"{len(parts(provenance, 'entity'))} sources"


def _task(task: Resource) -> Iterator[str]:
    yield word(task, "description")
    yield f"Needed by {word(part(part(task, 'restriction'), 'period'), 'end')}" if task.get("restriction") else ""
    yield f"Owner: {_who(task, 'owner')}" if task.get("owner") else ""
    yield from _reasons(task)
    for note in parts(task, "note"):
        yield f"{_who(note, 'authorReference')}, {word(note, 'time')}: {word(note, 'text')}"


def _guidance_response(response: Resource) -> Iterator[str]:
    yield from _notes(response)
    for outcome in parts(response, "contained"):
        for issue in parts(outcome, "issue"):
            if word(issue, "severity") != "information":
                yield _text(issue.get("details"))


_TOLD: Mapping[str, Callable[[Resource], Iterator[str]]] = {
    "MedicationRequest": _medication_request,
    "ServiceRequest": _service_request,
    "RequestGroup": _request_group,
    "DetectedIssue": _detected_issue,
    "Provenance": _provenance,
    "Task": _task,
    "GuidanceResponse": _guidance_response,
}


def _text(concept: object) -> str:
    """A concept in its own words, whole; else as people call it."""
    return word(concept, "text") or called(concept)


def _who(element: object, name: str) -> str:
    return word(part(element, name), "display") or reference(element, name)


def _reasons(resource: Resource) -> Iterator[str]:
    concepts = parts(resource, "reasonCode")
    if concepts:
        yield f"For: {'; '.join(_text(c) for c in concepts)}"


def _notes(resource: Resource) -> Iterator[str]:
    return (word(note, "text") for note in parts(resource, "note"))


def _dates(timing: Mapping[str, Any]) -> str:
    events = timing.get("event")
    return f"On {', '.join(e for e in events if isinstance(e, str))}" if isinstance(events, list) and events else ""
