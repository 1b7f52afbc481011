"""The second calculation: it agrees with every good order, and disagrees with every planted fault."""

from __future__ import annotations

import ast
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from an_approved_order import as_stored, observation, record, written
from an_order import ROOT, content, weight
from hypothesis import given, settings
from hypothesis import strategies as st

from ivig_fhir.fhir.extensions import DOSE_BASIS, INFUSION_VOLUME, RATE_BASIS, RATE_STEP, SERIES
from ivig_fhir.order.recompute import Recalculated, disagreements, recompute, tables_of
from ivig_fhir.proposal.model import WeightCalculation

Change = Callable[[dict[str, Any], dict[str, Any]], object]


def recalculated(order: dict[str, Any], read: list[dict[str, Any]] | None = None) -> dict[str, Recalculated]:
    return {line.what: line for line in recompute(order, read or record(), tables_of(content()))}


def wrong(order: dict[str, Any], read: list[dict[str, Any]] | None = None) -> list[str]:
    return [line.what for line in disagreements(recalculated(order, read).values())]


def stored(**shape: Any) -> dict[str, Any]:
    return as_stored(written(**shape))[0]["medication-request"]


def test_it_imports_nothing_of_the_first_calculation() -> None:
    imported: set[str] = set()
    for path in (ROOT / "ivig_fhir/order/recompute").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    ours = {m for m in imported if m.startswith("ivig_fhir.") and not m.startswith("ivig_fhir.order.recompute")}
    assert {m for m in ours if not m.startswith("ivig_fhir.fhir.")} == {"ivig_fhir.content.model", "ivig_fhir.content.site"}


def test_every_number_of_a_good_order_agrees(order: dict[str, Any]) -> None:
    told = recalculated(order)
    assert [line.what for line in told.values() if line.agrees is not True] == []
    assert told["Dosing weight"].recomputed == "82 kg, actual"
    assert told["Dose of one infusion"].recomputed == "40 g"
    assert told["Step 3"].recomputed == "393 mL/h, 253 mL"
    assert told["Label maximum"].recomputed == "at most 393.6 mL/h"


@settings(max_examples=80, deadline=None)
@given(
    kg=st.decimals(Decimal(5), Decimal(180), places=1),
    per_kg=st.sampled_from(["0.4", "0.6", "1", "1.2", "2"]),
    gaps=st.lists(st.integers(1, 9), max_size=4),
    product=st.sampled_from(["gamunex-c", "privigen", "octagam-10", "gammagard-liquid"]),
    hours=st.sampled_from([None, None, "6", "8"]),
)
def test_both_calculations_agree_on_any_order(kg: Decimal, per_kg: str, gaps: list[int], product: str, hours: str | None) -> None:
    dates = [date(2026, 3, 2)]
    for gap in gaps:
        dates.append(dates[-1] + timedelta(days=gap))
    shown = str(kg if kg >= 10 else kg.quantize(Decimal("0.01")))
    order = stored(kg=shown, per_kg=per_kg, dates=dates, product=product, hours=hours)
    child = [observation("weight-1", "29463-7", shown, "kg"), {**record()[0], "birthDate": "2016-06-14"}]
    # A dose or a rate may be above a limit: that needs the prescriber's reason, and this order was approved without any finding.
    assert set(wrong(order, child)) <= {"Cumulative dose", "Label maximum" if hours else "Cumulative dose"}


def basis(dosage: dict[str, Any]) -> list[dict[str, Any]]:
    return next(e["extension"] for e in dosage["doseAndRate"][1]["extension"] if e["url"].endswith(DOSE_BASIS))


def parts(dosage: dict[str, Any], name: str, at: int = 0) -> list[dict[str, Any]]:
    return [e["extension"] for e in dosage["extension"] if e["url"].endswith(name)][at]


def set_part(found: list[dict[str, Any]], name: str, value: Any) -> None:
    part = next(p for p in found if p["url"] == name)
    key = next(k for k in part if k.startswith("value"))
    if isinstance(part[key], dict):
        part[key]["value"] = Decimal(value)
    else:
        part[key] = value


