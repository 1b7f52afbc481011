"""Step 1, open the chart: everything the record says about one patient, from a file or from the EHR, as one snapshot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ivig_fhir.chart.answers import Answers
from ivig_fhir.chart.bundle import from_documents
from ivig_fhir.chart.read import read_chart
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site


def chart_from_document(document: Any, patient_id: str | None, content: Content, now: datetime, site: Site) -> ChartSnapshot:
    """The chart in a parsed JSON document (any Bundle, or an array of resources). ChartError without exactly one patient to read."""
    return chart_from_answers(from_documents(document, patient_id), content, now, site)


def chart_from_answers(answers: Answers, content: Content, now: datetime, site: Site) -> ChartSnapshot:
    """The chart as facts, from whatever brought the answers: FHIR searches, a prefetch, a file."""
    return read_chart(answers, content, now, site.timezone)
