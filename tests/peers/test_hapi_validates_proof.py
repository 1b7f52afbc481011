"""Proof: every resource that the app writes passes HL7's validator in HAPI, with the app's own definitions loaded, and tells what it codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from a_narrative import faults
from journey.a_hospital import Tab
from peers.a_place import Place

from ivig_fhir.ehr.client import FhirClient
from ivig_fhir.fhir.building import encode
from ivig_fhir.fhir.extensions import RATE_STEP
from ivig_fhir.fhir.structure_definitions import structure_definitions

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]

# What a validator says of a code system that its server does not carry; nothing else is let pass.
_NOT_CARRIED = (
    re.compile(r"^CodeSystem is unknown and can't be validated: "),
    re.compile(r"^Unable to expand ValueSet: cannot apply filters .* because CodeSystem .* is ignored/not-present$"),
)
# What a decision adds: its Provenance; a hold one more and its task, a stop both again.
NEW = {"claim": 0, "hold": 3, "stop": 5}
NOTED = "Creatinine < 90 & stable; reviewed on the round."


@dataclass(frozen=True)
class Case:
    """A patient of the cast, the choices, and what the pharmacist and the prescriber do with the order."""

    member: str
    ends: str
    selections: Mapping[str, Any] = field(default_factory=dict)


CASES = {
    "an adult's loading course, verified": Case("cidp-adult", "verify"),
    "a series of an adult, verified": Case(
        "cidp-adult", "verify", {"indication": "cidp", "regimen": "cidp-maint", "interval_weeks": 3, "cycles": 8}
    ),
    "hours in place of steps, rejected": Case("cidp-adult", "reject", {"rate": {"mode": "hours", "hours": "6"}}),
    "premedication and another product, withdrawn": Case(
        "cidp-adult", "withdraw", {"product": "privigen", "premedication": ["acetaminophen"], "setting": "inpatient"}
    ),
    "an adjusted weight, asked and answered": Case("cvid-obese", "answer"),
    "a stated weight": Case(
        "cidp-adult", "verify", {"weight": {"dosing_kg": "78.5", "basis": "other", "reason": "Oedema; dry weight by nephrology."}}
    ),
    "overrides in a myasthenic crisis, verified": Case("mg-crisis-ckd", "verify", {"dose": {"per_kg": "1", "unit": "g/kg"}}),
    "a child's replacement, asked": Case("xla-child", "query"),
    "an infant in hours, verified": Case("kawasaki-infant", "verify", {"rate": {"mode": "hours", "hours": "12"}}),
    "a bleeding patient, verified, then put on hold": Case("itp-bleeding", "hold"),
    "Guillain-Barré, verified, held and stopped": Case("gbs-adult", "stop"),
    "a history of thrombosis, claimed": Case("thrombosis-history", "claim"),
}


@pytest.fixture
def validating(on_hapi: Place) -> Place:
    """The app over HAPI, which knows the app's extensions from now on."""
    for definition in structure_definitions(on_hapi.canonical, "0.1.0"):
        on_hapi.eyes.put(f"StructureDefinition/{definition['id']}", definition)
    return on_hapi


def issues(client: FhirClient, resource: Mapping[str, Any]) -> list[str]:
    """The errors and warnings of the server's validator, without those about code systems that it does not carry."""
    # Not by our client, to which an outcome with errors is no answer.
    answer = requests.post(
        f"{client.base}/{resource['resourceType']}/$validate",
        encode(resource),
        headers={"Content-Type": "application/fhir+json"},
        timeout=180,
    )
    found = answer.json()["issue"]
    grave = (i for i in found if i["severity"] in ("fatal", "error", "warning"))
    said = (
        f"{i['severity']}: {i.get('diagnostics', '')}" for i in grave if not any(r.search(i.get("diagnostics", "")) for r in _NOT_CARRIED)
    )
    return list(said)


