"""Whose chart a command works on: a file, a FHIR server, or a body described in words."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.cli.inputs import bearer_token, read_json
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import ChartError, SettingsError
from ivig_fhir.fhir.codes import LOINC
from ivig_fhir.workflow.open_chart import chart_from_document

_BODY = re.compile(
    r"(?P<sex>m|male|f|female) +(?:(?P<years>\d{1,3}) *y(?:ears)? +)?(?P<cm>\d{2,3}(?:\.\d)?) *cm +(?P<kg>\d{1,3}(?:\.\d{1,2})?) *kg", re.I
)
DESCRIBED = "male 175 cm 85 kg"


def add_chart_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Adds `--chart` or `--fhir-base`, and `--patient`."""
    chart = parser.add_mutually_exclusive_group(required=required)
    chart.add_argument("--chart", metavar="FILE", help="a Bundle of any type or an array of resources; - is standard input; may be gzipped")
    chart.add_argument("--fhir-base", metavar="URL", help="a FHIR R4 server to read from; needs --patient")
    alone = "" if required else f"; without a chart, a body in words, as in “{DESCRIBED}”"
    parser.add_argument("--patient", metavar="ID", help=f"the patient's id, where a file holds several{alone}")
    parser.add_argument("--token-file", metavar="FILE", help="a bearer token for --fhir-base, or the token response that holds it")


def chart_of(arguments: argparse.Namespace, content: Content, site: Site, now: datetime) -> ChartSnapshot:
    """The chart that the options name. Errors: ChartError, SettingsError."""
    if arguments.chart:
        return chart_from_document(read_json(arguments.chart, ChartError), arguments.patient, content, now, site)
    if not arguments.patient:
        raise SettingsError(said="--fhir-base needs --patient." if arguments.fhir_base else "Give --chart, --fhir-base or --patient.")
    if not arguments.fhir_base:
        return chart_from_document(_described(arguments.patient, content, now), None, content, now, site)
    from ivig_fhir.app import bearer_client  # a file needs no HTTP, and its imports are half of the start-up time
    from ivig_fhir.workflow.read_ehr import chart_from_server

    token = bearer_token(arguments.token_file)
    return chart_from_server(bearer_client(arguments.fhir_base, token), arguments.patient, content, now, site)


def _described(text: str, content: Content, now: datetime) -> list[dict[str, Any]]:
    """The smallest chart that says this of a body, measured today; without years it is a young adult's."""
    found = _BODY.fullmatch(text.strip().replace(",", ""))
    if found is None:
        raise ChartError(said=f"A patient without a chart is given as in “{DESCRIBED}”.")
    years = int(found["years"] or content.constants["adult_years"])
    sex = "male" if found["sex"].lower().startswith("m") else "female"
    patient = {"resourceType": "Patient", "id": "described", "gender": sex, "birthDate": f"{now.year - years - 1}-01-01"}
    return [
        patient,
        *(_observation(panel, found[unit], unit, content, now) for panel, unit in (("body-weight", "kg"), ("body-height", "cm"))),
    ]


def _observation(panel: str, value: str, unit: str, content: Content, now: datetime) -> dict[str, Any]:
    code = next(iter(content.panels[panel].loinc))
    return {
        "resourceType": "Observation",
        "id": panel,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/described"},
        "effectiveDateTime": now.date().isoformat(),
        "valueQuantity": {"value": Decimal(value), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }
