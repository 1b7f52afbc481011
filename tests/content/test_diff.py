"""Two versions compared: matched by id, in words, nothing missed and nothing made up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ivig_fhir.content.diff import Change, compare
from ivig_fhir.content.load import read_folder
from ivig_fhir.content.wording import labelled, shown

ORDER_SETS = Path(__file__).resolve().parents[2] / "order_sets"
BEFORE = read_folder(ORDER_SETS)
CIDP = "indications/cidp.toml"


def changed(change: Callable[[str, str, str], Path], name: str, old: str, new: str) -> list[Change]:
    return list(compare(BEFORE, read_folder(change(name, old, new))))


def without_releases(changes: list[Change]) -> list[Change]:
    return [c for c in changes if not c.file.startswith("releases/")]


EXAMPLES = [
    (CIDP, "dose_g_kg = [2, 2]", "dose_g_kg = [1, 2]", [("regimen cidp-load, dose (g/kg)", "changed", "2", "1 to 2")]),
    (CIDP, "default_days = 4", "default_days = 5", [("regimen cidp-load, default (days)", "changed", "4", "5")]),
    ("products/privigen.toml", "vials_g = [5, 10, 20, 40]", "vials_g = [5, 10, 20]",
     [("vials (g)", "changed", "5, 10, 20, 40", "5, 10, 20")]),
    ("products/privigen.toml", 'max_ml_kg_h = "4.8"', 'max_ml_kg_h = "4.2"',
     [("ladder PI, CIDP 100, max (mL/kg/h)", "changed", "4.8", "4.2")]),
    ("checks/renal.toml", "warn_below = 60", "warn_below = 45",
     [("check renal.reduced-function, thresholds, warn below", "changed", "60", "45")]),
    ("checks/renal.toml", 'citations = ["label-qivigy", "fda-renal-letter-1998", "label-privigen", "established"]',
     'citations = ["label-qivigy", "label-octagam", "label-privigen", "established"]',
     [("check renal.acute-kidney-injury, citations", "removed", "fda-renal-letter-1998", ""),
      ("check renal.acute-kidney-injury, citations", "added", "", "label-octagam")]),
    ("value_sets/indication-mg.csv", "icd10cm,G70.01,", "icd10cm,G70.02,", "code"),
    ("checks/renal.toml", "# Are the kidneys", "# Is it that the kidneys", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "expected"), EXAMPLES, ids=[f"{e[0]}:{e[1][:20]}" for e in EXAMPLES])
def test_a_change_is_named_by_id_key_old_and_new(
    change: Callable[[str, str, str], Path], name: str, old: str, new: str, expected: list[tuple[str, str, str, str]] | str
) -> None:
    found = without_releases(changed(change, name, old, new))
    assert {c.file for c in found} <= {name}
    if isinstance(expected, str):
        assert [c.kind for c in found] == ["added", "removed"]
        assert all("G70.0" in c.where and c.where.startswith(expected) for c in found)
    else:
        assert [(c.where, c.kind, c.old, c.new) for c in found] == expected


def test_what_only_moved_is_no_change(folder: Path) -> None:
    path = folder / "checks" / "renal.toml"
    head, first, *rest = path.read_text(encoding="utf-8").split("[[check]]")
    path.write_text("[[check]]".join([head, *rest, first]), encoding="utf-8")
    assert without_releases(list(compare(BEFORE, read_folder(folder)))) == []


def test_a_table_that_came_or_went_is_one_change(folder: Path) -> None:
    path = folder / "checks" / "renal.toml"
    head, _, *rest = path.read_text(encoding="utf-8").split("[[check]]")
    path.write_text("[[check]]".join([head, *rest]), encoding="utf-8")
    [gone] = without_releases(list(compare(BEFORE, read_folder(folder))))
    assert (gone.where, gone.kind) == ("check renal.acute-kidney-injury", "removed")
    [back] = without_releases(list(compare(read_folder(folder), BEFORE)))
    assert (back.where, back.kind, back.new) == (gone.where, "added", gone.old)


def test_a_file_that_came_or_went_is_one_change_with_its_title(folder: Path) -> None:
    (folder / CIDP).unlink()
    [gone] = without_releases(list(compare(BEFORE, read_folder(folder))))
    assert (gone.file, gone.where, gone.kind) == (CIDP, "", "removed")
    assert "CIDP" in gone.old


def test_the_same_content_has_no_change() -> None:
    assert compare(BEFORE, BEFORE) == ()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("dose_g_kg", "dose (g/kg)"),
        ("max_ml_kg_h", "max (mL/kg/h)"),
        ("warn_days", "warn (days)"),
        ("ml_kg_h", "mL/kg/h"),
        ("says", "says"),
    ],
)
def test_keys_are_read_as_words_with_their_unit(key: str, words: str) -> None:
    assert labelled(key) == words


def test_values_are_read_on_one_line() -> None:
    assert shown({"id": "x", "printed": True, "days": [1, 2], "vials_g": [5, 10]}) == "id: x; printed: yes; days: 1 to 2; vials (g): 5, 10"
    assert shown(None) == ""
