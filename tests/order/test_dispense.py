"""The dispense gate: each condition refuses by its name, both sides of each limit; what could not be read lets nothing pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from an_order import content

from ivig_fhir.order.dispense import Handed, Permit, Plan, Vial, Wanted, broken
from ivig_fhir.order.states import OrderState

GATE = content().constants["dispense"]
MON, TUE, WED = (date(2026, 3, d) for d in (2, 3, 4))
HOLDS = Permit(True, True, date(2026, 1, 1), date(2026, 12, 31), "preauthorization, complete")
PLAN = Plan(OrderState.VERIFIED, "active", "gamunex-c", "Gamunex-C", Decimal(40), (MON, TUE, WED), 14, True, (HOLDS,), (), ())
VIAL = Vial(Decimal(40), "A1", date(2027, 1, 1))


def asked(infusion: date = MON, product: str = "gamunex-c", vials: tuple[Vial, ...] = (VIAL,), **changes: Any) -> list[tuple[str, bool]]:
    return [(b.condition, b.excusable) for b in broken(Wanted(infusion, product, vials), replace(PLAN, **changes), GATE)]


def test_vials_go_when_every_condition_holds() -> None:
    assert asked() == []


@pytest.mark.parametrize("state", [s for s in OrderState if s is not OrderState.VERIFIED])
def test_only_a_verified_order_is_supplied_and_no_reason_helps(state: OrderState) -> None:
    assert asked(state=state) == [("order", False)]


@pytest.mark.parametrize("status", ["draft", "on-hold", "cancelled", "stopped", "completed", ""])
def test_only_an_order_that_is_active_in_the_ehr_is_supplied(status: str) -> None:
    assert asked(status=status) == [("order", False)]


def test_another_product_needs_another_order_whatever_the_reason() -> None:
    assert asked(product="privigen") == [("product", False)]


PERMITS = [
    ((), [("authorization", True)]),
    (None, [("authorization", True)]),
    ((replace(HOLDS, granted=False),), [("authorization", True)]),
    ((replace(HOLDS, for_product=False),), [("authorization", True)]),
    ((replace(HOLDS, ends=MON),), []),
    ((replace(HOLDS, ends=MON - timedelta(days=1)),), [("authorization", True)]),
    ((replace(HOLDS, begins=MON),), []),
    ((replace(HOLDS, begins=TUE),), [("authorization", True)]),
    ((replace(HOLDS, ends=None),), []),
    ((replace(HOLDS, begins=None, ends=None, dated=False),), [("authorization", True)]),
    ((replace(HOLDS, begins=None, ends=None, dated=False), HOLDS), []),
    ((replace(HOLDS, granted=False), HOLDS), []),
]


@pytest.mark.parametrize(("permits", "found"), PERMITS)
def test_an_authorization_is_granted_for_this_product_and_holds_on_the_day(permits: Any, found: list[Any]) -> None:
    assert asked(permits=permits) == found
    assert asked(permits=permits, needs_permit=False) == []


QUANTITY = [("quantity", True)]
EARLIER = (Handed(TUE, Decimal(40)),)
BEFORE = (Handed(MON - timedelta(days=21), Decimal(40)),)
LAST_YEAR = (Handed(date(2025, 12, 31), Decimal(40)),)
AUTHORIZED: list[tuple[Any, dict[str, Any], list[Any]]] = [
    ((replace(HOLDS, grams=Decimal(40)),), {}, []),
    ((replace(HOLDS, grams=Decimal("39.9")),), {}, QUANTITY),
    ((replace(HOLDS, grams=Decimal(80)),), {"earlier": EARLIER}, []),
    ((replace(HOLDS, grams=Decimal("79.9")),), {"earlier": EARLIER}, QUANTITY),
    ((replace(HOLDS, grams=Decimal(120)),), {"earlier": EARLIER, "others": BEFORE}, []),
    ((replace(HOLDS, grams=Decimal("119.9")),), {"earlier": EARLIER, "others": BEFORE}, QUANTITY),
    ((replace(HOLDS, grams=Decimal(40)),), {"others": LAST_YEAR}, []),
    ((replace(HOLDS, unclear="4 vials"),), {}, QUANTITY),
    ((replace(HOLDS, unclear="4 vials"), HOLDS), {}, []),
    ((replace(HOLDS, grams=Decimal(10)), HOLDS), {}, []),
    ((replace(HOLDS, grams=Decimal(10), dated=False),), {}, [("authorization", True), ("quantity", True)]),
    ((replace(HOLDS, grams=Decimal(10)), replace(HOLDS, dated=False)), {}, QUANTITY),
]


@pytest.mark.parametrize(("permits", "changes", "found"), AUTHORIZED)
def test_no_more_than_the_authorization_states_with_all_that_went_under_it(permits: Any, changes: dict[str, Any], found: list[Any]) -> None:
    assert asked(permits=permits, **changes) == found
    assert asked(permits=permits, needs_permit=False, **changes) == []


@pytest.mark.parametrize(("grams", "found"), [("40", []), ("40.1", [("quantity", True)]), ("39", [])])
def test_no_more_than_the_vials_of_one_infusion(grams: str, found: list[Any]) -> None:
    assert asked(vials=(Vial(Decimal(grams), "A1", date(2027, 1, 1)),)) == found


@pytest.mark.parametrize(("before", "found"), [("80", []), ("80.1", [("quantity", True)])])
def test_no_more_than_the_vials_of_all_infusions(before: str, found: list[Any]) -> None:
    handed = (Handed(MON, Decimal(40)), Handed(TUE, Decimal(before) - 40))
    assert asked(WED, earlier=handed) == found


@pytest.mark.parametrize(("before", "found"), [("20", []), ("20.1", [("quantity", True)]), ("40", [("quantity", True)])])
def test_an_infusion_may_be_supplied_in_parts_and_no_more_than_once(before: str, found: list[Any]) -> None:
    half = (Vial(Decimal(20), "A1", date(2027, 1, 1)),)
    assert asked(vials=half, earlier=(Handed(MON, Decimal(before)),)) == found


def test_only_a_day_of_the_order_is_supplied() -> None:
    assert asked(date(2026, 3, 5)) == [("interval", True)]


@pytest.mark.parametrize(("last", "found"), [(14, []), (13, [("interval", True)])])
def test_the_first_infusion_keeps_its_distance_from_the_last_course(last: int, found: list[Any]) -> None:
    assert asked(given=(MON - timedelta(days=last),)) == found


def test_later_infusions_keep_the_distance_that_the_order_puts_between_them() -> None:
    monthly = (MON, MON + timedelta(days=28))
    assert asked(monthly[1], dates=monthly, given=(MON,)) == []
    assert asked(monthly[1], dates=monthly, given=(MON + timedelta(days=1),)) == [("interval", True)]
    assert asked(TUE, given=(MON,)) == []
    assert asked(TUE, given=(TUE,)) == [("interval", True)]


def test_what_was_given_and_could_not_be_read_is_not_nothing() -> None:
    assert asked(given=None) == [("interval", True)]


def test_what_is_to_come_does_not_count_as_past() -> None:
    assert asked(given=(WED,)) == []


@pytest.mark.parametrize(
    ("vials", "said"),
    [
        ((), "No vial is named."),
        ((replace(VIAL, lot=""),), "A vial has no lot number."),
        ((replace(VIAL, expiry=None),), "A vial has no expiry date."),
        ((replace(VIAL, grams=Decimal(0)),), "A vial is empty or has no grams."),
        ((replace(VIAL, expiry=MON - timedelta(days=1)),), "Expired on the day of the infusion: lot A1."),
    ],
)
def test_each_vial_has_grams_a_lot_and_is_in_date_and_no_reason_helps(vials: tuple[Vial, ...], said: str) -> None:
    [found] = broken(Wanted(MON, "gamunex-c", vials), PLAN, GATE)
    assert (found.condition, found.said, found.excusable) == ("vials", said, False)
    assert asked(vials=(replace(VIAL, expiry=MON),)) == []


def test_every_broken_condition_is_named_in_the_order_of_the_gate() -> None:
    found = asked(date(2026, 3, 9), "privigen", (Vial(Decimal(60), "A1", date(2027, 1, 1)),), permits=())
    assert [condition for condition, _ in found] == ["authorization", "product", "quantity", "interval"]
