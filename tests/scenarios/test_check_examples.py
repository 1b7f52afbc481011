"""Every example of a check, from its FHIR record through a whole proposal, makes its own branch speak."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivig_fhir.content.load import load_content
from scripts.scenarios import Example, examples, missing, proposed, said, spoken

CONTENT = load_content(Path(__file__).resolve().parents[2] / "order_sets")
EXAMPLES = examples()
# Branches that nothing in the shipped content can make speak, and why.
SILENT = {
    "indication.off-label/regimen-selected": "no regimen has tier C of its own",
    "dose.above-maximum/day": "no order set has a maximum of grams per kilogram and day",
}
USUAL = Example("", "", (), (), {}, {}, {}, "")


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.name for e in EXAMPLES])
def test_the_branch_of_an_example_speaks_and_its_usual_patient_is_silent(example: Example) -> None:
    found = spoken(example, proposed(example, CONTENT), CONTENT)
    assert found is not None
    assert found.message
    assert all(said(example, CONTENT))


def test_the_usual_patient_has_nothing_that_asks_for_a_reason() -> None:
    made = proposed(USUAL, CONTENT)
    assert made.outcome == "proposed"
    assert not [f for f in made.findings if f.severity in ("override", "hard-stop")]


def test_every_branch_that_can_speak_has_its_example() -> None:
    assert set(missing(EXAMPLES, CONTENT)) == set(SILENT)


@pytest.mark.parametrize("name", [e.name for e in EXAMPLES])
def test_an_example_is_of_a_branch_that_there_is(name: str) -> None:
    check, _, branch = name.partition("/")
    assert branch in CONTENT.checks[check].severity


def test_the_branches_that_keep_silent_do_so_for_the_reason_given() -> None:
    sets = CONTENT.order_sets.values()
    assert not any(r.tier == "C" for s in sets for r in s.regimens)
    assert not any("per_day_g_kg" in s.maximum for s in sets)


def test_a_line_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line of a scenario"):
        proposed(Example("x", "y", ("creatinine is high",), (), {}, {}, {}, ""), CONTENT)
