"""The infusion sheet: only of a verified order, and saying what the stored order says."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from an_approved_order import as_stored, written
from an_order import RUN, content

from ivig_fhir.errors import StateError
from ivig_fhir.order.sheet import Sheet, sheet
from ivig_fhir.order.states import OrderState


def made(**changes: Any) -> Sheet:
    held, _ = as_stored(written())
    order = {**held["medication-request"], "status": "active", **changes}
    companions = [r for role, r in held.items() if role.startswith("companion-")]
    return sheet(OrderState.VERIFIED, order, companions, content(), RUN)


def test_each_day_has_its_date_grams_and_volume() -> None:
    days = made().days
    assert [(d.number, d.date, d.grams, d.volume) for d in days] == [(n, date(2026, 3, 1 + n), "40 g", "400 mL") for n in (1, 2, 3, 4)]


def test_days_of_a_series_say_which_course_they_belong_to_and_when_it_is_reviewed() -> None:
    held, _ = as_stored(written(series=2, days=2, per_kg="1"))
    it = sheet(OrderState.VERIFIED, {**held["medication-request"], "status": "active"}, (), content(), RUN)
    assert [(d.number, d.cycle, d.date) for d in it.days] == [
        (1, 1, date(2026, 3, 2)), (2, 1, date(2026, 3, 3)), (3, 2, date(2026, 3, 23)), (4, 2, date(2026, 3, 24)),
    ]  # fmt: skip
    assert it.review_on == "2026-03-25"
    assert made().review_on == ""


def test_the_pump_steps_run_up_to_the_whole_volume() -> None:
    steps = made().steps
    assert [(s.rate, s.minutes, s.volume, s.total, s.begins) for s in steps] == [
        ("98 mL/h", "30 min", "49 mL", "49 mL", "0 min"),
        ("196 mL/h", "30 min", "98 mL", "147 mL", "30 min"),
        ("393 mL/h", "", "253 mL", "400 mL", "60 min"),
    ]
    assert made().highest_rate == "393 mL/h"


def test_the_sheet_carries_the_notes_of_the_order_policies_and_review_among_them() -> None:
    notes = " ".join(made().notes)
    assert "Policy adj-bmi30, version 1." in notes
    assert content().constants["words"]["unreviewed"] in notes


def test_vials_product_weight_and_signer_are_named() -> None:
    it = made()
    assert it.vials == (("40 g", 1),)
    assert it.product.startswith("Gamunex-C")
    assert (it.dosing_weight, it.concentration, it.signed_by) == ("82 kg", "100 mg/mL", "Dr Nora Testfield")
    assert (it.order, it.version, it.run, it.patient) == ("MedicationRequest/100", "1", RUN, "Patient/cidp-adult")


def test_companions_stand_in_their_groups_in_full_sentences() -> None:
    it = made()
    reaction = next(c for c in content().companions if c.id == "rescue-epinephrine")
    vitals = next(c for c in content().companions if c.id == "vital-signs")
    assert f"{reaction.title}: {reaction.adult}" in it.companions["as-needed"]
    assert f"{vitals.title}: {vitals.adult}" in it.companions["monitoring"]
    written_down = sum(len(group) for group in it.companions.values())
    assert written_down == len([e for e in written().entries if e.role.startswith("companion-")])


def test_a_medicine_with_a_time_before_the_start_is_given_before() -> None:
    from an_order import all_companions, proposal

    chosen = [c for c in all_companions() if c.id == "premedication-acetaminophen"]
    assert chosen and proposal(companions=tuple(chosen)).companions
    held, _ = as_stored(written(companions=tuple(type(c)(**{**{n: getattr(c, n) for n in c.__slots__}, "selected": True}) for c in chosen)))
    it = sheet(
        OrderState.VERIFIED,
        {**held["medication-request"], "status": "active"},
        [held["companion-premedication-acetaminophen"]],
        content(),
        RUN,
    )
    assert len(it.companions["before"]) == 1


@pytest.mark.parametrize("state", [s for s in OrderState if s is not OrderState.VERIFIED])
def test_there_is_no_sheet_before_verification(state: OrderState, order: dict[str, Any]) -> None:
    with pytest.raises(StateError):
        sheet(state, {**order, "status": "active"}, [], content(), RUN)


@pytest.mark.parametrize("status", ["draft", "on-hold", "cancelled", "entered-in-error"])
def test_there_is_no_sheet_of_an_order_that_is_not_active_in_the_ehr(status: str) -> None:
    with pytest.raises(StateError):
        made(status=status)


def test_there_is_no_sheet_without_a_coded_dose() -> None:
    with pytest.raises(StateError):
        made(dosageInstruction=[{"text": "40 g"}])
