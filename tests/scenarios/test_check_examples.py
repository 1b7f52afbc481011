"""Every example of a check, from its FHIR record through a whole proposal, makes its own branch speak."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivig_fhir.content.load import load_content
from scripts.scenarios import Example, examples, proposed, said, spoken

CONTENT = load_content(Path(__file__).resolve().parents[2] / "order_sets")
EXAMPLES = examples()
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


def test_each_branch_has_one_example() -> None:
    names = [e.name for e in EXAMPLES]
    assert len(names) == len(set(names))


def test_a_line_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="not a line of a scenario"):
        proposed(Example("x", "y", ("creatinine is high",), (), {}, {}, {}, ""), CONTENT)