PLANTED: list[tuple[str, Change]] = [
    ("Product", lambda o, d: o["medicationCodeableConcept"]["coding"].pop()),
    ("Patient", lambda o, d: o.update(subject={"reference": "Patient/other"})),
    ("Dosing weight", lambda o, d: set_part(basis(d), "dosingWeight", "82.1")),
    ("Dosing weight", lambda o, d: set_part(basis(d), "policy", "unknown-policy")),
    ("Weighed in", lambda o, d: o["supportingInformation"].pop(0)),
    ("Calculated dose of one infusion", lambda o, d: d["doseAndRate"][1]["doseQuantity"].update(value=Decimal("41.01"))),
    ("Calculated dose of one infusion", lambda o, d: set_part(basis(d), "courseDosePerWeight", "1.9")),
    ("Calculated dose of one infusion", lambda o, d: set_part(basis(d), "infusions", 5)),
    ("Grams per kilogram of one infusion", lambda o, d: set_part(basis(d), "dosePerWeight", "2")),
    ("Dose of one infusion", lambda o, d: d["doseAndRate"][0]["doseQuantity"].update(value=Decimal(45))),
    ("Dose of one infusion", lambda o, d: d["doseAndRate"][0]["doseQuantity"].update(value=Decimal(160))),
    ("Dose of one infusion", lambda o, d: set_part(basis(d), "roundingIncrement", "1")),
    ("Volume of one infusion", lambda o, d: set_part(parts(d, INFUSION_VOLUME), "volume", "800")),
    ("Volume of one infusion", lambda o, d: set_part(parts(d, INFUSION_VOLUME), "concentration", "50")),
    ("Step 1", lambda o, d: set_part(parts(d, RATE_STEP), "rateCalculated", "99")),
    ("Step 1", lambda o, d: set_part(parts(d, RATE_STEP), "volumeCalculated", "50")),
    ("Step 1", lambda o, d: set_part(parts(d, RATE_STEP), "rateOrdered", "1.3")),
    ("Step 1", lambda o, d: set_part(parts(d, RATE_STEP), "duration", "15")),
    ("Step 3", lambda o, d: set_part(parts(d, RATE_STEP, 2), "rateOrdered", "4.9")),
    ("Step 1", lambda o, d: set_part(parts(d, RATE_BASIS), "ladder", "ITP")),
    ("Step 2", lambda o, d: d["extension"].pop(1)),
    ("Lowest and highest rate", lambda o, d: d["doseAndRate"][0]["rateRange"]["high"].update(value=Decimal(390))),
    ("Label maximum", lambda o, d: d["doseAndRate"][0]["rateRange"]["high"].update(value=Decimal(394))),
    ("Infusions", lambda o, d: d["timing"]["event"].pop()),
    ("Infusions", lambda o, d: d["timing"].update(event=["2026-03-02", "2026-03-02", "2026-03-03", "2026-03-04"])),
    ("Daily repeat", lambda o, d: d["timing"]["repeat"].update(count=5)),
    ("Grams to supply", lambda o, d: o["dispenseRequest"]["quantity"].update(value=Decimal(320))),
    ("Most in one infusion", lambda o, d: d["maxDosePerAdministration"].update(value=Decimal(160))),
    ("Most in a course", lambda o, d: d["maxDosePerPeriod"]["numerator"].update(value=Decimal(640))),
    ("Rate steps", lambda o, d: d.pop("extension")),
    ("Dose of one infusion", lambda o, d: o["dosageInstruction"].append(deepcopy(d))),
]


@pytest.mark.parametrize(("what", "plant"), PLANTED, ids=[f"{n}-{what}" for n, (what, _) in enumerate(PLANTED)])
def test_a_planted_fault_in_the_stored_order_is_caught(what: str, plant: Change, order: dict[str, Any]) -> None:
    plant(order, order["dosageInstruction"][0])
    assert what in wrong(order)


def fewer_cycles(order: dict[str, Any]) -> None:
    set_part(parts(order["dosageInstruction"][0], SERIES), "cycles", 3)


def other_interval(order: dict[str, Any]) -> None:
    set_part(parts(order["dosageInstruction"][0], SERIES), "interval", "2")


def unreadable_interval(order: dict[str, Any]) -> None:
    next(p for p in parts(order["dosageInstruction"][0], SERIES) if p["url"] == "interval")["valueQuantity"]["code"] = "mo"


def one_day_moved(order: dict[str, Any]) -> None:
    order["dosageInstruction"][0]["timing"]["event"][2] = "2026-03-22"


def test_a_series_agrees_and_shows_how_long_it_is() -> None:
    order = stored(series=4, days=2, per_kg="1")
    assert wrong(order) == []
    assert recalculated(order)["Series"].recomputed == "4 courses over 65 days"
    assert "Series" not in recalculated(stored())


@pytest.mark.parametrize("plant", [fewer_cycles, other_interval, unreadable_interval, one_day_moved])
def test_a_fault_in_a_stored_series_is_caught(plant: Callable[[dict[str, Any]], None]) -> None:
    order = stored(series=4, days=2, per_kg="1")
    plant(order)
    assert "Series" in wrong(order)


def test_a_series_that_the_ehr_stored_without_its_interval_still_has_its_dates() -> None:
    order = stored(series=4, days=2, per_kg="1")
    dosage = order["dosageInstruction"][0]
    dosage["extension"] = [e for e in dosage["extension"] if not e["url"].endswith(SERIES)]
    assert wrong(order) == []