def wrong(place: Place, resources: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """What the validator and a reader of narratives have against each resource."""
    judged = {f"{r['resourceType']}/{r['id']}, version {r['meta']['versionId']}": issues(place.eyes, r) + faults(r) for r in resources}
    return {name: found for name, found in judged.items() if found}


def proposed(place: Place, case: Case) -> Tab:
    """The order page with the case's choices and every reason given."""
    tab = place.prescriber(place.bring(case.member))
    if case.selections:
        answer = tab.post("propose", case.selections)
        assert answer.status == 200, answer.body[:300]
        tab.go("./")
    tab.give_reasons(note=NOTED)
    return tab


def decided(place: Place, tab: Tab, ends: str) -> None:
    """What the two people do with an order that is stored."""
    if ends == "withdraw":
        tab.press("Withdraw order", note=NOTED)
        return
    checker = place.pharmacist(tab.run)
    if ends == "claim":
        assert checker.post("claim", {}).status == 200
    if ends in ("query", "answer"):
        checker.press("Ask prescriber", code="weight", note=NOTED)
    if ends == "answer":
        tab.go("receipt")
        tab.press("Send answer", note=NOTED)
    if ends == "reject":
        checker.press("Reject", code="dose", note=NOTED)
    if ends in ("verify", "hold", "stop"):
        checker.press("Verify")
    if ends in ("hold", "stop"):
        checker.follow("Course of this order")
        checker.press("Put on hold", code="reaction", note=NOTED)
    if ends == "stop":
        checker.press("Stop the order", code="reaction", note=NOTED)
    state = {"query": "queried", "reject": "rejected", "verify": "verified", "hold": "on-hold", "stop": "stopped"}.get(ends, "sent")
    assert tab.browser.get(urljoin(tab.page.url, "receipt"), headers={"Accept": "application/json"}).json["state"] == state


@pytest.mark.parametrize("name", CASES)
def test_every_resource_of_an_order_passes_the_validator_before_and_after_its_decision(validating: Place, name: str) -> None:
    case = CASES[name]
    tab = proposed(validating, case)
    tab.approve()
    assert tab.json["state"] == "sent", tab.page.text[:600]
    before = validating.stored(tab)
    assert wrong(validating, before.values()) == {}
    decided(validating, tab, case.ends)
    patient = before["medication-request"]["subject"]["reference"].removeprefix("Patient/")
    held = [*validating.stored(tab).values(), *validating.signatures(tab.run), *validating.of(patient, "Task")]
    now = {f"{r['resourceType']}/{r['id']}": r for r in held}
    known = {(r["resourceType"], r["id"], r["meta"]["versionId"]) for r in before.values()}
    changed = [r for r in now.values() if (r["resourceType"], r["id"], r["meta"]["versionId"]) not in known]
    assert changed, "a decision changes something"
    assert wrong(validating, changed) == {}
    assert len(now) - len(before) == NEW.get(case.ends, 1), "not everything that a decision writes was judged"


def test_the_test_users_that_an_open_server_is_given_pass_too(validating: Place) -> None:
    tab = proposed(validating, CASES["an adult's loading course, verified"])
    tab.approve()
    decided(validating, tab, "verify")
    users = [validating.eyes.read(f"Practitioner/ivig-test-{role}").body for role in ("prescriber", "pharmacist")]
    assert wrong(validating, users) == {}


def test_a_proposal_with_its_guidance_passes_too(validating: Place) -> None:
    from an_order import content, finding, proposal

    from ivig_fhir.proposal.resources import proposal_bundle

    made = proposal(findings=(finding("renal.reduced-function", "override"), finding("renal.risk-factors", "warning")))
    entries = proposal_bundle(made, content(), validating.canonical, "0.1.0")["entry"]
    found = {e["resource"]["resourceType"]: issues(validating.eyes, e["resource"]) for e in entries}
    assert "GuidanceResponse" in found
    assert {type_: said for type_, said in found.items() if said} == {}


# ── Planted faults: the same judgement catches them ──────────────────────────────────────────────────────────────────


def _broken(order: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    made = deepcopy(order)
    step = next(e for e in made["dosageInstruction"][0]["extension"] if e["url"].endswith(f"/{RATE_STEP}"))
    step["extension"] = [part for part in step["extension"] if part["url"] != "sequence"]
    yield "a rate step without its sequence", made, "sequence"
    yield "no narrative", {k: v for k, v in order.items() if k != "text"}, "narrative"
    yield "a narrative of before", {**order, "status": "cancelled"}, "status is not told"
    made = deepcopy(order)
    step = next(e for e in made["dosageInstruction"][0]["extension"] if e["url"].endswith(f"/{RATE_STEP}"))
    rate = next(part for part in step["extension"] if part["url"] == "rateCalculated")
    rate["valueQuantity"] |= {"unit": "mL/min", "code": "mL/min"}
    yield "a pump rate in another unit", made, "mL/h"
    yield "no intent", {k: v for k, v in order.items() if k != "intent"}, "intent"


def test_planted_faults_are_caught(validating: Place) -> None:
    tab = proposed(validating, CASES["an adult's loading course, verified"])
    tab.approve()
    order = validating.stored(tab)["medication-request"]
    assert wrong(validating, [order]) == {}
    for name, broken, words in _broken(order):
        assert words in str(wrong(validating, [broken])), name
