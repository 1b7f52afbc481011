"""A member of the cast as the app meets them: the chart read from the sandbox over FHIR, and what the engine says to a clinician's choices."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.load import load_content
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.ehr.client import FhirClient, pooled_session
from ivig_fhir.fhir.quantity import plain
from ivig_fhir.proposal.applicability import indications_in
from ivig_fhir.proposal.findings import Finding
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.sandbox.adapter import SandboxAdapter
from ivig_fhir.sandbox.server import create_sandbox
from ivig_fhir.sandbox.settings import SandboxSettings
from ivig_fhir.workflow.read_ehr import chart_from_server

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EHR = "http://127.0.0.1:5001"


@cache
def content() -> Content:
    """The project's own content."""
    return load_content(ROOT / "order_sets")


@cache
def _ehr() -> Any:
    http = pooled_session()
    http.mount(EHR, SandboxAdapter(create_sandbox(SandboxSettings(), lambda: NOW)))
    return http


@cache
def chart(patient: str) -> ChartSnapshot:
    """The chart, searched for like that of any EHR."""
    token = _ehr().get(f"{EHR}/ehr/token", params={"user": "prescriber", "patient": patient}).json()["access_token"]
    client = FhirClient(f"{EHR}/fhir", _ehr(), lambda: token)
    return chart_from_server(client, patient, content(), NOW, Site())


def offered(patient: str) -> list[str]:
    """The indications that the chart carries."""
    return [found.id for found in indications_in(chart(patient), content())]


def told(patient: str, site: Site | None = None, **chosen: Any) -> Proposal:
    """The proposal for this patient; without choices the content's defaults."""
    return propose(chart(patient), parse_selections(chosen), content(), NOW, site or Site())


def of(made: Proposal, *severities: str) -> set[str]:
    """The checks that fired with one of these severities."""
    return {f.check for f in made.findings if f.severity in severities}


def stops(made: Proposal) -> set[str]:
    """What stops the order."""
    return of(made, "hard-stop")


def asks(made: Proposal) -> set[str]:
    """What asks for a reason."""
    return of(made, "override")


def finding(made: Proposal, check: str) -> Finding:
    """The finding of a check, which must be there."""
    return next(f for f in made.findings if f.check == check)


def cited(made: Proposal, check: str) -> set[str]:
    """The entries of the chart that a finding stands on."""
    return {e.reference for e in finding(made, check).evidence}


def grams(made: Proposal) -> list[str]:
    """Grams of each infusion, with its date."""
    return [f"{i.date.isoformat()} {plain(i.grams)} g" for i in made.dose.infusions] if made.dose else []
