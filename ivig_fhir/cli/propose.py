"""`ivig-fhir propose`: a proposal without a browser, from a file or from a FHIR server."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any

from ivig_fhir import __version__
from ivig_fhir.chart.snapshot import ChartSnapshot
from ivig_fhir.cli.inputs import content_and_site, moment, read_bytes, read_json
from ivig_fhir.cli.text import as_text
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.errors import ChartError, SelectionError, SettingsError
from ivig_fhir.fhir.building import encode
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.resources import proposal_bundle
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.settings import Settings
from ivig_fhir.workflow.open_chart import chart_from_document

EXIT = {"proposed": 0, "stopped": 3, "data-required": 4}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("propose", help="a proposal for one chart", description=__doc__)
    chart = parser.add_mutually_exclusive_group(required=True)
    chart.add_argument("--chart", metavar="FILE", help="a Bundle of any type or an array of resources; - is standard input; may be gzipped")
    chart.add_argument("--fhir-base", metavar="URL", help="a FHIR R4 server to read from; needs --patient")
    parser.add_argument("--patient", metavar="ID", help="the patient's id, where a file holds several")
    parser.add_argument("--token-file", metavar="FILE", help="a bearer token for --fhir-base")
    parser.add_argument("--select", metavar="FILE", help="the clinician's selections, JSON")
    parser.add_argument("--site", metavar="FILE", help="the site file, TOML")
    parser.add_argument("--now", metavar="WHEN", help="the moment to propose for; without an offset the site's local time")
    parser.add_argument("--format", choices=("text", "json", "fhir"), default="text")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the proposal. 0 proposed, 3 stopped, 4 data required."""
    content, site = content_and_site(arguments.site)
    now = moment(arguments.now, site)
    selections = parse_selections(read_json(arguments.select, SelectionError) if arguments.select else {})
    chart = _chart(arguments, content, site, now)
    proposal = propose(chart, selections, content, now, site)
    if arguments.format == "json":
        print(_pretty(answer(proposal)))
    elif arguments.format == "fhir":
        print(encode(proposal_bundle(proposal, content, f"{Settings.from_env().base_url}/fhir", __version__)).decode("utf-8"))
    else:
        print(as_text(proposal, content))
    return EXIT[proposal.outcome]


def _chart(arguments: argparse.Namespace, content: Content, site: Site, now: datetime) -> ChartSnapshot:
    if arguments.chart:
        return chart_from_document(read_json(arguments.chart, ChartError), arguments.patient, content, now, site)
    if not arguments.patient:
        raise SettingsError(said="--fhir-base needs --patient.")
    from ivig_fhir.app import bearer_client  # a file needs no HTTP, and its imports are half of the start-up time
    from ivig_fhir.workflow.read_ehr import chart_from_server

    token = read_bytes(arguments.token_file).decode("utf-8", "replace").strip() if arguments.token_file else None
    return chart_from_server(bearer_client(arguments.fhir_base, token), arguments.patient, content, now, site)


def _pretty(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1)
