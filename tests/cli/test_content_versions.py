"""Versions of the content as commands name them: what is not there is refused in one sentence with its code, and nothing is written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.content.load import load_content

Ivig = Callable[..., Any]
TODAY = ("--now", "2026-12-01T09:00:00")


def refused(ivig: Ivig, *words: str) -> str:
    """What a refused command says: one line with a code, nothing on standard output."""
    said = ivig("content", *words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("ivig-fhir: E-4") and said.err.endswith(".\n") and said.err.count("\n") == 1
    return str(said.err.removeprefix("ivig-fhir: ").strip())


@pytest.mark.parametrize("unknown", ["2099.1.0", "nowhere", "", "../order_sets-old"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_version_that_there_is_not_is_refused_with_those_there_are(ivig: Ivig, folder: Path, unknown: str, place: int) -> None:
    asked = [str(folder), str(folder)]
    asked[place] = unknown
    expected = f"E-42 “{unknown}” is neither a folder, nor an archive, nor a release; released here: "
    assert refused(ivig, "diff", *asked) == f"{expected}none."
    assert ivig("content", "release", *TODAY).code == 0
    assert refused(ivig, "diff", *asked) == f"{expected}{load_content(folder).version}."
    assert refused(ivig, "diff", *asked, "--format", "json") == f"{expected}{load_content(folder).version}."


def test_a_folder_or_a_file_that_holds_no_content_is_content_that_does_not_load(ivig: Ivig, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("not content", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("photo.jpg", b"\xff\xd8")
    assert refused(ivig, "diff", str(tmp_path / "empty"), str(folder)).startswith("E-40 ")
    for name in ("notes.txt", "other.zip"):
        assert refused(ivig, "diff", str(folder), str(tmp_path / name)) == f"E-40 {tmp_path / name} is not an archive of clinical content."


def test_a_version_whose_files_cannot_be_read_is_content_that_does_not_load(ivig: Ivig, folder: Path, tmp_path: Path) -> None:
    for name, data in {"latin.toml": b'title = "Guillain-Barr\xe9"\n', "torn.toml": b"title = \n"}.items():
        broken = tmp_path / name.partition(".")[0]
        broken.mkdir()
        (broken / "release.toml").write_bytes(data)
        assert refused(ivig, "diff", str(folder), str(broken)).startswith("E-40 release.toml")


def test_what_was_released_is_neither_released_nor_raised_again(ivig: Ivig, folder: Path) -> None:
    ivig("content", "release", *TODAY)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    for part in ("release", "raise"):
        assert refused(ivig, part, *TODAY).startswith(f"E-40 {load_content(folder).version} was released before.")
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_ids_of_an_order_that_content_does_not_have_are_refused(ivig: Ivig) -> None:
    for asked in (("--product", "privigen"), ("--product", "privigen", "--indication", "gout"), ("--product", "x", "--indication", "cidp")):
        assert refused(ivig, "check", *asked) == "E-42 --indication and --product go together, and must be ids of the content."
