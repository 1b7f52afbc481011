"""Services: one row per CDS Hooks service that we offer, and the discovery document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ivig_fhir.cds.cards import Card, Source
from ivig_fhir.cds.patient_view import Provider, patient_view
from ivig_fhir.cds.prefetch import templates
from ivig_fhir.cds.requests import HookRequest
from ivig_fhir.chart.queries import QUERIES, Query
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import NotFound


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its id and hook, what it tells its readers, the context it needs, what it reads, and what answers."""

    id: str
    hook: str
    title: str
    description: str
    context: tuple[str, ...]
    queries: tuple[Query, ...]
    answer: Callable[[HookRequest, ChartSnapshot, Provider], tuple[Card, ...]]


SERVICES: tuple[Service, ...] = (
    Service(
        id="ivig-patient-view",
        hook="patient-view",
        title="Immunoglobulin (IVIG) for the indications of this chart",
        description="Proposes a dose of intravenous immunoglobulin and checks it, where the chart carries an indication for it.",
        context=("userId", "patientId"),
        queries=QUERIES,
        answer=patient_view,
    ),
)


def find(id_: str) -> Service:
    """The service of an id. NotFound."""
    for service in SERVICES:
        if service.id == id_:
            return service
    raise NotFound("no such CDS service", said="There is no CDS service of that id.", remedy="Ask /cds-services for those there are.")


def discovery() -> dict[str, Any]:
    """The discovery document. See: CDS Hooks 2.0, discovery."""
    return {
        "services": [
            {"id": s.id, "hook": s.hook, "title": s.title, "description": s.description, "prefetch": templates(s.queries)} for s in SERVICES
        ]
    }


def provider(service: Service, content: Content, site: Site, base_url: str) -> Provider:
    """What a service advises with; its topic is the service itself."""
    return Provider(content, site, base_url, Source("IVIG Orders", base_url, f"{base_url}/cds-services", service.id, service.title))
