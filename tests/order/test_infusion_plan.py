"""The nurse's plan: when vital signs are due, from which weight one calls, which medicines a reaction gets."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from an_order import content
from hypothesis import given
from hypothesis import strategies as st

from ivig_fhir.content.infusion_sheet import SheetGuide
from ivig_fhir.order.infusion_plan import reaction_steps, vitals_due, weight_limits

GUIDE: SheetGuide = content().constants["infusion_sheet"]


def due(*begins: int, total: int, first: bool = False) -> list[tuple[int, str]]:
    return [(v.minute, v.says) for v in vitals_due([Fraction(b) for b in begins], Fraction(total), GUIDE.vitals, first)]


def test_before_after_start_after_each_rise_and_after_the_end() -> None:
    assert due(0, 30, 60, total=99) == [
        (-15, "before the start"), (15, "after the start"), (45, "after step 2"), (75, "after step 3"), (99, "at the end"), (119, "after the end"),
    ]  # fmt: skip


def test_a_first_infusion_is_watched_for_an_hour_afterwards() -> None:
    assert due(0, total=60, first=True)[-1] == (120, "after the end")
    assert due(0, total=60)[-1] == (80, "after the end")


def test_at_the_highest_rate_twice_half_hourly_then_hourly() -> None:
    assert [m for m, says in due(0, total=300) if says == "while it runs"] == [45, 75, 135, 195, 255]


@pytest.mark.parametrize(("total", "rows"), [(15, []), (16, [15])])
def test_nothing_is_due_at_or_after_the_end_but_the_last_look(total: int, rows: list[int]) -> None:
    assert [m for m, says in due(0, total=total) if says == "after the start"] == rows


def test_a_step_shorter_than_the_wait_is_looked_at_before_the_next_begins() -> None:
    assert [m for m, says in due(0, 10, 20, total=90) if "step" in says or "start" in says] == [-15, 10, 20, 35]


@given(st.lists(st.integers(1, 120), min_size=1, max_size=8), st.integers(1, 900))
def test_times_only_go_forward_and_each_moment_stands_once(lengths: list[int], last: int) -> None:
    begins = [sum(lengths[:n]) for n in range(len(lengths))]
    minutes = [m for m, _ in due(*begins, total=sum(lengths[:-1]) + last)]
    assert all(a < b for a, b in pairwise(minutes))
    assert minutes[-2] == sum(lengths[:-1]) + last


@pytest.mark.parametrize(
    ("kg", "low", "high"), [("82.0", "73.8", "90.2"), ("8.64", "7.8", "9.5"), ("68.4", "61.6", "75.2"), ("70", "63", "77")]
)
def test_the_weights_to_call_at_never_pass_over_one_who_moved_by_a_tenth(kg: str, low: str, high: str) -> None:
    found = weight_limits(Decimal(kg), Decimal("0.10"))
    assert tuple(Decimal(x) for x in found) == (Decimal(low), Decimal(high))


@given(st.decimals("1", "300", places=2))
def test_a_call_limit_is_never_farther_than_the_threshold(kg: Decimal) -> None:
    low, high = (Decimal(x) for x in weight_limits(kg, Decimal("0.10")))
    assert Decimal(0) <= low - kg * Decimal("0.9") < Decimal("0.1")
    assert Decimal(0) <= kg * Decimal("1.1") - high < Decimal("0.1")


def chosen(id_: str, selected: bool = True, **dose: str) -> dict[str, Any]:
    return {"id": id_, "selected": selected, "dose": dose or None}


def test_a_reaction_gets_the_medicines_of_this_order_with_this_patients_doses() -> None:
    found = {r.title: r.medicines for r in reaction_steps(GUIDE, [
        chosen("rescue-epinephrine", low="0.3", high="0.5", unit="mg"), chosen("rescue-diphenhydramine", low="8", high="8", unit="mg"),
        chosen("rescue-hydrocortisone", selected=False, low="17", high="17", unit="mg"), chosen("rescue-saline"),
    ])}  # fmt: skip
    assert found == {
        "Mild": (),
        "Moderate": ("diphenhydramine 8 mg IV",),
        "Severe, anaphylaxis": (
            "epinephrine 1 mg/mL 0.3 to 0.5 mg IM, outer thigh, again every 5 to 15 min", "0.9 % sodium chloride 10 to 20 mL/kg IV",
        ),
    }  # fmt: skip


def test_a_medicine_without_a_dose_for_this_patient_is_not_printed_with_none() -> None:
    said = [m for r in reaction_steps(GUIDE, [chosen("rescue-epinephrine")]) for m in r.medicines]
    assert said == []
