"""Verification: four eyes, the current version, a second calculation that agrees; query and rejection with coded reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from an_approved_order import LATER, NURSE, PHARMACIST, PRESCRIBER, as_stored, record, written
from an_order import content

from ivig_fhir.order.approval import Clinician, Refusal
from ivig_fhir.order.decision import Reason, Stored
from ivig_fhir.order.recompute import recompute, tables_of
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.verification import Review, Verification, decide, verify

KNOWN = dict(content().constants["pharmacist_reasons"])
WHY = Reason("weight", KNOWN["weight"], "From which day is it?")


def review(**changes: Any) -> Review:
    held, _ = as_stored(written())
    stored = Stored(held["medication-request"], held["request-group"], held["task"])
    lines = recompute(stored.order, record(), tables_of(content()))
    return replace(Review(OrderState.SENT, stored, (PRESCRIBER,), lines), **changes)


def asked(seen: Review, who: Clinician = PHARMACIST, current: Stored | None = None, digest: str = "") -> Verification | tuple[Refusal, ...]:
    return verify(seen, digest or seen.digest, current or seen.stored, who, LATER)


def codes(result: Verification | tuple[Refusal, ...]) -> list[str]:
    assert not isinstance(result, Verification)
    return [r.code for r in result]


def changed(seen: Review, **fields: Any) -> Stored:
    return Stored({**seen.stored.order, **fields}, seen.stored.group, seen.stored.task)


def test_a_pharmacist_verifies_what_agrees() -> None:
    result = asked(review())
    assert isinstance(result, Verification)
    assert (result.decision, result.who, result.order, result.version) == (OrderState.VERIFIED, PHARMACIST, "MedicationRequest/100", "1")
    assert result.agreed == result.lines > 10
    assert result.to_json()["decision"] == "verified"


def test_the_signer_is_refused_even_with_the_pharmacists_role() -> None:
    both = replace(PRESCRIBER, roles=frozenset({"prescriber", "pharmacist"}))
    assert codes(asked(review(), both)) == ["signer"]


@pytest.mark.parametrize("reference", ["https://ehr.example.org/fhir/Practitioner/prescriber", "Practitioner/prescriber/_history/2"])
def test_the_signer_is_recognised_under_any_form_of_the_reference(reference: str) -> None:
    assert codes(asked(review(), Clinician(reference, "", frozenset({"pharmacist"})))) == ["signer"]


def test_the_requester_that_the_ehr_names_counts_as_signer_too() -> None:
    seen = review(signers=())
    assert codes(asked(seen, Clinician("Practitioner/prescriber", "", frozenset({"pharmacist"})))) == ["signer"]


@pytest.mark.parametrize("who", [PRESCRIBER, NURSE, Clinician("Practitioner/s", "Stranger", frozenset())])
def test_only_a_pharmacist_decides(who: Clinician) -> None:
    assert codes(asked(review(), who)) == ["role"]


def test_an_unproven_identity_never_verifies() -> None:
    assert codes(asked(review(), replace(PHARMACIST, proven=False))) == ["identity"]


def test_another_digest_than_that_on_screen_is_refused() -> None:
    assert codes(asked(review(), digest="sha256:x")) == ["digest"]


def test_an_order_that_changed_in_the_ehr_is_refused() -> None:
    seen = review()
    assert codes(asked(seen, current=changed(seen, meta={"versionId": "2"}))) == ["changed"]
    assert codes(asked(seen, current=changed(seen, meta={}))) == ["changed"]


def test_a_disagreement_blocks_and_names_both_values() -> None:
    seen = review()
    order = {**seen.stored.order, "dispenseRequest": {}}
    stored = Stored(order, seen.stored.group, seen.stored.task)
    result = asked(replace(seen, stored=stored, lines=recompute(order, record(), tables_of(content()))))
    assert codes(result) == ["disagreement"]
    assert result[0].said == "Grams to supply: ordered nothing, recalculated 160 g."  # type: ignore[index]


def test_without_a_second_calculation_nothing_is_verified() -> None:
    assert codes(asked(review(lines=()))) == ["calculation"]


def test_an_incomplete_order_is_never_verified() -> None:
    assert codes(asked(review(state=OrderState.INCOMPLETE, incomplete=True))) == ["state", "incomplete"]
    assert codes(asked(review(incomplete=True))) == ["incomplete"]


@pytest.mark.parametrize(
    "state", [OrderState.PROPOSED, OrderState.APPROVED, OrderState.UNCERTAIN, OrderState.VERIFIED, OrderState.REJECTED]
)
def test_an_order_that_stands_elsewhere_is_not_verified(state: OrderState) -> None:
    assert codes(asked(review(state=state))) == ["state"]


def test_an_order_that_is_no_draft_in_the_ehr_is_not_verified() -> None:
    seen = review()
    active = replace(seen, stored=changed(seen, status="active"))
    assert codes(asked(active)) == ["state"]


@pytest.mark.parametrize("decision", [OrderState.QUERIED, OrderState.REJECTED])
def test_a_query_and_a_rejection_carry_their_reason(decision: OrderState) -> None:
    seen = review()
    result = decide(decision, WHY, KNOWN, seen, seen.digest, seen.stored, PHARMACIST, LATER)
    assert isinstance(result, Verification)
    assert (result.decision, result.reason) == (decision, WHY)
    assert result.to_json()["reason"] == {"code": "weight", "display": KNOWN["weight"], "note": WHY.note}


@pytest.mark.parametrize(("reason", "code"), [(replace(WHY, code="mood"), "reason"), (replace(WHY, note=" "), "note")])
def test_a_decision_needs_a_coded_reason_and_a_note(reason: Reason, code: str) -> None:
    seen = review()
    assert codes(decide(OrderState.QUERIED, reason, KNOWN, seen, seen.digest, seen.stored, PHARMACIST, LATER)) == [code]


def test_a_disagreement_does_not_keep_anybody_from_asking() -> None:
    seen = review(lines=())
    assert isinstance(decide(OrderState.QUERIED, WHY, KNOWN, seen, seen.digest, seen.stored, PHARMACIST, LATER), Verification)


def test_a_query_by_the_signer_is_refused() -> None:
    seen = review()
    both = replace(PRESCRIBER, roles=frozenset({"pharmacist"}))
    assert codes(decide(OrderState.QUERIED, WHY, KNOWN, seen, seen.digest, seen.stored, both, LATER)) == ["signer"]
