"""The receipt: sent against stored, by meaning; what is essential; and which losses make an order incomplete."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from an_approved_order import as_stored, written
from an_order import NOW, RUN

from ivig_fhir.fhir.building import decode, encode
from ivig_fhir.order.comparison import compare
from ivig_fhir.order.receipt import Line, Part, Receipt
from ivig_fhir.order.states import Event, OrderState, move
from ivig_fhir.order.transaction import Transaction, sent_in

Change = Callable[[dict[str, Any]], object]


def lines(change: Change = lambda stored: None) -> dict[str, Line]:
    made = written()
    held, known = as_stored(made)
    stored = deepcopy(held["medication-request"])
    change(stored)
    return {line.field: line for line in compare(made.entries[0].resource, stored, known)}


def dosage(stored: dict[str, Any]) -> dict[str, Any]:
    return stored["dosageInstruction"][0]  # type: ignore[no-any-return]


def test_a_faithful_server_gives_the_same_everywhere() -> None:
    assert {line.result for line in lines().values()} <= {"same", "same-meaning"}


def test_the_essential_fields_are_named_and_come_first() -> None:
    told = list(lines().values())
    essential = [line.field for line in told if line.essential]
    assert essential == [line.field for line in told[: len(essential)]]
    assert essential == [
        "Patient", "Product", "Dose of one infusion", "Dates", "Pump rate, lowest and highest", "Rate steps", "Dosing weight and policy",
        "Status", "Requester", "Number of the order", "Number of its group",
    ]  # fmt: skip


def test_a_line_says_what_was_sent_in_words() -> None:
    told = lines()
    assert told["Dose of one infusion"].sent == "40 g (calculated 41 g)"
    assert told["Pump rate, lowest and highest"].sent == "98 mL/h to 393 mL/h"
    assert told["Rate steps"].sent == "98 mL/h for 30 min, 196 mL/h for 30 min, 393 mL/h to the end"
    assert told["Dosing weight and policy"].sent == "82 kg, actual, adj-bmi30, 0.5 g/kg"
    assert told["Dates"].sent == "2026-03-02, 2026-03-03, 2026-03-04, 2026-03-05 (4 times, 1 in 1 d, 2026-03-02 to 2026-03-05)"
    assert told["Status"].sent == "draft order"


def more_digits(stored: dict[str, Any]) -> None:
    dosage(stored)["doseAndRate"][0]["doseQuantity"]["value"] = Decimal("40.00")


def unit_spelled_out(stored: dict[str, Any]) -> None:
    dosage(stored)["doseAndRate"][0]["doseQuantity"]["unit"] = "gram"


def absolute_subject(stored: dict[str, Any]) -> None:
    stored["subject"] = {"reference": "https://ehr.example.org/fhir/Patient/cidp-adult/_history/4", "display": "SAMPLETON, Edwin"}


def steps_reordered(stored: dict[str, Any]) -> None:
    dosage(stored)["extension"].reverse()


def translated_product(stored: dict[str, Any]) -> None:
    stored["medicationCodeableConcept"]["coding"].append({"system": "http://hl7.org/fhir/sid/ndc", "code": "13533-800-20"})


def numbered_by_the_server_too(stored: dict[str, Any]) -> None:
    stored["identifier"].insert(0, {"system": "urn:oid:1.2.3", "value": "4711", "use": "usual"})


def number_with_a_use(stored: dict[str, Any]) -> None:
    stored["identifier"][0]["use"] = "official"


def group_with_an_assigner(stored: dict[str, Any]) -> None:
    stored["groupIdentifier"]["assigner"] = {"display": "The EHR"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (numbered_by_the_server_too, "Number of the order"),
        (number_with_a_use, "Number of the order"),
        (group_with_an_assigner, "Number of its group"),
        (more_digits, "Dose of one infusion"),
        (unit_spelled_out, "Dose of one infusion"),
        (absolute_subject, "Patient"),
        (translated_product, "Product"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_another_form_of_the_same_meaning_is_no_loss(change: Change, field: str) -> None:
    assert lines(change)[field].result == "same-meaning"


def test_the_order_of_extensions_does_not_count() -> None:
    assert {line.result for line in lines(steps_reordered).values()} <= {"same", "same-meaning"}


def test_the_same_instant_in_another_offset_is_the_same() -> None:
    told = lines(lambda stored: stored.update(authoredOn="2026-03-02T09:30:00+01:00"))
    assert told["authoredOn"].result == "same-meaning"


def drop_dose(stored: dict[str, Any]) -> None:
    dosage(stored)["doseAndRate"][0].pop("doseQuantity")
    dosage(stored)["doseAndRate"][1].pop("doseQuantity")


def other_dose(stored: dict[str, Any]) -> None:
    dosage(stored)["doseAndRate"][0]["doseQuantity"]["value"] = Decimal(160)


def drop_ordered(stored: dict[str, Any]) -> None:
    dosage(stored)["doseAndRate"].pop(0)


def drop_rate(stored: dict[str, Any]) -> None:
    dosage(stored)["doseAndRate"][0].pop("rateRange")


def drop_extensions(stored: dict[str, Any]) -> None:
    dosage(stored).pop("extension")


def drop_one_step(stored: dict[str, Any]) -> None:
    dosage(stored)["extension"].pop(1)


def drop_basis(stored: dict[str, Any]) -> None:
    dosage(stored)["doseAndRate"][1].pop("extension")


def drop_last_date(stored: dict[str, Any]) -> None:
    dosage(stored)["timing"]["event"].pop()


def drop_timing(stored: dict[str, Any]) -> None:
    dosage(stored).pop("timing")


def two_dosages(stored: dict[str, Any]) -> None:
    stored["dosageInstruction"].append(deepcopy(dosage(stored)))


@pytest.mark.parametrize(
    ("change", "field", "result"),
    [
        (drop_dose, "Dose of one infusion", "lost"),
        (other_dose, "Dose of one infusion", "changed"),
        (drop_ordered, "Dose of one infusion", "changed"),
        (drop_rate, "Pump rate, lowest and highest", "lost"),
        (drop_extensions, "Rate steps", "lost"),
        (drop_one_step, "Rate steps", "changed"),
        (drop_basis, "Dosing weight and policy", "lost"),
        (drop_last_date, "Dates", "changed"),
        (drop_timing, "Dates", "lost"),
        (two_dosages, "Dose of one infusion", "lost"),
        (lambda s: s.update(status="active"), "Status", "changed"),
        (lambda s: s.pop("requester"), "Requester", "lost"),
        (lambda s: s.update(subject={"reference": "Patient/other"}), "Patient", "changed"),
        (lambda s: s.pop("medicationCodeableConcept"), "Product", "lost"),
        (lambda s: s["medicationCodeableConcept"].update(text="Immune globulin"), "Product", "changed"),
        (lambda s: s.pop("identifier"), "Number of the order", "lost"),
        (lambda s: s.update(identifier=[]), "Number of the order", "lost"),
        (lambda s: s["identifier"][0].update(value="urn:uuid:00000000-0000-4000-8000-000000000000"), "Number of the order", "changed"),
        (lambda s: s["identifier"][0].update(system="urn:oid:1.2.3"), "Number of the order", "changed"),
        (lambda s: s["identifier"][0].pop("system"), "Number of the order", "changed"),
        (lambda s: s.update(identifier=[{"system": "urn:oid:1.2.3", "value": "4711"}]), "Number of the order", "changed"),
        (lambda s: s.pop("groupIdentifier"), "Number of its group", "lost"),
        (lambda s: s.update(groupIdentifier={"system": "urn:oid:1.2.3", "value": "4711"}), "Number of its group", "changed"),
    ],
)
def test_an_essential_loss_makes_the_order_incomplete(change: Change, field: str, result: str) -> None:
    told = lines(change)
    assert told[field].result == result
    receipt = Receipt(RUN, "transaction", NOW, (), tuple(told.values()))
    assert receipt.incomplete and told[field] in receipt.lost
    assert move(OrderState.APPROVED, receipt.event) is OrderState.INCOMPLETE


@pytest.mark.parametrize(("key", "result"), [("note", "lost"), ("priority", "lost"), ("substitution", "lost"), ("reasonCode", "lost")])
def test_another_loss_is_told_and_leaves_the_order_complete(key: str, result: str) -> None:
    told = lines(lambda stored: stored.pop(key))
    assert told[key].result == result
    assert not Receipt(RUN, "transaction", NOW, (), tuple(told.values())).incomplete


def test_a_changed_text_is_told() -> None:
    told = lines(lambda stored: dosage(stored).update(text="as directed"))
    assert (told["dosageInstruction.text"].result, told["dosageInstruction.text"].stored) == ("changed", "as directed")


def test_what_the_server_added_is_named() -> None:
    told = lines(lambda stored: stored.update(recorder={"reference": "Practitioner/x"}))
    assert (told["recorder"].result, told["recorder"].sent) == ("added-by-server", "nothing")


def test_what_was_sent_one_by_one_is_compared_as_it_was_sent() -> None:
    made = written()
    main = {**made.entries[0].resource, "detectedIssue": [{"reference": made.entries[1].full_url}]}
    whole = Transaction(made.run, (replace(made.entries[0], resource=main), *made.entries[1:]))
    stored = {k: v for k, v in main.items() if k != "detectedIssue"}
    by_mode = {mode: compare(sent_in(whole, mode).entries[0].resource, stored, {}) for mode in ("transaction", "sequential")}
    told = {mode: {x.field: x.result for x in lines}.get("detectedIssue") for mode, lines in by_mode.items()}
    assert told == {"transaction": "lost", "sequential": None}


def test_findings_are_compared_by_the_references_that_they_became() -> None:
    made = written()
    sent = {**made.entries[0].resource, "detectedIssue": [{"reference": made.entries[1].full_url}]}
    stored = {**sent, "detectedIssue": [{"reference": "DetectedIssue/5"}]}
    known = {made.entries[1].full_url: "DetectedIssue/5"}
    assert {x.field: x.result for x in compare(sent, stored, known)}["detectedIssue"] == "same-meaning"
    assert {x.field: x.result for x in compare(sent, stored)}["detectedIssue"] == "changed"


@pytest.mark.parametrize(
    ("state", "incomplete"),
    [("stored", False), ("already-there", False), ("not-supported", False), ("missing", True), ("refused", True)],
)
def test_a_missing_part_makes_the_order_incomplete_unless_the_server_never_takes_it(state: str, incomplete: bool) -> None:
    receipt = Receipt(RUN, "sequential", NOW, (Part("task", "Task", state),), ())
    assert receipt.incomplete is incomplete
    assert receipt.event is (Event.STORE_IN_PART if incomplete else Event.STORE)


def test_a_receipt_survives_being_kept() -> None:
    part = Part("medication-request", "MedicationRequest", "stored", "MedicationRequest/100", "1")
    receipt = Receipt(RUN, "transaction", NOW, (part,), tuple(lines(drop_rate).values()))
    again = Receipt.from_json(decode(encode(receipt.to_json())))
    assert again == receipt
    assert again.part("medication-request") == part
