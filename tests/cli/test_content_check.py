"""`ivig-fhir content check` and `release`: valid, signed, released, and never changed after that."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ivig_fhir.cli.versions import texts_of
from ivig_fhir.content.load import load_content, parse_content
from ivig_fhir.content.standing import all_parts, parts_of_order

Ivig = Callable[..., Any]
Change = Callable[[str, str, str], None]
TODAY = ("--now", "2026-12-01T09:00:00")


def version(folder: Path) -> str:
    return load_content(folder).version


def raise_version(change: Change, folder: Path, *names: str) -> None:
    """Gives files, and the content as a whole, the next version."""
    old = version(folder)
    for name in names:
        change(name, f'version = "{load_content_version(folder, name)}"', 'version = "2099.1.0"')
    change("release.toml", f'version = "{old}"', 'version = "2099.1.0"')


def load_content_version(folder: Path, name: str) -> str:
    return str(tomllib.loads((folder / name).read_text(encoding="utf-8"))["version"])


def test_check_says_what_there_is_and_that_nothing_is_reviewed(ivig: Ivig, folder: Path) -> None:
    said = ivig("content", "check", *TODAY)
    parts = len(all_parts(load_content(folder)))
    assert said.code == 0
    assert f"Content {version(folder)}, sha256:" in said.out
    assert f"{parts} parts, {parts} unsigned" in said.out
    assert "Nothing was released yet" in said.out


def test_what_is_to_sign_loads_as_a_site_file_only_once_it_is_filled_in(ivig: Ivig, folder: Path, tmp_path: Path) -> None:
    printed = ivig("content", "check", "--to-sign", "--indication", "cidp", "--product", "privigen", *TODAY).out
    content = load_content(folder)
    wanted = parts_of_order(content, content.order_sets["cidp"], content.products["privigen"])
    assert set(tomllib.loads(printed)["review"]) == {p.hash for p in wanted}
    assert all(f"# {p.name}, version {p.governance.version}" in printed for p in wanted)
    site = tmp_path / "site.toml"
    site.write_text(printed, encoding="utf-8")
    refused = ivig("content", "check", "--site", str(site), *TODAY)
    assert refused.code == 2
    assert "is not a text" in refused.err
    signed = printed.replace('reviewed_by = ""', 'reviewed_by = "A pharmacist"').replace('reviewed_on = ""', 'reviewed_on = "2026-11-30"')
    site.write_text(signed.replace('expires_on = ""\n', 'expires_on = "2026-12-31"\n'), encoding="utf-8")
    asked = ("content", "check", "--site", str(site), "--indication", "cidp", "--product", "privigen", "--now")
    assert f"{len(wanted)} parts, {len(wanted)} reviewed" in ivig(*asked, "2026-12-31T09:00:00").out
    assert f"{len(wanted)} parts, {len(wanted)} expired" in ivig(*asked, "2027-01-01T09:00:00").out


def test_files_that_should_have_been_read_again_are_named(ivig: Ivig, folder: Path, change: Change) -> None:
    change("companions.toml", 'review_by = "2027-11-01"', 'review_by = "2026-11-30"')
    assert "1 files should have been read again: companions.toml" in ivig("content", "check", *TODAY).out


def test_a_release_is_found_again_by_its_number_and_says_what_was_released(ivig: Ivig, folder: Path) -> None:
    before = load_content(folder)
    assert ivig("content", "release", *TODAY).code == 0
    assert f"This is release {before.version} of 2026-12-01, unchanged." in ivig("content", "check", *TODAY).out
    assert parse_content(texts_of(before.version, folder)).digest == before.digest


def test_the_same_content_makes_the_same_archive(ivig: Ivig, folder: Path) -> None:
    ivig("content", "release", *TODAY)
    archive = folder / "releases" / f"{version(folder)}.zip"
    first = archive.read_bytes()
    for file in archive.parent.iterdir():
        file.unlink()
    ivig("content", "release", *TODAY)
    assert archive.read_bytes() == first


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("checks/weight.toml", 'title = "', 'title = "New: '),
        ("value_sets/ckd.csv", "Chronic kidney disease", "Chronic renal disease"),
        ("references.toml", 'publisher = "none"', 'publisher = "nobody"'),
    ],
)
def test_a_released_version_that_says_something_else_does_not_load(ivig: Ivig, change: Change, name: str, old: str, new: str) -> None:
    ivig("content", "release", *TODAY)
    change(name, old, new)
    refused = ivig("content", "check", *TODAY)
    assert refused.code == 2
    assert "never changes" in refused.err
    assert name in refused.err


def test_a_list_of_a_release_that_was_changed_does_not_load(ivig: Ivig, folder: Path, change: Change) -> None:
    ivig("content", "release", *TODAY)
    name = f"releases/{version(folder)}.toml"
    change(name, '"companions.toml" = { version = "', '"companions.toml" = { version = "9')
    assert ivig("content", "check", *TODAY).code == 0  # a label; what was said is in the hashes
    change(name, '"checks/weight.toml" = { version', '"checks/weights.toml" = { version')
    refused = ivig("content", "check", *TODAY)
    assert refused.code == 2
    assert "the list was changed" in refused.err


def test_a_version_is_released_once(ivig: Ivig, folder: Path) -> None:
    ivig("content", "release", *TODAY)
    refused = ivig("content", "release", *TODAY)
    assert refused.code == 2
    assert "released before" in refused.err


def test_a_file_that_changed_has_to_name_the_version_that_is_made(ivig: Ivig, folder: Path, change: Change) -> None:
    ivig("content", "release", *TODAY)
    raise_version(change, folder)
    change("checks/weight.toml", 'title = "', 'title = "New: ')
    change("value_sets/ckd.csv", "Chronic kidney disease", "Chronic renal disease")
    assert "not raised to 2099.1.0: checks/weight.toml, value_sets/ckd.csv" in ivig("content", "check", *TODAY).out
    refused = ivig("content", "release", *TODAY)
    assert refused.code == 2
    assert "checks/weight.toml, value_sets/ckd.csv" in refused.err
    assert ivig("content", "raise", "--now", "2026-12-02T09:00:00").out == "2 files raised to 2099.1.0\n"
    raised = load_content(folder).files
    assert raised["checks/weight.toml"].governance.version == "2099.1.0"
    assert raised["value_sets/ckd.csv"].governance.version == "2026-12-02"
    assert raised["checks/renal.toml"].governance.version != "2099.1.0"
    assert ivig("content", "release", *TODAY).code == 0


def test_a_version_that_was_released_raises_nothing(ivig: Ivig, folder: Path) -> None:
    ivig("content", "release", *TODAY)
    refused = ivig("content", "raise")
    assert refused.code == 2
    assert "released before" in refused.err


def test_a_product_alone_is_half_a_question(ivig: Ivig) -> None:
    assert ivig("content", "check", "--product", "privigen").code == 2