def change_weight(value: str, unit: str = "kg", **more: Any) -> list[dict[str, Any]]:
    return [record()[0], observation("weight-1", "29463-7", value, unit, **more), record()[2]]


@pytest.mark.parametrize(
    "read",
    [
        change_weight("820", "kg"),
        change_weight("82.0", "[lb_av]"),
        change_weight("82.0", "kg", status="preliminary"),
        change_weight("82.0", "kg", status="entered-in-error"),
        change_weight("82.0", "cm"),
        change_weight("82.0", "kg", code={"coding": [{"system": "http://loinc.org", "code": "8302-2"}]}),
        [record()[0]],
    ],
    ids=["ten times", "pounds", "preliminary", "wrong", "no weight unit", "a height", "gone"],
)
def test_a_weight_that_the_record_does_not_bear_out_is_caught(read: list[dict[str, Any]], order: dict[str, Any]) -> None:
    assert "Dosing weight" in wrong(order, read)


def test_another_patients_weight_is_caught(order: dict[str, Any]) -> None:
    assert "Patient" in wrong(order, change_weight("82.0", "kg", subject={"reference": "Patient/other"}))


def test_pounds_are_converted_exactly(order: dict[str, Any]) -> None:
    assert wrong(order, change_weight("180.779", "[lb_av]")) == []  # 82.0000... kg, 82.0 to a tenth


def heavy(policy: str, used: str, kg: str) -> dict[str, Any]:
    held: WeightCalculation = replace(weight("120.0"), used=used, policy=policy, dosing_kg=Decimal(kg))
    return stored(kg=kg, weight=held, used={"Observation/weight-1": "w", "Observation/height-1": "h"})


# A man of 180 cm and 120 kg: ideal 50 + 2.3 x (180/2.54 - 60) = 75.0, BMI 37.0.
@pytest.mark.parametrize(
    ("policy", "used", "kg"),
    [
        ("adj-bmi30", "adjusted", "93.0"),
        ("adj-bmi30-0.5", "adjusted", "97.5"),
        ("adj-120ibw", "adjusted", "93.0"),
        ("adj-130ibw", "adjusted", "93.0"),
        ("ibw", "ideal", "75.0"),
        ("ddw-always-if-heavier", "adjusted", "93.0"),
        ("actual", "actual", "120.0"),
    ],
)
def test_each_policy_gives_the_weight_that_its_words_say(policy: str, used: str, kg: str) -> None:
    read = [record()[0], observation("weight-1", "29463-7", "120", "kg"), record()[2]]
    assert wrong(heavy(policy, used, kg), read) == []
    assert "Dosing weight" in wrong(heavy(policy, "actual" if used != "actual" else "adjusted", kg), read)


@pytest.mark.parametrize(
    "change",
    [{"gender": "unknown"}, {"birthDate": "2010-06-14"}, {"birthDate": None}],
)
def test_without_sex_or_adult_age_every_policy_is_the_actual_weight(change: dict[str, Any]) -> None:
    read = [{**record()[0], **change}, observation("weight-1", "29463-7", "120", "kg"), record()[2]]
    unborn = ["Birth date or sex is missing"] if change.get("birthDate", "") is None else []
    assert wrong(heavy("adj-bmi30", "actual", "120.0"), read) == unborn
    assert "Dosing weight" in wrong(heavy("adj-bmi30", "adjusted", "93.0"), read)


@pytest.mark.parametrize(("cm", "used", "kg"), [("152.3", "actual", "120.0"), ("152.4", "adjusted", "78.0")])
def test_below_the_least_height_the_weight_is_the_actual_one(cm: str, used: str, kg: str) -> None:
    read = [record()[0], observation("weight-1", "29463-7", "120", "kg"), observation("height-1", "8302-2", cm, "cm")]
    assert wrong(heavy("adj-bmi30", used, kg), read) == []


def test_a_stated_weight_cannot_be_recalculated_and_says_so() -> None:
    order = stored(weight=replace(weight(), used="stated", basis="other"))
    told = recalculated(order)
    assert told["Dosing weight"].agrees is None
    assert wrong(order) == []


def test_an_order_that_is_no_order_of_ours_never_agrees() -> None:
    foreign = {
        "resourceType": "MedicationRequest",
        "subject": {"reference": "Patient/cidp-adult"},
        "dosageInstruction": [{"text": "IVIG 40 g"}],
    }
    assert {"Product", "Dosing weight", "Dose of one infusion", "Rate steps", "Infusions"} <= set(wrong(foreign))
    assert wrong({"resourceType": "MedicationRequest"})
