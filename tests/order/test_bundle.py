"""What one approval writes: the transaction, its conditions, its parts, and that nothing wrong leaves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from an_approved_order import OVERRIDE, PRESCRIBER, signed, written
from an_order import BASE, NOW, RUN, content, finding, proposal

from ivig_fhir.errors import GateRefused
from ivig_fhir.order.bundle import Abilities, checked, tolerance_of, transaction
from ivig_fhir.order.transaction import Entry, Transaction
from ivig_fhir.proposal.context import proposal_context
from ivig_fhir.proposal.findings import Measure
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.resources import proposal_bundle


def part(made: Transaction, role: str) -> dict[str, Any]:
    entry = made.entry(role)
    assert entry is not None
    return entry.resource


@pytest.mark.parametrize(
    "shape", [{}, {"days": 1, "per_kg": "1"}, {"series": 4, "per_kg": "1", "days": 2}, {"hours": "3"}, {"product": "octagam-10"}]
)
def test_every_transaction_passes_all_gates(shape: dict[str, Any]) -> None:
    made = proposal(**shape)
    assert made.dose is not None
    whole = written(**shape)
    assert checked(whole, tolerance_of(made), made.dose.course_g) is whole


def test_order_companions_findings_group_provenance_and_task_in_this_order() -> None:
    made = written(findings=(finding("renal.reduced-function", "warning"),))
    roles = [e.role for e in made.entries]
    assert roles[0] == "medication-request"
    assert roles[-4:] == ["detected-issue-renal.reduced-function", "request-group", "provenance-approval", "task"]
    assert all(r.startswith("companion-") for r in roles[1:-4])
    assert len(roles) == len(set(roles)) == len({e.full_url for e in made.entries})


def test_the_order_is_a_draft_order_asked_for_by_the_approver() -> None:
    order = part(written(), "medication-request")
    assert (order["status"], order["intent"]) == ("draft", "order")
    assert order["requester"] == {"reference": "Practitioner/prescriber", "display": "Dr Nora Testfield"}
    assert order["authoredOn"] == "2026-03-02T08:30:00+00:00"
    assert order["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": RUN}]


def test_only_chosen_companions_are_written() -> None:
    made = proposal()
    roles = {e.role for e in written().entries if e.role.startswith("companion-")}
    assert roles == {f"companion-{c.id}" for c in made.companions if c.selected}
    assert roles != {f"companion-{c.id}" for c in made.companions}


def test_everything_with_an_identifier_is_created_only_once() -> None:
    for entry in written().entries:
        if entry.type == "Provenance":
            assert entry.if_none_exist is None
        else:
            assert entry.if_none_exist == f"identifier=urn:ietf:rfc:3986|{entry.resource['identifier'][0]['value']}"
    assert written().entries[0].if_none_exist == f"identifier=urn:ietf:rfc:3986|{RUN}"


def test_a_type_that_the_server_cannot_find_by_identifier_is_created_without_condition() -> None:
    made = written(Abilities(finds=frozenset({"MedicationRequest"})))
    assert {e.type for e in made.entries if e.conditional} == {"MedicationRequest"}


def test_a_type_that_the_server_does_not_create_is_left_out_with_every_reference_to_it() -> None:
    allowed = frozenset({"MedicationRequest", "RequestGroup", "Task"})
    made = written(Abilities(creates=allowed), findings=(finding("renal.reduced-function", "warning"),))
    assert {e.type for e in made.entries} == allowed
    assert "detectedIssue" not in part(made, "medication-request")
    urls = {e.full_url for e in made.entries}
    assert _references(made.bundle()) - urls == {
        "Patient/cidp-adult", "Condition/cidp-1", "Practitioner/prescriber", "Observation/weight-1", "Observation/creatinine-1",
    }  # fmt: skip
    checked(made, Decimal("0.1"))


def _references(element: Any) -> set[str]:
    if isinstance(element, dict):
        own = {element["reference"]} if isinstance(element.get("reference"), str) else set()
        return own.union(*(_references(v) for v in element.values())) if element else own
    return set().union(*(_references(v) for v in element)) if isinstance(element, list) else set()


def test_an_override_travels_as_mitigation_by_the_approver(risky: Proposal) -> None:
    made = transaction(risky, signed(risky, (OVERRIDE,)), content(), proposal_context(risky, BASE, "0.1.0"), Abilities())
    issue = part(made, "detected-issue-renal.reduced-function")
    assert issue["status"] == "final"
    assert issue["mitigation"][0]["author"]["reference"] == "Practitioner/prescriber"
    assert issue["mitigation"][0]["action"]["coding"][0]["code"] == "9"
    checked(made, tolerance_of(risky))


def test_what_the_order_does_about_a_finding_travels_as_mitigation_by_the_approver_beside_the_reason(risky: Proposal) -> None:
    done = Measure("add.hydration-before", "11", "Hydration before the infusion is part of this order")
    answered = replace(risky, findings=tuple(replace(f, measures=(done,)) for f in risky.findings))
    made = transaction(answered, signed(answered, (OVERRIDE,)), content(), proposal_context(answered, BASE, "0.1.0"), Abilities())
    taken = part(made, "detected-issue-renal.reduced-function")["mitigation"]
    assert [m["action"]["coding"][0]["code"] for m in taken] == ["9", "11"]
    assert {m["author"]["reference"] for m in taken} == {"Practitioner/prescriber"}
    checked(made, tolerance_of(answered))


def test_the_task_asks_a_pharmacist_to_verify_before_the_first_infusion() -> None:
    made = written()
    task = part(made, "task")
    assert (task["status"], task["intent"], task["code"]["coding"][0]["code"]) == ("requested", "order", "approve")
    assert task["focus"]["reference"] == RUN
    assert task["for"]["reference"] == "Patient/cidp-adult"
    assert task["requester"]["reference"] == "Practitioner/prescriber"
    assert task["restriction"]["period"]["end"] == "2026-03-02T10:00:00+00:00"
    assert task["businessStatus"]["text"] == "awaiting-verification"
    assert task["description"].startswith("Verify: Gamunex-C 40 g on each of 4 dates from 2026-03-02")


def test_the_provenance_names_author_assembler_and_every_version_used() -> None:
    made = written()
    provenance = part(made, "provenance-approval")
    agents = {a["type"]["coding"][0]["code"]: a["who"] for a in provenance["agent"]}
    assert agents["author"]["reference"] == PRESCRIBER.reference
    assert "reference" not in agents["assembler"] and agents["assembler"]["display"] == "ivig-fhir 0.1.0"
    held = {e["what"]["identifier"]["value"] for e in provenance["entity"]}
    assert "Observation/weight-1/_history/1" in held
    assert "sha256:c" in held  # no version was known, so the digest stands for it
    assert proposal().digest in held
    assert content().digest in held
    assert f"{BASE}/PlanDefinition/cidp|{content().order_sets['cidp'].governance.version}" in held
    assert {t["reference"] for t in provenance["target"]} == {RUN, made.entry("request-group").full_url}  # type: ignore[union-attr]


def test_the_same_approval_gives_the_same_transaction() -> None:
    assert written() == written()


def test_needs_name_the_scopes_of_the_write() -> None:
    assert written().needs == {(t, "c") for t in ("MedicationRequest", "ServiceRequest", "RequestGroup", "Provenance", "Task")}


def test_a_broken_resource_does_not_leave() -> None:
    made = written()
    broken = replace(made.entries[0], resource={**made.entries[0].resource, "status": "approved"})
    with pytest.raises(GateRefused) as refused:
        checked(Transaction(RUN, (broken, *made.entries[1:])))
    assert any(p.startswith("medication-request: ") for p in refused.value.problems)


def test_a_total_that_reads_as_one_day_does_not_leave() -> None:
    made = written()
    order = {**made.entries[0].resource, "note": [{"text": "160 g daily"}]}
    with pytest.raises(GateRefused):
        checked(Transaction(RUN, (replace(made.entries[0], resource=order), *made.entries[1:])), Decimal("0.1"))


def test_a_course_of_one_infusion_that_is_repeated_has_no_total_to_misread() -> None:
    made = proposal(series=4, days=1, per_kg="1")
    assert made.dose is not None
    assert made.dose.course_g == made.dose.per_infusion_g
    checked(written(series=4, days=1, per_kg="1"), tolerance_of(made), made.dose.course_g)


def test_a_reference_to_nothing_in_the_transaction_does_not_leave() -> None:
    made = written()
    with pytest.raises(GateRefused):
        checked(Transaction(RUN, made.entries[1:]))


def test_what_is_proposed_is_what_is_ordered() -> None:
    made = proposal()
    proposed = next(e["resource"] for e in proposal_bundle(made, content(), BASE, "0.1.0")["entry"] if e["fullUrl"] == RUN)
    ordered = part(written(), "medication-request")
    assert ordered["dosageInstruction"] == proposed["dosageInstruction"]
    assert {k for k in ordered if ordered[k] != proposed.get(k)} == {"intent", "requester", "text"}
    assert ordered["text"]["div"] == proposed["text"]["div"].replace("Proposal, draft", "Order, draft")
    assert made.now == NOW


def test_an_entry_is_plain_data() -> None:
    entry = written().entries[0]
    assert Entry(**vars(entry)) == entry
