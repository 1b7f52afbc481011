"""`ivig-fhir content policies`: what each published policy gives for one patient, never above the actual weight."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.content.load import load_content

Ivig = Callable[..., Any]
ORDER_SETS = Path(__file__).resolve().parents[2] / "order_sets"
# Grams of a course of 2 g/kg, to the gram, by policy. The last patient is below her ideal weight, and nobody doses above the actual one.
PUBLISHED = {
    "M 175 cm 85 kg": {"actual": 170, "ibw": 141, "ddw-always-if-heavier": 153, "adj-120ibw": 153, "adj-bmi30": 170},
    "M 175 cm 120 kg": {"actual": 240, "ibw": 141, "ddw-always-if-heavier": 181, "adj-120ibw": 181, "adj-bmi30": 181},
    "F 160 cm 75 kg": {"actual": 150, "ibw": 105, "ddw-always-if-heavier": 123, "adj-120ibw": 123, "adj-bmi30": 150},
    "F 158 cm 110 kg": {"actual": 220, "ibw": 101, "ddw-always-if-heavier": 149, "adj-120ibw": 149, "adj-bmi30": 149},
    "F 165 cm 50 kg": {"actual": 100, "ibw": 100, "ddw-always-if-heavier": 100, "adj-120ibw": 100, "adj-bmi30": 100},
}


def compared(ivig: Ivig, *words: str) -> dict[str, Any]:
    said = ivig("content", "policies", "--format", "json", *words)
    assert said.code == 0, said.err
    return json.loads(said.out)


@pytest.mark.parametrize("patient", PUBLISHED)
def test_each_policy_gives_what_its_publisher_would_and_never_more_than_the_actual_weight(ivig: Ivig, patient: str) -> None:
    rows = {r["policy"]: r for r in compared(ivig, "--patient", patient)["policies"]}
    grams = {policy: round(Decimal(rows[policy]["calculated_course_g"])) for policy in PUBLISHED[patient]}
    assert grams == PUBLISHED[patient]
    assert all(Decimal(r["from_actual_percent"]) <= 0 for r in rows.values())
    assert all(r["version"] for r in rows.values())


def test_every_policy_of_the_content_is_a_row_and_no_other(ivig: Ivig) -> None:
    rows = compared(ivig, "--patient", "M 175 cm 85 kg")["policies"]
    assert [r["policy"] for r in rows] == list(load_content(ORDER_SETS).weight_policies)
    assert {r["policy"] for r in rows} == {*PUBLISHED["M 175 cm 85 kg"], "adj-bmi30-0.5", "adj-130ibw"}


@pytest.mark.parametrize("patient", ["M 175 cm 70.4 kg", "M 175 cm 70.6 kg", "F 165 cm 40 kg", "M 150 cm 90 kg", "F 160 cm 250 kg"])
def test_no_policy_doses_above_the_actual_weight(ivig: Ivig, patient: str) -> None:
    made = compared(ivig, "--patient", patient)
    assert [r["policy"] for r in made["policies"] if Decimal(r["dosing_kg"]) > Decimal(made["patient"]["actual_kg"])] == []


def test_published_rules_that_are_no_policy_are_named_below_the_table(ivig: Ivig) -> None:
    """Of the published table two columns have no id: the form that asks for BMI or 120 %, and the calculator that starts from the ideal weight."""
    asked = ("--patient", "F 160 cm 75 kg")
    lines = ivig("content", "policies", *asked).out.splitlines()
    [foot] = [line for line in lines if line.startswith("Published elsewhere and not worked out here: ")]
    assert lines.index(foot) > max(n for n, line in enumerate(lines) if line.startswith("ddw-always-if-heavier"))
    for said in ("a request form of an NHS trust", "onlycalculators.com"):
        assert said in foot
    assert "No policy doses above the actual weight" in lines[lines.index(foot) - 1]
    named = compared(ivig, *asked)["not_computed"]
    assert [n["citations"] for n in named] == [["nhs-request-form"], ["onlycalculators"]]


def test_with_an_indication_the_vials_of_each_infusion_and_the_waste_are_shown(ivig: Ivig, tmp_path: Path) -> None:
    chosen = tmp_path / "select.json"
    chosen.write_text('{"indication": "cidp", "product": "privigen", "days": 5}', encoding="utf-8")
    made = compared(ivig, "--patient", "male 175 cm 120 kg", "--select", str(chosen))
    row = next(r for r in made["policies"] if r["policy"] == "adj-bmi30")
    assert (made["per_kg"], made["days"], made["product"]) == ("2", 5, "Privigen")
    assert (row["dosing_kg"], row["calculated_course_g"], row["per_infusion_g"], row["course_g"]) == ("90.3", "180.60", "35", "175")
    assert row["vials"] == [{"grams": g, "count": 1} for g in ("20", "10", "5")]
    assert row["waste_g"] == "0"


def test_the_dose_that_was_selected_is_the_one_compared(ivig: Ivig, tmp_path: Path) -> None:
    chosen = tmp_path / "select.json"
    chosen.write_text('{"dose": {"per_kg": "0.4"}}', encoding="utf-8")
    made = compared(ivig, "--patient", "male 175 cm 85 kg", "--select", str(chosen))
    assert made["per_kg"] == "0.4"
    assert made["policies"][0]["calculated_course_g"] == "34.00"
    chosen.write_text('{"dose": {"course_g": "70"}}', encoding="utf-8")
    refused = ivig("content", "policies", "--patient", "male 175 cm 85 kg", "--select", str(chosen))
    assert refused.code == 2
    assert "in grams" in refused.err


def test_the_text_names_each_policy_with_its_version_weight_and_reason(ivig: Ivig) -> None:
    lines = ivig("content", "policies", "--patient", "F 165 cm 50 kg").out.splitlines()
    assert "50 kg, 165 cm; 2 g/kg" in lines[0]
    row = next(line for line in lines if line.startswith("ibw "))
    assert row.split()[1:5] == ["1", "50.0", "actual", "100"]
    assert "not above ideal" in row


@pytest.mark.parametrize("patient", ["somebody", "male 175 cm", "175 cm 85 kg", "male 85 kg 175 cm"])
def test_a_body_that_cannot_be_read_is_refused_with_an_example(ivig: Ivig, patient: str) -> None:
    refused = ivig("content", "policies", "--patient", patient)
    assert refused.code == 2
    assert "male 175 cm 85 kg" in refused.err
