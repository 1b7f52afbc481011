"""The newest value of a panel, the one that stood when an order was approved, and what may be newer and could not be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from ivig_fhir.chart.facts import Measurement
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.fhir.dates import FhirTime, parse_time
from ivig_fhir.fhir.reading import part, word
from ivig_fhir.proposal.absence import refused
from ivig_fhir.proposal.case import evidence
from ivig_fhir.proposal.findings import Evidence
from ivig_fhir.proposal.matching import measured

# A withdrawn or absent result leaves nothing open; any other reason for refusing a value leaves open what was measured.
_SETTLED = ("status", "absent")


def newest_value(chart: ChartSnapshot, panel: str) -> Measurement | None:
    """The newest dated number, final or not."""
    return next((m for m in chart.panel(panel) if m.time is not None and m.value is not None), None)


def value_at(chart: ChartSnapshot, panel: str, moment: datetime) -> Measurement | None:
    """The newest final number that was surely measured by then."""
    dated = (m for m in chart.panel(panel) if m.value is not None and not m.comparator and not m.preliminary)
    return next((m for m in dated if m.time is not None and m.time.latest <= moment), None)


def obscuring(chart: ChartSnapshot, panel: str, used: Measurement | None, approved_at: datetime) -> tuple[Evidence, ...]:
    """Results of a panel that were refused, have no date, or are known by their words alone, and may be newer than the `used` one.

    One without a date that the record held before the approval is old news: `approved_at` tells.
    """
    new = set(_stored_since(chart, approved_at))
    found = [(refused(u), parse_time(u.source.time, chart.zone)) for u in chart.unusable if u.panel == panel and u.kind not in _SETTLED]
    found += [(measured(m), m.time) for m in chart.candidates if m.panel == panel]
    found += [(evidence(m), None) for m in chart.panel(panel) if m.time is None]
    return tuple(e for e, time in found if (e.reference in new if time is None else _later(time, used)))


def said_of(found: Iterable[Evidence]) -> str:
    """In a sentence what could not be used; "" for nothing."""
    said = "; ".join(dict.fromkeys(e.said for e in found))
    return f"Not used: {said}." if said else ""


def _later(time: FhirTime, used: Measurement | None) -> bool:
    return used is None or used.time is None or time.latest > used.time.earliest


def _stored_since(chart: ChartSnapshot, moment: datetime) -> Iterator[str]:
    """Observations that the server stored after a moment, or does not say when."""
    for resource in chart.resources("Observation"):
        stored = parse_time(part(resource, "meta").get("lastUpdated"), chart.zone)
        if stored is None or stored.latest > moment:
            yield f"Observation/{word(resource, 'id')}"
