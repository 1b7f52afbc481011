"""`ivig-fhir propose`: a proposal without a browser, from a file or from a FHIR server."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ivig_fhir import __version__
from ivig_fhir.cli.charts import add_chart_options, chart_of
from ivig_fhir.cli.inputs import content_and_site, moment, read_json
from ivig_fhir.cli.text import as_text
from ivig_fhir.errors import SelectionError
from ivig_fhir.fhir.building import encode
from ivig_fhir.proposal.answer import answer
from ivig_fhir.proposal.propose import propose
from ivig_fhir.proposal.resources import proposal_bundle
from ivig_fhir.proposal.selections import parse_selections
from ivig_fhir.settings import Settings

EXIT = {"proposed": 0, "stopped": 3, "data-required": 4}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = commands.add_parser("propose", help="a proposal for one chart", description=__doc__)
    add_chart_options(parser)
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
    chart = chart_of(arguments, content, site, now)
    proposal = propose(chart, selections, content, now, site)
    if arguments.format == "json":
        print(_pretty(answer(proposal)))
    elif arguments.format == "fhir":
        print(encode(proposal_bundle(proposal, content, f"{Settings.from_env().base_url}/fhir", __version__)).decode("utf-8"))
    else:
        print(as_text(proposal, content))
    return EXIT[proposal.outcome]


def _pretty(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1)
