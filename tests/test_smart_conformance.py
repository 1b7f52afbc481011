"""docs/generated/smart-conformance.md says what the tests say now, and leaves no requirement without a test or a reason."""

from __future__ import annotations

import re
from pathlib import Path

from scripts.smart_conformance import PAGE, SET, TABLE, WHY, marks, page, shown_by

NUMBERS = {int(number) for number in TABLE["requirement"]}


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make generated`"


def test_every_requirement_has_a_test_or_a_reason_and_never_both() -> None:
    shown = set(shown_by())
    assert {number for number in NUMBERS if number not in shown and number not in WHY} == set()
    assert shown & set(WHY) == set()
    assert set(WHY) <= NUMBERS


def test_every_mark_names_a_requirement_that_there_is() -> None:
    for name, file, test in marks():
        assert name.startswith(f"{SET}@"), (file, test)
        assert int(name.removeprefix(f"{SET}@")) in NUMBERS, (file, test, name)


def test_every_level_is_one_of_the_specification_and_every_row_is_on_the_page() -> None:
    text = page()
    for number, (level, what) in TABLE["requirement"].items():
        assert level in ("SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY"), number
        assert re.search(rf"\| {re.escape(SET)}@{number} \| {level} \|", text.replace("\\", "")), (number, what)


def test_a_mark_is_found_in_its_long_and_in_its_short_form(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_x.py").write_text('@pytest.mark.requirement("a@1", "@2")\ndef test_y():\n    pass\n')
    assert list(marks(folder)) == [("a@1", "tests/test_x.py", "test_y"), ("a@2", "tests/test_x.py", "test_y")]
