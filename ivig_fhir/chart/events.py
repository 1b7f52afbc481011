"""Events: procedures, service requests, immunizations and devices that count, by their status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from ivig_fhir.chart.answers import Answers, Resource
from ivig_fhir.chart.facts import Event, Source
from ivig_fhir.fhir.codes import Code, codings, texts
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import part, parts, reference, reference_key, short, word

# Status that counts, by type; a missing status is read as unknown.
_COUNTS: Mapping[str, tuple[str, ...]] = {
    "Procedure": ("preparation", "in-progress", "completed", "on-hold", "unknown"),
    "ServiceRequest": ("active", "on-hold", "unknown", "draft"),
    "Immunization": ("completed",),
    "Device": ("active", "unknown"),
    "DeviceUseStatement": ("active", "intended", "on-hold", "unknown"),
}

_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


def read_events(answers: Answers, zone: tzinfo) -> tuple[Event, ...]:
    """The events of the record. A ServiceRequest with several dates is one event for each; a Device without a patient is none."""
    devices = {f"Device/{word(d, 'id')}": d for d in answers.of("Device").resources}
    found: list[Event] = []
    for type_, counts in _COUNTS.items():
        for resource in answers.of(type_).resources:
            if (word(resource, "status") or "unknown") not in counts or resource.get("doNotPerform") is True:
                continue
            if type_ == "Device" and not part(resource, "patient"):
                continue
            codes, names = _named(resource, devices)
            found += [_event(resource, codes, names, time) for time in _times(resource, zone)]
    return tuple(found)


def _event(resource: Resource, codes: tuple[Code, ...], names: tuple[str, ...], time: FhirTime | None) -> Event:
    type_, status = word(resource, "resourceType"), word(resource, "status")
    name = next(iter(names), next((c.code for c in codes), f"{type_} without a code or a name"))
    said = short(", ".join(w for w in (name, status, time.text if time else "") if w))
    return Event(type_, status, codes, names, time, Source.of(resource, time), said)


def _named(resource: Resource, devices: Mapping[str, Resource]) -> tuple[tuple[Code, ...], tuple[str, ...]]:
    type_ = word(resource, "resourceType")
    if type_ == "DeviceUseStatement":
        return _device(_used_device(resource, devices))
    if type_ == "Device":
        return _device(resource)
    return _of(resource.get("vaccineCode" if type_ == "Immunization" else "code"))


def _used_device(use: Resource, devices: Mapping[str, Resource]) -> Resource:
    pointed = reference(use, "device")
    contained = next((c for c in parts(use, "contained") if word(c, "id") == pointed.removeprefix("#")), {})
    shown = {"type": {"text": word(part(use, "device"), "display")}}
    return (contained if pointed.startswith("#") else devices.get(reference_key(pointed))) or shown


def _device(device: Resource) -> tuple[tuple[Code, ...], tuple[str, ...]]:
    names = tuple(word(n, "name") for n in parts(device, "deviceName") if word(n, "name"))
    return _of(device.get("type"), extra=names)


def _of(*concepts: object, extra: Iterable[str] = ()) -> tuple[tuple[Code, ...], tuple[str, ...]]:
    codes = tuple(dict.fromkeys(c for concept in concepts for c in codings(concept)))
    return codes, tuple(dict.fromkeys((*(t for concept in concepts for t in texts(concept)), *extra)))


def _times(resource: Resource, zone: tzinfo) -> tuple[FhirTime | None, ...]:
    """When it happened or will happen: the end of what was done, the whole time in which a planned one may take place."""
    planned = part(resource, "occurrencePeriod") or part(part(part(resource, "occurrenceTiming"), "repeat"), "boundsPeriod")
    events = part(resource, "occurrenceTiming").get("event")
    dated = [t for t in (parse_time(e, zone) for e in events) if t] if isinstance(events, list) else []
    if dated:
        return tuple(dated)
    done, used = part(resource, "performedPeriod"), part(resource, "timingPeriod")
    written = ("performedDateTime", "occurrenceDateTime", "timingDateTime")
    found = [parse_time(resource.get(name), zone) for name in written]
    found += [parse_time(done.get("end"), zone), parse_time(done.get("start"), zone)]
    found += [_span(planned, zone), parse_time(used.get("start"), zone)]
    return (next((t for t in found if t is not None), None),)


def _span(period: Resource, zone: tzinfo) -> FhirTime | None:
    """All of a period as one time; an open side reaches as far as any date."""
    start, end = parse_time(period.get("start"), zone), parse_time(period.get("end"), zone)
    if start is None and end is None:
        return None
    text = " ".join(w for w in ("from" if start else "", start.text if start else "", f"to {end.text}" if end else "") if w)
    return FhirTime(text, start.earliest if start else _FIRST, end.latest if end else _LAST)
