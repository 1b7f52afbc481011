"""Rates: which ladder and which ceiling hold, and pump steps whose volumes sum to the dose."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from a_case import content

from ivig_fhir.content.model import Ladder, RateStep
from ivig_fhir.content.product import NewPatients
from ivig_fhir.content.site import AdoptedLadder, Site
from ivig_fhir.errors import SelectionError
from ivig_fhir.proposal.model import RateSchedule
from ivig_fhir.proposal.rates import (
    Cap,
    choose_cap,
    choose_ladder,
    for_patient,
    label_risk_cap,
    mg_kg_min,
    ml_kg_h,
    pump_rate,
    rate_of,
    schedule_hours,
    schedule_steps,
)  # fmt: skip
from ivig_fhir.proposal.selections import ChosenRate, parse_selections

D = Decimal

GAMUNEX = content().products["gamunex-c"]
OCTAGAM = content().products["octagam-10"]


def ladder(*steps: tuple[str, str | None], most: str | None = None, **more: Any) -> Ladder:
    """A ladder of steps as (mL/kg/h, minutes)."""
    made = tuple(RateStep(D(rate), None if minutes is None else D(minutes), True) for rate, minutes in steps)
    return replace(GAMUNEX.ladders[0], steps=made, basis="label", max_ml_kg_h=D(most or steps[-1][0]), **more)


def run(of: Ladder, kg: str, ml: str, cap: str | None = None, site: Site | None = None) -> RateSchedule:
    """The schedule of one infusion."""
    return schedule_steps(of, "PI", site or Site(), GAMUNEX, Cap(D(cap) if cap else of.max_ml_kg_h, "label"), D(kg), D(ml))


def steps(made: RateSchedule) -> list[tuple[str, str, str, str]]:
    """Each step as rate by weight, pump rate, minutes and volume."""
    return [(str(s.ml_kg_h), str(s.ml_h), str(s.minutes), str(s.volume_ml)) for s in made.steps]


THREE = ladder(("1.2", "30"), ("2.4", "30"), ("4.8", None))


def test_steps_run_their_minutes_and_the_last_takes_the_rest() -> None:
    made = run(THREE, "82", "400")
    assert steps(made) == [("1.2", "98", "30.0", "49.0"), ("2.4", "196", "30.0", "98.0"), ("4.8", "393", "38.6", "253.0")]
    assert (made.mode, made.basis, made.ladder, made.cap_ml_kg_h, made.cap_reason) == ("steps", "label", "PI", D("4.8"), "label")
    assert made.total_minutes == 99
    assert made.label_max_ml_kg_h == D("4.8")


@pytest.mark.parametrize(
    ("ml", "expected"),
    [
        ("49.0", [("1.2", "98", "30.0", "49.0")]),
        ("48.9", [("1.2", "98", "29.9", "48.9")]),
        ("49.2", [("1.2", "98", "30.0", "49.0"), ("2.4", "196", "0.1", "0.2")]),
        ("49.1", [("1.2", "98", "30.1", "49.1")]),  # 0.1 mL at 196 mL/h would print as 0.0 minutes
        ("49.3", [("1.2", "98", "30.0", "49.0"), ("2.4", "196", "0.1", "0.3")]),
        ("147.0", [("1.2", "98", "30.0", "49.0"), ("2.4", "196", "30.0", "98.0")]),
        ("147.3", [("1.2", "98", "30.0", "49.0"), ("2.4", "196", "30.1", "98.3")]),
        ("147.4", [("1.2", "98", "30.0", "49.0"), ("2.4", "196", "30.0", "98.0"), ("4.8", "393", "0.1", "0.4")]),
    ],
)  # fmt: skip
def test_no_step_prints_as_empty(ml: str, expected: list[tuple[str, str, str, str]]) -> None:
    made = run(THREE, "82", ml)
    assert steps(made) == expected
    assert sum(s.volume_ml for s in made.steps) == D(ml)


def test_a_rate_too_low_for_the_pump_is_left_out() -> None:
    slow = ladder(("0.05", "30"), ("0.3", "15"), ("1.2", "30"), ("2.4", None))
    made = run(slow, "1", "20")
    assert steps(made)[0] == ("0.3", "0.3", "15.0", "0.1")
    tiny = ladder(("0.1", "15"), ("0.5", None))  # 0.1 mL/h for 15 minutes is less than 0.1 mL
    assert steps(run(tiny, "1", "5")) == [("0.5", "0.5", "600.0", "5")]


def test_the_time_rounds_up_to_whole_minutes() -> None:
    assert run(ladder(("1", None)), "60", "60").total_minutes == 60
    assert run(ladder(("1", None)), "60", "60.1").total_minutes == 61
    assert run(ladder(("1", None)), "60", "59.9").total_minutes == 60


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        ("4.8", ["1.2", "2.4", "4.8"]), ("4.7", ["1.2", "2.4", "4.7"]), ("2.4", ["1.2", "2.4"]), ("2.3", ["1.2", "2.3"]),
        ("1.2", ["1.2"]), ("0.6", ["0.6"]), ("9", ["1.2", "2.4", "4.8"]),
    ],
)  # fmt: skip
def test_a_cap_replaces_the_first_step_at_or_above_it_and_holds(cap: str, expected: list[str]) -> None:
    made = run(THREE, "82", "400", cap)
    assert [str(s.ml_kg_h) for s in made.steps] == expected
    assert made.cap_ml_kg_h == D(cap)


def test_steps_that_end_below_the_maximum_end_there() -> None:
    slow = ladder(("1.2", "30"), ("2.4", None), most="4.8")
    assert [str(s.ml_kg_h) for s in run(slow, "82", "400").steps] == ["1.2", "2.4"]
    assert [str(s.ml_kg_h) for s in run(slow, "82", "400", "3").steps] == ["1.2", "2.4"]


NEW = NewPatients(D("2.4"), 56, "For patients who got another product.", GAMUNEX.ladders[0].source)


def test_a_chart_for_experienced_patients_is_lowered_for_others() -> None:
    chart = replace(THREE, basis="maker", new_patients=NEW, condition="For those who had it.")
    assert for_patient(chart, used_to_it=True) is chart
    assert for_patient(THREE, used_to_it=False) is THREE
    lowered = for_patient(chart, used_to_it=False)
    assert lowered.steps == (RateStep(D("1.2"), D(30), True), RateStep(D("2.4"), None, False))
    assert (lowered.basis, lowered.max_ml_kg_h, lowered.condition) == ("illustrative", D("2.4"), NEW.says)
    between = for_patient(replace(chart, new_patients=replace(NEW, max_ml_kg_h=D("2.5"))), used_to_it=False)
    assert [s.ml_kg_h for s in between.steps] == [D("1.2"), D("2.4"), D("2.5")]


def test_a_ladder_that_the_site_adopted_runs_but_never_above_the_labels_maximum() -> None:
    adopted = AdoptedLadder((RateStep(D("0.5"), D(15), False), RateStep(D(6), None, False)), "P&T committee", "2026-01-01")
    made = run(THREE, "82", "400", site=Site(ladders={("gamunex-c", "PI"): adopted}))
    assert made.basis == "site"
    assert [str(s.ml_kg_h) for s in made.steps] == ["0.5", "4.8"]
    other = run(THREE, "82", "400", site=Site(ladders={("gamunex-c", "CIDP"): adopted, ("privigen", "PI"): adopted}))
    assert other.basis == "label"


@pytest.mark.parametrize(
    ("rate", "pump"),
    [("10", "10"), ("10.9", "10"), ("9.99", "9.9"), ("9.9", "9.9"), ("10.0", "10"), ("0.19", "0.1"), ("0.09", "0.0"), ("393.6", "393")],
)
def test_the_pump_is_set_to_whole_millilitres_below_10_to_tenths_always_downwards(rate: str, pump: str) -> None:
    assert str(pump_rate(D(rate))) == pump


def test_one_rate_over_hours() -> None:
    made = schedule_hours(D(12), D(82), D(400), THREE)
    assert steps(made) == [("0.41", "33.3", "720", "400")]
    assert (made.mode, made.basis, made.ladder, made.cap_ml_kg_h, made.cap_reason) == ("hours", "none", None, None, None)
    assert made.total_minutes == 720
    assert made.label_max_ml_kg_h == D("4.8")
    assert schedule_hours(D("1.505"), D(82), D(400), THREE).total_minutes == 91
    assert str(schedule_hours(D(3), D(82), D("100.05"), THREE).steps[0].ml_h) == "33.4"  # half up


def test_rates_by_weight_and_by_volume_are_two_names_of_one_rate() -> None:
    assert ml_kg_h(D(8), D(100)) == D("4.8")
    assert ml_kg_h(D("3.3"), D(50)) == D("3.96")
    assert mg_kg_min(D("4.8"), D(100)) == 8


def test_the_ladder_is_the_one_asked_for_else_that_of_the_indication_else_the_slowest() -> None:
    privigen = content().products["privigen"]
    fast, slow = choose_ladder(privigen, "PI", None, D(100)), choose_ladder(privigen, "ITP", None, D(100))
    assert fast is not None
    assert slow is not None
    assert (fast.max_ml_kg_h, slow.max_ml_kg_h) == (D("4.8"), D("2.4"))
    assert choose_ladder(privigen, "PI", "ITP", D(100)) is slow
    assert choose_ladder(privigen, "GBS", None, D(100)) is slow
    assert choose_ladder(privigen, "PI", None, D(50)) is None
    assert choose_ladder(replace(privigen, ladders=()), "PI", None, D(100)) is None
    with pytest.raises(SelectionError) as refused:
        choose_ladder(privigen, "PI", "MMN", D(100))
    assert refused.value.message == "Privigen has no rate table for MMN."


def test_a_rate_that_no_pump_can_run_is_refused() -> None:
    assert schedule_hours(D(20), D(1), D(1), THREE).steps[0].ml_h == D("0.1")  # 0.05 mL/h, half up
    with pytest.raises(SelectionError) as over_hours:
        schedule_hours(D("20.1"), D(1), D(1), THREE)
    assert over_hours.value.message == "Over so many hours the pump would run at 0 mL/h; choose fewer hours."
    assert [s.ml_h for s in run(ladder(("0.1", None)), "1", "5").steps] == [D("0.1")]
    with pytest.raises(SelectionError) as in_steps:
        run(ladder(("0.05", "30"), ("0.1", None)), "0.99", "5")
    assert in_steps.value.message == "At this weight the pump would run at 0 mL/h; choose a higher rate."


def test_hours_of_a_regimen_hold_until_a_rate_is_chosen() -> None:
    kawasaki = content().order_sets["kawasaki"].regimens[0]
    assert kawasaki.infusion_hours is not None
    assert rate_of(parse_selections({}), kawasaki) == ChosenRate(mode="hours", hours=kawasaki.infusion_hours[1])
    assert rate_of(parse_selections({"rate": {"cap_mg_kg_min": "2"}}), kawasaki).mode == "steps"
    assert rate_of(parse_selections({}), None) == ChosenRate()
    assert rate_of(parse_selections({}), replace(kawasaki, infusion_hours=None)) == ChosenRate()


CAPPED = ChosenRate(cap_given=True, cap_mg_kg_min=D(2))
UNCAPPED = ChosenRate(cap_given=True)


def test_of_all_ceilings_the_one_that_holds_is_named() -> None:
    octagam, gamunex = OCTAGAM.ladders[0], GAMUNEX.ladders[0]
    site = Site(risk_cap_mg_kg_min=D(2))
    label = Cap(octagam.max_ml_kg_h, "label")
    assert choose_cap(octagam, ChosenRate(), OCTAGAM, Site(), at_risk=False) == label
    assert choose_cap(octagam, ChosenRate(), OCTAGAM, Site(), at_risk=True) == Cap(D("1.8"), "risk")  # 3.0 mg/kg/min at 100 mg/mL
    assert choose_cap(octagam, ChosenRate(), OCTAGAM, site, at_risk=True) == Cap(D("1.8"), "risk")
    assert choose_cap(octagam, CAPPED, OCTAGAM, Site(), at_risk=True) == Cap(D("1.2"), "clinician")
    assert choose_cap(octagam, UNCAPPED, OCTAGAM, site, at_risk=True) == label
    at_maximum = ChosenRate(cap_given=True, cap_mg_kg_min=mg_kg_min(octagam.max_ml_kg_h, D(100)))
    assert choose_cap(octagam, at_maximum, OCTAGAM, Site(), at_risk=False) == label
    fast = ChosenRate(cap_given=True, cap_mg_kg_min=D(100))
    assert choose_cap(octagam, fast, OCTAGAM, Site(), at_risk=False) == label
    assert choose_cap(gamunex, ChosenRate(), GAMUNEX, Site(), at_risk=True) == Cap(gamunex.max_ml_kg_h, "label")
    assert choose_cap(gamunex, ChosenRate(), GAMUNEX, site, at_risk=True) == Cap(D("1.2"), "site")
    assert choose_cap(gamunex, ChosenRate(), GAMUNEX, site, at_risk=False) == Cap(gamunex.max_ml_kg_h, "label")
    quick = Site(risk_cap_mg_kg_min=D(100))
    assert choose_cap(gamunex, ChosenRate(), GAMUNEX, quick, at_risk=True) == Cap(gamunex.max_ml_kg_h, "label")


def test_a_printed_risk_rate_counts_only_below_the_maximum() -> None:
    assert label_risk_cap(OCTAGAM, OCTAGAM.ladders[0]) == D("1.8")
    assert label_risk_cap(GAMUNEX, GAMUNEX.ladders[0]) is None  # 8 mg/kg/min is the maximum itself
    assert label_risk_cap(replace(OCTAGAM, risk_rate=None), OCTAGAM.ladders[0]) is None
    silent = replace(OCTAGAM, risk_rate=replace(OCTAGAM.risk_rate, max_mg_kg_min=None)) if OCTAGAM.risk_rate else OCTAGAM
    assert label_risk_cap(silent, OCTAGAM.ladders[0]) is None


def test_what_has_to_be_read_with_a_table_stands_beside_its_schedule() -> None:
    plain = replace(GAMUNEX, risk_rate=None)
    spoken = ladder(("1", None), condition="For adults.", contradiction="The label gives two figures.")
    assert run(THREE, "82", "400").notes == run(ladder(("1.2", "30"), ("2.4", "30"), ("4.8", None)), "82", "400").notes
    assert schedule_steps(spoken, "PI", Site(), plain, Cap(D(1), "risk"), D(70), D(70)).notes == (
        "For adults.",
        "The label gives two figures.",
    )
    assert schedule_hours(D(2), D(70), D(70), spoken).notes == ("For adults.", "The label gives two figures.")
    torn = (
        replace(OCTAGAM, risk_rate=replace(OCTAGAM.risk_rate, contradiction="3.3 and 3.0 are both printed."))
        if OCTAGAM.risk_rate
        else OCTAGAM
    )
    at_risk = schedule_steps(ladder(("1", None)), "PI", Site(), torn, Cap(D(1), "risk"), D(70), D(70)).notes
    assert "3.3 and 3.0 are both printed." in at_risk
    assert (
        "3.3 and 3.0 are both printed."
        not in schedule_steps(ladder(("1", None)), "PI", Site(), torn, Cap(D(1), "label"), D(70), D(70)).notes
    )
