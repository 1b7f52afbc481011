"""A payer's answer read for the dispense gate: what grants, what denies, for which days, how many grams; both sides of each."""

from __future__ import annotations

from datetime import UTC, date
from decimal import Decimal
from typing import Any

import pytest
from an_order import content

from ivig_fhir.order.authorization import Permit, permits

CONTENT = content()
GAMUNEX = CONTENT.products["gamunex-c"]
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
DAYS = {"start": "2026-02-01", "end": "2026-12-31"}
J1561 = {"text": "Gamunex-C", "coding": [{"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "J1561"}]}
GRAMS = {"system": "http://unitsofmeasure.org", "code": "g", "unit": "g"}


def read(item: dict[str, Any] | None = None, /, **changes: Any) -> Permit:
    """The permit of an answer with one added item."""
    added = {"productOrService": {"text": "Gamunex-C"}, "servicedPeriod": DAYS, **(item or {})}
    answer = {"resourceType": "ClaimResponse", "status": "active", "use": "preauthorization", "outcome": "complete", "addItem": [added]}
    [made] = permits([{**answer, **changes}], GAMUNEX, CONTENT, UTC)
    return made


def action(code: str | None, system: str = "https://codesystem.x12.org/005010/306") -> dict[str, Any]:
    inner = [{"url": f"{PAS}extension-reviewActionCode", "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}]
    return {"extension": [{"url": f"{PAS}extension-reviewAction", "extension": inner if code else []}]}


def test_an_answer_without_a_word_against_it_is_granted() -> None:
    made = read()
    assert (made.granted, made.for_product, made.dated, made.grams, made.unclear) == (True, True, True, None, "")
    assert (made.begins, made.ends) == (date(2026, 2, 1), date(2026, 12, 31))


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "cancelled"},
        {"outcome": "partial"},
        {"outcome": "queued"},
        {"disposition": "Not approved"},
        {"disposition": "x" * 200 + " denied"},
        {"error": [{"code": {"text": "rejected"}}]},
        {"adjudication": [action("A3")]},
        {"item": [{"itemSequence": 1, "adjudication": [action("A3")]}]},
    ],
)
def test_what_is_not_complete_or_has_an_error_or_a_denial_is_not_granted(changes: dict[str, Any]) -> None:
    assert not read(**changes).granted


@pytest.mark.parametrize(("code", "granted"), [("A1", True), ("A2", True), ("A6", True), ("A3", False), ("A4", False), ("C", False)])
def test_a_review_action_grants_only_where_it_certifies(code: str, granted: bool) -> None:
    assert read({"adjudication": [action(code)]}).granted is granted
    direct = {"extension": action(code)["extension"][0]["extension"]}
    assert read({"adjudication": [direct]}).granted is granted


@pytest.mark.parametrize("code", ["CT", "NA", "Z9", None])
def test_a_review_action_that_is_not_known_grants_nothing(code: str | None) -> None:
    assert not read({"adjudication": [action(code)]}).granted
    assert not read({"detail": [{"adjudication": [action(code)]}]}).granted


def test_a_denial_of_another_of_the_claims_items_is_not_this_ones() -> None:
    items = [{"itemSequence": 1, "adjudication": [action("A1")]}, {"itemSequence": 2, "adjudication": [action("A3")]}]
    assert read({"itemSequence": [1]}, item=items).granted
    assert not read({"itemSequence": [2]}, item=items).granted
    assert not read(item=items).granted


@pytest.mark.parametrize(
    ("adjudication", "granted"),
    [
        ({"reason": {"text": "Denied: not medically necessary"}}, False),
        ({"reason": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/adjudication-reason", "code": "ar001"}]}}, False),
        ({"reason": {"text": "Met criteria"}}, True),
        ({"category": {"coding": [{"code": "eligible"}]}, "value": 0}, False),
        ({"category": {"coding": [{"code": "benefit"}]}, "amount": {"value": Decimal("0.00"), "currency": "USD"}}, False),
        ({"category": {"coding": [{"code": "eligible"}]}, "value": 40}, True),
        ({"category": {"coding": [{"code": "copay"}]}, "amount": {"value": 0, "currency": "USD"}}, True),
    ],
)
def test_a_reason_that_denies_and_nothing_eligible_are_not_granted(adjudication: dict[str, Any], granted: bool) -> None:
    assert read({"adjudication": [adjudication]}).granted is granted


@pytest.mark.parametrize(
    ("said", "is_for"),
    [
        ("Gamunex-C", True),
        ("Gamunex-C 10 % solution for infusion", True),
        ("Any immune globulin except Gamunex-C", False),
        ("Immune globulin, excluding Gamunex-C", False),
        ("Immune globulin other than Gamunex-C", False),
        ("Privigen instead of Gamunex-C", False),
        ("Gamunex-C not covered", False),
        ("Non-Gamunex-C immune globulin", False),
        ("Privigen", False),
    ],
)
def test_a_text_that_leaves_the_product_out_is_not_for_it(said: str, is_for: bool) -> None:
    assert read({"productOrService": {"text": said}}).for_product is is_for
    coded = {**J1561, "text": said}
    assert is_for or not read({"productOrService": coded}).for_product


@pytest.mark.parametrize(
    ("quantity", "grams"),
    [
        ({"value": 10, **GRAMS}, "10"),
        ({"value": 10000, **GRAMS, "code": "mg"}, "10"),
        ({"value": 10, "unit": "grams"}, "10"),
        ({"value": 20}, "10"),
        ({"value": 20, "unit": "units"}, "10"),
        ({"value": 20, "system": "http://unitsofmeasure.org", "code": "1"}, "10"),
        ({"value": 20, "unit": "UN"}, "10"),
        ({"value": 0, **GRAMS}, "0"),
    ],
)
def test_grams_and_billing_units_of_the_product_are_told_in_grams(quantity: dict[str, Any], grams: str) -> None:
    made = read({"productOrService": J1561, "quantity": quantity})
    assert (made.grams, made.unclear) == (Decimal(grams), "")


@pytest.mark.parametrize(
    "quantity",
    [
        {"value": 4, "unit": "vials"},
        {"value": 400, **GRAMS, "code": "mL"},
        {"unit": "g"},
        {"value": 10, **GRAMS, "comparator": ">"},
        {"value": -1, **GRAMS},
    ],
)
def test_an_amount_in_anything_else_is_said_and_not_guessed(quantity: dict[str, Any]) -> None:
    made = read({"productOrService": J1561, "quantity": quantity})
    assert made.grams is None
    assert made.unclear


def test_a_bare_number_without_the_products_billing_code_is_no_amount() -> None:
    assert read({"quantity": {"value": 20}}).unclear == "20 without a unit"
    other = {"text": "Gamunex-C", "coding": [{**J1561["coding"][0], "code": "J1459"}]}  # type: ignore[dict-item]
    assert read({"productOrService": other, "quantity": {"value": 20}}).unclear


@pytest.mark.parametrize(("code", "unclear"), [("A1", False), ("A2", True), ("A6", True)])
def test_what_is_certified_in_part_says_how_much_or_is_not_clear(code: str, unclear: bool) -> None:
    assert bool(read({"adjudication": [action(code)]}).unclear) is unclear
    assert not read({"adjudication": [action(code)], "quantity": {"value": 10, **GRAMS}}).unclear


NONE: dict[str, Any] = {"servicedPeriod": {}}


@pytest.mark.parametrize(
    ("item", "changes", "days"),
    [
        ({}, {}, (date(2026, 2, 1), date(2026, 12, 31), True)),
        (NONE, {}, (None, None, False)),
        ({**NONE, "servicedDate": "2026-03-02"}, {}, (date(2026, 3, 2), date(2026, 3, 2), True)),
        (NONE, {"preAuthPeriod": {"start": "2024-01-01", "end": "2024-12-31"}}, (date(2024, 1, 1), date(2024, 12, 31), True)),
        ({}, {"preAuthPeriod": {"end": "2026-06-30"}}, (date(2026, 2, 1), date(2026, 6, 30), True)),
        ({"servicedPeriod": {"start": "2026-02-01"}}, {}, (date(2026, 2, 1), None, True)),
        ({"servicedPeriod": {"start": "2026-02-01", "end": "soon"}}, {}, (date(2026, 2, 1), None, False)),
        (
            {**NONE, "extension": [{"url": f"{PAS}extension-itemPreAuthPeriod", "valuePeriod": {"end": "2026-05-01"}}]},
            {},
            (None, date(2026, 5, 1), True),
        ),
    ],
)
def test_all_that_it_says_of_days_holds_together(item: dict[str, Any], changes: dict[str, Any], days: tuple[Any, ...]) -> None:
    made = read(item, **changes)
    assert (made.begins, made.ends, made.dated) == days


def test_each_added_item_is_a_permit_and_an_answer_without_one_is_for_no_product() -> None:
    answer = {"resourceType": "ClaimResponse", "status": "active", "use": "preauthorization", "outcome": "complete"}
    two = [{"productOrService": {"text": name}, "servicedPeriod": DAYS} for name in ("Privigen", "Gamunex-C")]
    found = permits([{**answer, "addItem": two}, answer, {**answer, "use": "claim"}], GAMUNEX, CONTENT, UTC)
    assert [p.for_product for p in found] == [False, True, False]
