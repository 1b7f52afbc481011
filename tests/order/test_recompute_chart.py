"""What the second calculation reads of a raw record by itself: which weight, what was given before, and what forbids the order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ivig_fhir.order.recompute import Recalculated, recompute, tables_of
from ivig_fhir.proposal.model import Proposal
from ivig_fhir.proposal.resources import proposal_bundle
from tests.a_case import RUN, content
from tests.a_kept_proposal import kept
from tests.a_record import NOW, Resource, coded, infused, observation, proposed, quiet, request, weight

ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def named(type_: str, text: str, **more: Any) -> Resource:
    """An active entry that only words name."""
    return {**coded(type_, "named", "", ""), "code": {"text": text}, **more}


REACTION = named("AllergyIntolerance", "immune globulin", criticality="high")


def order_of(made: Proposal) -> Resource:
    resources = [e["resource"] for e in proposal_bundle(made, content(), "https://example.org", "1")["entry"]]
    return next(r for r in resources if r["resourceType"] == "MedicationRequest" and "dispenseRequest" in r)


def seen(
    *now_there: Resource, made: Proposal | None = None, later: timedelta = timedelta(0), without: tuple[str, ...] = ()
) -> dict[str, Recalculated]:
    """The lines of an order that was made on the quiet record, when the record holds these as well."""
    made = made or proposed()
    record = [*({**quiet(), **{str(r["id"]): r for r in now_there}}).values()]
    return {x.what: x for x in recompute(order_of(made), record, tables_of(content()), NOW + later, kept(made, *without))}


def wrong(lines: dict[str, Recalculated]) -> list[str]:
    return [x.what for x in lines.values() if x.agrees is False]


def test_the_quiet_order_agrees_in_every_line() -> None:
    assert {x.what: x.agrees for x in seen().values() if x.agrees is not True} == {}


@pytest.mark.parametrize(
    "added",
    [
        weight(90, "2026-02-20T08:00:00Z", "w2"),  # older
        weight(90, "2026-03-01T08:00:00Z", "w2", status="entered-in-error"),
        weight(90, "2026-03-01T08:00:00Z", "w2", status="preliminary"),
        weight(90, "2026-03-01T08:00:00Z", "w2", loinc="8339-4"),  # birth weight
        weight(90, "2026-03-01T08:00:00Z", "w2", unit="cm"),
        weight(90, "2026-03-01T08:00:00Z", "w2", subject={"reference": "Patient/p2"}),
        weight(90, "2026-03-01T08:00:00Z", "w2", dataAbsentReason={"text": "unknown"}),
        weight(900, "2026-03-01T08:00:00Z", "w2"),  # nobody weighs that
        weight(90, "2026-04-01T08:00:00Z", "w2"),  # still to come
        weight(90, None, "w2"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_a_weight_that_does_not_count_changes_nothing(added: Resource) -> None:
    assert wrong(seen(added)) == []


@pytest.mark.parametrize(("value", "unit"), [(90, "kg"), (90000, "g"), (Decimal("198.4"), "[lb_av]"), (Decimal("3174.7"), "[oz_av]")])
def test_a_newer_weight_than_that_of_the_order_is_found_whatever_its_unit(value: Decimal | int, unit: str) -> None:
    lines = seen(weight(value, "2026-03-01T08:00:00Z", "w2", unit=unit))
    assert {"Weighed in", "Dosing weight", "Actual weight", "Calculated dose of one infusion"} <= set(wrong(lines))
    assert (lines["Weighed in"].ordered, lines["Weighed in"].recomputed) == ("Observation/weight", "Observation/w2")
    assert lines["Dosing weight"].recomputed == "90 kg, actual"


def test_a_weight_that_contradicts_another_of_its_instant_is_none() -> None:
    lines = seen(weight(90, "2026-02-25T08:00:00Z", "w2"))
    assert lines["Weighed in"].recomputed == "no usable weight in the record"
    assert "Dosing weight" in wrong(lines)


@pytest.mark.parametrize(("kg", "agrees"), [("76.9", None), ("77", False), ("63", False), ("63.1", None)])
def test_a_weight_after_the_approval_counts_as_changed_from_a_tenth_on(kg: str, agrees: bool | None) -> None:
    lines = seen(weight(Decimal(kg), "2026-03-02T12:00:00Z", "w2"), later=timedelta(hours=6))
    assert lines["Weight since the approval"].agrees is agrees
    assert wrong(lines) == ([] if agrees is None else ["Weight since the approval"])


@pytest.mark.parametrize("change", [{"gender": "female"}, {"birthDate": "1986-01-16"}])
def test_another_sex_or_birth_date_than_that_of_the_approval_is_seen(change: Resource) -> None:
    assert "Sex and birth date" in wrong(seen({**quiet()["p1"], **change}))


def test_another_height_shows_in_the_ideal_weight() -> None:
    assert "Ideal weight" in wrong(seen(observation("height", "8302-2", 165, "cm", "2025-06-01")))


@pytest.mark.parametrize(
    ("product", "there", "what"),
    [
        ("gamunex-c", REACTION, "Severe reaction to immunoglobulin before"),
        ("privigen", named("Condition", "hyperprolinemia"), "Hyperprolinaemia and a product with L-proline"),
        ("flebogamma-dif-5", coded("Condition", "c", ICD, "E74.12"), "Hereditary fructose intolerance"),
        ("octagam-5", named("AllergyIntolerance", "corn"), "Corn allergy and a product with maltose"),
        ("gamunex-c", {**quiet()["p1"], "deceasedBoolean": True}, "The patient is recorded as dead, or the record as inactive"),
        ("gamunex-c", {**quiet()["p1"], "active": False}, "The patient is recorded as dead, or the record as inactive"),
        ("gamunex-c", {**infused("2026-02-20T10:00:00Z"), "id": "late"}, "Another immunoglobulin order or infusion"),
    ],
)  # fmt: skip
def test_what_speaks_against_the_order_and_was_not_approved_with_it_disagrees(product: str, there: Resource, what: str) -> None:
    made = proposed(product=product)
    assert what not in wrong(seen(made=made))
    assert what in wrong(seen(there, made=made))


@pytest.mark.parametrize(
    ("product", "there"),
    [
        ("gamunex-c", named("AllergyIntolerance", "penicillin", criticality="high")),
        ("gamunex-c", {**REACTION, "verificationStatus": {"coding": [{"code": "refuted"}]}}),
        ("gamunex-c", coded("Condition", "c", ICD, "E74.12")),
        ("flebogamma-dif-5", coded("Condition", "c", ICD, "E74.11")),  # harmless
        ("gamunex-c", named("AllergyIntolerance", "corn")),
        ("gamunex-c", {**infused("2026-02-20T10:00:00Z"), "id": "late", "status": "not-done"}),
    ],
)
def test_what_does_not_concern_this_product_or_did_not_happen_changes_nothing(product: str, there: Resource) -> None:
    assert wrong(seen(there, made=proposed(product=product))) == []


def test_a_finding_that_was_approved_with_its_reason_agrees_and_without_it_does_not() -> None:
    soon = {**infused("2026-02-10T10:00:00Z"), "id": "soon"}
    high = proposed(soon, dose={"per_kg": "2", "unit": "g/kg"}, days=2)
    assert wrong(seen(soon, made=high)) == []
    assert wrong(seen(soon, made=high, without=("duplication.cumulative-dose",))) == ["Cumulative dose"]


def test_grams_of_28_days_are_counted_from_the_raw_record_and_those_of_this_run_are_not() -> None:
    what = "Grams given in the 28 days before"
    soon, own = {**infused("2026-02-10T10:00:00Z"), "id": "soon"}, {"identifier": {"system": "urn:ietf:rfc:3986", "value": RUN}}
    assert seen()[what].recomputed == "0 g"
    assert (seen(soon)[what].recomputed, seen(soon)[what].agrees) == ("70 g", False)  # it was not there when the order was approved
    assert seen({**soon, "request": own}, made=proposed(run=RUN))[what].recomputed == "0 g"


def test_what_could_not_be_read_is_not_taken_for_nothing() -> None:
    made, what = proposed(), "Severe reaction to immunoglobulin before"
    order, record = order_of(made), list(quiet().values())

    def told(*unread: str, there: tuple[Resource, ...] = ()) -> Recalculated:
        lines = recompute(order, [*record, *there], tables_of(content()), NOW, kept(made), unread)
        return next(x for x in lines if x.what == what)

    assert (told().agrees, told("Coverage").agrees) == (True, True)
    assert (told("AllergyIntolerance").agrees, told("AllergyIntolerance").recomputed) == (None, "AllergyIntolerance could not be read")
    assert told("AllergyIntolerance", there=(REACTION,)).agrees is False


def test_what_was_given_on_an_order_of_this_run_belongs_to_it_whatever_the_order_names() -> None:
    aspirin = {**request("own", "aspirin"), "groupIdentifier": {"system": "urn:ietf:rfc:3986", "value": RUN}}
    given = {**infused("2026-02-20T10:00:00Z"), "id": "late", "request": {"reference": "MedicationRequest/own"}}
    assert "Another immunoglobulin order or infusion" in wrong(seen(given, made=proposed(run=RUN)))
    assert wrong(seen(aspirin, given, made=proposed(run=RUN))) == []


def test_a_diluent_that_the_label_excludes_forbids_the_order() -> None:
    made = proposed(product="privigen", diluent="saline")
    excluded = content().products["privigen"].diluents_excluded
    assert ("Diluent" in wrong(seen(made=made))) is ("saline" in excluded)


def test_a_record_that_is_malformed_is_a_disagreement_and_no_crash() -> None:
    broken: list[Any] = [
        {"resourceType": "Observation", "id": "weight", "status": 3, "code": "x", "valueQuantity": []},
        {"resourceType": "AllergyIntolerance", "id": "a", "code": ["x"], "reaction": "no", "patient": {"reference": "Patient/p1"}},
        {"resourceType": "MedicationRequest", "id": "m", "status": [], "dosageInstruction": {"timing": {"event": 3}}, "intent": None},
        {"resourceType": "Condition", "id": "c", "code": {"coding": "x"}, "clinicalStatus": 5},
        {"resourceType": "Immunization", "id": "i"},
    ]
    assert "Weighed in" in wrong(seen(*broken))


def test_the_order_that_this_one_replaces_is_this_order_and_not_another_one() -> None:
    urn = "urn:uuid:22222222-2222-4222-8222-222222222222"
    old = {**request("old", "Gamunex-C"), "status": "draft", "groupIdentifier": {"system": "urn:ietf:rfc:3986", "value": urn}}
    what = "Another immunoglobulin order or infusion"
    assert what in wrong(seen(old, made=proposed(run=RUN)))
    assert wrong(seen(old, made=proposed(run=RUN, replaces=urn))) == []
