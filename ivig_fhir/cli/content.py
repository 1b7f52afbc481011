"""`ivig-fhir content`: is the clinical content valid, and what does each dosing-weight policy give for one patient."""

from __future__ import annotations

import argparse

from ivig_fhir.cli.inputs import content_and_site, moment, read_json
from ivig_fhir.errors import ChartError
from ivig_fhir.proposal.selections import ChosenWeight
from ivig_fhir.proposal.weight import dosing_weight, read_body
from ivig_fhir.workflow.open_chart import chart_from_document


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its parts."""
    parser = commands.add_parser("content", help="check the clinical content", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True, metavar="part")
    check = parts.add_parser("check", help="load everything, strictly")
    check.add_argument("--site", metavar="FILE")
    check.set_defaults(run=run_check)
    policies = parts.add_parser("policies", help="the dosing weight of one patient by each policy")
    policies.add_argument("--chart", metavar="FILE", required=True)
    policies.add_argument("--patient", metavar="ID")
    policies.add_argument("--site", metavar="FILE")
    policies.add_argument("--now", metavar="WHEN")
    policies.set_defaults(run=run_policies)


def run_check(arguments: argparse.Namespace) -> int:
    """Prints what the content holds; a fault is a ContentError."""
    content, _ = content_and_site(arguments.site)
    index = content.constants["check_index"]
    print(f"Content {content.version}, {content.digest}")
    print(f"{len(content.order_sets)} order sets, {len(content.products)} products, {len(content.checks)} of {len(index)} checks built")
    print(f"{len(content.value_sets)} value sets, {len(content.citations)} citations")
    return 0


def run_policies(arguments: argparse.Namespace) -> int:
    """Prints a line a policy: dosing weight in kg, which weight it is, why."""
    content, site = content_and_site(arguments.site)
    now = moment(arguments.now, site)
    chart = chart_from_document(read_json(arguments.chart, ChartError), arguments.patient, content, now, site)
    body = read_body(chart, content)
    for policy in content.weight_policies:
        weight = dosing_weight(body, ChosenWeight(policy), policy, content)
        print(f"{policy:24}{weight.dosing_kg or '-':>8} kg  {weight.used or '-':9} {weight.why}")
    return 0
