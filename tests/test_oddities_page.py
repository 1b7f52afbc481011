"""docs/generated/oddities.md says what the tests say now, and every oddity has a test."""

from __future__ import annotations

from pathlib import Path

from scripts.oddities import PAGE, TABLE, marks, page, shown_by

NUMBERS = set(range(1, 59))


def test_the_page_of_oddities_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make generated`"


def test_every_oddity_is_in_the_table_and_has_a_test() -> None:
    assert {int(number) for number in TABLE} == NUMBERS
    assert set(shown_by()) == NUMBERS
    assert all(len(row) == 2 and all(row) for row in TABLE.values())


def test_a_mark_is_found_with_each_of_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("@pytest.mark.oddity(1, 2)\ndef test_y():\n    pass\n")
    assert list(marks(tmp_path)) == [(1, "test_x.py", "test_y"), (2, "test_x.py", "test_y")]
