"""An order that came back malformed: every reader of it answers with what it could read, none of them breaks, and nothing passes unseen."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from an_approved_order import as_stored, record, written
from an_order import NOW, RUN, content

from ivig_fhir.content.site import Site
from ivig_fhir.errors import StateError
from ivig_fhir.fhir.stored_order import count
from ivig_fhir.order.bundle import checked
from ivig_fhir.order.comparison import compare
from ivig_fhir.order.receipt import Part, Receipt
from ivig_fhir.order.recompute import disagreements, recompute, tables_of
from ivig_fhir.order.sheet import sheet
from ivig_fhir.order.states import OrderState
from ivig_fhir.order.transaction import Transaction, update
from ivig_fhir.order.unsigned import altered
from ivig_fhir.order.verification import requester_of
from ivig_fhir.order.wording import wording

Path = tuple[str | int, ...]
MADE = written()
HELD, KNOWN = as_stored(MADE)
STORED = HELD["medication-request"]
PARTS = tuple(Part(e.role, e.type, "stored", KNOWN[e.full_url], "1") for e in MADE.entries)
RECEIPT = Receipt(RUN, "transaction", NOW, PARTS, compare(MADE.entries[0].resource, deepcopy(STORED), KNOWN))
# Names for reading, which say nothing that the code beside them does not; and what only numbers the one dosage.
NO_MATTER = {"unit", "display", "system", "sequence"}


def places(element: Any, path: Path = ()) -> Iterator[Path]:
    """Every place in a resource."""
    if path:
        yield path
    inner = element.items() if isinstance(element, dict) else enumerate(element) if isinstance(element, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def with_value(path: Path, value: Any) -> dict[str, Any]:
    """The stored order with something else at a place."""
    made: Any = deepcopy(STORED)
    at = made
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return dict(made)


def read_by_all(order: dict[str, Any]) -> None:
    """Every reader of a stored order."""
    altered(MADE, RECEIPT, order, OrderState.SENT)
    disagreements(recompute(order, record(), tables_of(content(), Site()), NOW))
    wording(order)
    requester_of(order)
    try:
        sheet(OrderState.VERIFIED, {**order, "status": "active"}, [], content(), RUN)
    except StateError:
        return  # no sheet of an order without dose, dates or steps


@pytest.mark.parametrize("value", [None, "x", [None], True], ids=repr)
def test_whatever_stands_at_any_place_of_an_order_no_reader_breaks(value: Any) -> None:
    for path in places(STORED):
        read_by_all(with_value(path, value))


@pytest.mark.parametrize("value", [None, "x", []], ids=repr)
def test_whatever_stands_at_a_place_of_the_dosage_is_seen_and_counts(value: Any) -> None:
    seen = [p for p in places(STORED) if p[0] == "dosageInstruction" and p[-1] not in NO_MATTER]
    unseen = [p for p in seen if not altered(MADE, RECEIPT, with_value(p, value), OrderState.SENT).unsigned]
    # Without its type a dose is the ordered one, which it was.
    assert [p for p in unseen if p[2:5] != ("doseAndRate", 0, "type")] == []
    assert len(seen) > 100


def fields(order: dict[str, Any]) -> list[str]:
    return [line.field for line in altered(MADE, RECEIPT, order, OrderState.SENT).unsigned]


DOSE: Path = ("dosageInstruction", 0, "doseAndRate", 0, "doseQuantity", "unit")


@pytest.mark.parametrize("unit", ["mg", "kg", "mL"])
def test_a_dose_whose_unit_in_words_is_another_units_name_counts(unit: str) -> None:
    assert fields(with_value(DOSE, unit)) == ["Dose of one infusion"]


@pytest.mark.parametrize("unit", ["gram", "Gramm", "g "])
def test_a_unit_that_its_system_calls_otherwise_is_the_same(unit: str) -> None:
    assert fields(with_value(DOSE, unit)) == []


def test_a_dose_beside_the_ordered_and_the_calculated_one_counts() -> None:
    order = deepcopy(STORED)
    order["dosageInstruction"][0]["doseAndRate"].append({"doseQuantity": {"value": 160, "unit": "g", "code": "g"}})
    found = altered(MADE, RECEIPT, order, OrderState.SENT).unsigned
    assert [x.field for x in found] == ["Dose of one infusion"]
    assert "beside it" in found[0].stored and "160" in found[0].stored


@pytest.mark.parametrize(("given", "read"), [(5, 5), (Decimal("5.0"), 5), (Decimal("5.5"), 0), (True, 0), ("5", 0), (None, 0)])
def test_a_count_is_a_whole_number_or_nothing(given: Any, read: int) -> None:
    assert count(given) == read


def test_an_order_that_the_ehr_holds_malformed_is_not_written_over() -> None:
    malformed = deepcopy(STORED) | {"reasonReference": []}
    with pytest.raises(StateError) as refused:
        checked(Transaction(RUN, (update("medication-request", malformed),)))
    assert "not valid FHIR" in refused.value.message and "MedicationRequest.reasonReference" in refused.value.message
    assert checked(Transaction(RUN, (update("medication-request", deepcopy(STORED)),)))
