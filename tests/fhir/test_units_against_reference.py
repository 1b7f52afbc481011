"""The table of units against the reference: every conversion, every accepted unit of every panel, every spelling."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.content.load import load_content
from ivig_fhir.fhir import units
from ivig_fhir.fhir.quantity import Quantity
from ivig_fhir.fhir.units import code_of, convert

D = Decimal
ORDER_SETS = Path(__file__).resolve().parents[2] / "order_sets"
# The analytes of the reference as substances of the table; a unit pair without one is pure geometry.
SUBSTANCES = {
    "creatinine": ("creatinine",),
    "IgG, IgA, IgM": ("igg", "iga", "igm"),
    "urea -> BUN": ("bun",),
    "urea mass -> BUN": ("urea",),
    "glucose": ("glucose",),
    "bilirubin": ("bilirubin-total", "bilirubin-direct"),
    "triglycerides": ("triglycerides",),
    "hemoglobin": ("hemoglobin",),
    "temperature": ("temperature",),
    None: ("",),
}
OWN_SPELLINGS = {"mm"}  # millimetres of a height, which the panel accepts


@pytest.fixture(scope="module")
def checks(shared: Path) -> dict[str, Any]:
    """The reference of the checks."""
    yaml = pytest.importorskip("yaml")
    return dict(yaml.safe_load((shared / "reference" / "checks.yaml").read_text(encoding="utf-8")))


def test_every_conversion_of_the_reference_gives_its_examples(checks: dict[str, Any]) -> None:
    rows = checks["unit_conversions"]
    assert len(rows) == 12
    for row in rows:
        for substance in SUBSTANCES[row.get("analyte")]:
            for value, expected in row["examples"]:
                made = convert(Quantity(D(str(value)), row["from_"].split()[0]), row["to"].split()[0], substance).value
                assert abs(made - D(str(expected))) <= D("0.00005"), (row, substance)


def test_factors_of_the_reference_are_those_of_the_table_exactly(checks: dict[str, Any]) -> None:
    for row in checks["unit_conversions"]:
        source, target = row["from_"].split()[0], row["to"].split()[0]
        for substance in SUBSTANCES[row.get("analyte")]:
            one = convert(Quantity(D(1), source), target, substance).value
            if "factor" in row:
                assert one == D(str(row["factor"])), row
            elif "divide_by" in row:
                assert one == 1 / D(str(row["divide_by"])), row


def test_every_accepted_unit_of_every_panel_converts_by_the_factor_of_the_reference(checks: dict[str, Any]) -> None:
    panels = load_content(ORDER_SETS).panels
    compared = 0
    for id_, theirs in checks["observation_panel"].items():
        panel = panels[id_.replace("_", "-")]
        for unit, factor in theirs["accepted_units"].items():
            if unit not in panel.accepted:
                assert (id_, unit) in {("serum_viscosity", "1"), ("serum_viscosity", "{ratio}")}  # a ratio is no viscosity
            elif factor == "F":
                assert convert(Quantity(D("98.6"), unit), panel.unit, panel.id).value == 37
            else:
                made, expected = convert(Quantity(D(1), unit), panel.unit, panel.id).value, D(str(factor))
                assert abs(made - expected) <= expected * D("0.000001"), (id_, unit)
                compared += 1
    assert len(checks["observation_panel"]) == len(panels) == 68
    assert compared > 100


def test_spellings_are_those_of_the_reference_and_no_others(checks: dict[str, Any]) -> None:
    theirs = {spelling: code for code, spellings in checks["unit_aliases"].items() for spelling in spellings}
    assert {s: c for s, c in units._CODE_OF.items() if s not in OWN_SPELLINGS} == theirs
    assert all(code_of(spelling) == code for spelling, code in theirs.items())


def test_thousands_per_microlitre_written_with_a_kelvin_are_understood_as_text_alone() -> None:
    assert code_of("K/uL") == "10*3/uL"
    assert not units.is_known("K/uL")
