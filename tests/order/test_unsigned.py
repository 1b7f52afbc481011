"""What somebody changed in the EHR after an order was stored there: what counts, what is only shown, what the EHR itself made of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from an_approved_order import as_stored, written
from an_order import NOW, RUN

from ivig_fhir.order.comparison import compare
from ivig_fhir.order.receipt import Part, Receipt
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.unsigned import Alterations, altered

Change = Callable[[dict[str, Any]], object]
S = OrderState
ELSEWHERE = [{"url": "http://elsewhere.example/not", "valueBoolean": True}]


def dosage(order: dict[str, Any]) -> dict[str, Any]:
    return order["dosageInstruction"][0]  # type: ignore[no-any-return]


def nothing(_: dict[str, Any]) -> None:
    pass


def after(change: Change, state: OrderState = S.SENT, at_first: Change = nothing, status: str = "draft") -> Alterations:
    """What is found of a change; `at_first` is what the EHR itself made of the order when it stored it."""
    made = written()
    held, known = as_stored(made)
    stored = deepcopy(held["medication-request"])
    at_first(stored)
    parts = tuple(Part(e.role, e.type, "stored", known[e.full_url], "1") for e in made.entries)
    receipt = Receipt(RUN, "transaction", NOW, parts, compare(made.entries[0].resource, deepcopy(stored), known))
    stored["status"] = status
    change(stored)
    return altered(made, receipt, stored, state)


def fields(found: Alterations) -> tuple[list[str], list[str]]:
    return [x.field for x in found.unsigned], [x.field for x in found.other]


@pytest.mark.parametrize(("state", "status"), [(S.SENT, "draft"), (S.QUERIED, "draft"), (S.VERIFIED, "active"), (S.ON_HOLD, "on-hold")])
def test_an_order_that_nobody_touched_is_not_altered_in_any_state(state: OrderState, status: str) -> None:
    assert after(nothing, state, status=status) == Alterations()


@pytest.mark.parametrize(("state", "status"), [(S.SENT, "active"), (S.VERIFIED, "draft"), (S.VERIFIED, "on-hold"), (S.ON_HOLD, "active")])
def test_a_status_that_is_not_that_of_the_orders_state_counts(state: OrderState, status: str) -> None:
    assert fields(after(nothing, state, status=status)) == (["Status"], [])


def test_of_an_order_that_came_to_its_end_nothing_is_said() -> None:
    assert after(lambda o: o.update(doNotPerform=True), S.CANCELLED, status="cancelled") == Alterations()


def test_the_reason_of_a_hold_is_our_own_and_a_reason_on_an_active_order_is_not() -> None:
    reason: Change = lambda o: o.update(statusReason={"text": "Reaction"})  # noqa: E731
    assert after(reason, S.ON_HOLD, status="on-hold") == Alterations()
    assert fields(after(reason, S.VERIFIED, status="active")) == ([], ["Reason of the status"])


COUNTS: dict[str, Change] = {
    "Do not perform": lambda o: o.update(doNotPerform=True),
    "Modifier extension": lambda o: o.update(modifierExtension=ELSEWHERE),
    "Implicit rules": lambda o: o.update(implicitRules="http://elsewhere.example/rules"),
    "Modifier extension of the dosage": lambda o: dosage(o).update(modifierExtension=ELSEWHERE),
    "As needed": lambda o: dosage(o).update(asNeededBoolean=True),
    "As needed for": lambda o: dosage(o).update(asNeededCodeableConcept={"text": "weakness"}),
    "Route": lambda o: dosage(o).update(
        route={"coding": [{"system": "http://snomed.info/sct", "code": "34206005"}], "text": "Subcutaneous"}
    ),
    "Method": lambda o: dosage(o).update(method={"text": "Push"}),
    "Site": lambda o: dosage(o).update(site={"text": "Thigh"}),
    "Additional instruction": lambda o: dosage(o).update(additionalInstruction=[{"text": "Ten times the rate"}]),
    "Instruction to the patient": lambda o: dosage(o).update(patientInstruction="All at once"),
    "Dosage in words": lambda o: dosage(o).update(text="400 g at once"),
    "Most in one infusion": lambda o: dosage(o)["maxDosePerAdministration"].update(value=400),
    "Volume and rate table": lambda o: dosage(o)["extension"].pop(),
    "Reported, not ordered": lambda o: o.update(reportedBoolean=True),
    "Substitution": lambda o: o.update(substitution={"allowedBoolean": True}),
    "Note": lambda o: o["note"].append({"text": "Give 400 g in one hour"}),
    "Product": lambda o: o.update(medicationCodeableConcept={"text": "Privigen"}),
}


@pytest.mark.parametrize("field", COUNTS)
@pytest.mark.parametrize(("state", "status"), [(S.SENT, "draft"), (S.VERIFIED, "active")])
def test_what_says_what_to_give_or_whether_counts(field: str, state: OrderState, status: str) -> None:
    assert fields(after(COUNTS[field], state, status=status)) == ([field], [])


SHOWN: dict[str, Change] = {
    "Priority": lambda o: o.update(priority="stat"),
    "Category": lambda o: o.update(category=[{"text": "community"}]),
    "Reason": lambda o: o.update(reasonCode=[{"text": "Baldness"}]),
    "Diagnosis in the record": lambda o: o.pop("reasonReference", None) or o.update(reasonReference=[{"reference": "Condition/other"}]),
    "Supply": lambda o: o["dispenseRequest"].update(numberOfRepeatsAllowed=99),
    "performer": lambda o: o.update(performer={"reference": "Organization/elsewhere"}),
    "Do not perform": lambda o: o.update(doNotPerform=False),
    "As needed": lambda o: dosage(o).update(asNeededBoolean=False),
    "Volume and rate table": lambda o: dosage(o)["extension"].append(ELSEWHERE[0]),
}


@pytest.mark.parametrize("field", SHOWN)
def test_everything_else_is_shown_and_stops_nothing(field: str) -> None:
    assert fields(after(SHOWN[field])) == ([], [field])


@pytest.mark.parametrize("field", ["Route", "Note", "Substitution", "Additional instruction", "Most in one infusion"])
def test_what_the_ehr_made_of_the_order_when_it_stored_it_is_not_somebodys_change(field: str) -> None:
    assert after(nothing, at_first=COUNTS[field]) == Alterations()


def test_what_the_ehr_stored_otherwise_counts_once_it_is_changed_again() -> None:
    found = after(COUNTS["Route"], at_first=lambda o: dosage(o).update(route={"text": "Into a vein"}))
    assert fields(found) == (["Route"], [])


@pytest.mark.parametrize(
    "field", ["Do not perform", "Modifier extension", "Implicit rules", "Modifier extension of the dosage", "As needed", "As needed for"]
)
def test_what_turns_the_order_into_its_opposite_is_never_the_ehrs_way_of_storing(field: str) -> None:
    assert fields(after(nothing, at_first=COUNTS[field])) == ([field], [])


def test_a_sentence_says_what_stands_there_and_what_was_approved() -> None:
    assert after(COUNTS["Product"]).said[0].startswith("Product is Privigen in the EHR; approved was Gamunex-C")
    assert after(nothing, S.VERIFIED, status="stopped").said == ("Status is stopped order in the EHR; here it is active order.",)
