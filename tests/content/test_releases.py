"""The released versions that lie beside the content: whole, unchanged, and found again in their archives."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivig_fhir.cli.versions import latest_release, releases, texts_of
from ivig_fhir.content.files import CSV, parse_toml
from ivig_fhir.content.hashing import hash_of
from ivig_fhir.content.load import load_content
from ivig_fhir.content.releases import differences, name_of, read_release
from ivig_fhir.content.value_sets import parse_rows

ORDER_SETS = Path(__file__).resolve().parents[2] / "order_sets"
VERSIONS = releases(ORDER_SETS)


def test_there_is_a_release_to_compare_with() -> None:
    assert VERSIONS
    newest = latest_release(ORDER_SETS)
    assert newest is not None
    assert newest.version == VERSIONS[-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_archive_of_a_release_says_what_its_list_says(version: str) -> None:
    name = name_of(version)
    release = read_release(parse_toml((ORDER_SETS / name).read_text(encoding="utf-8"), name), name)
    texts = texts_of(version, ORDER_SETS)
    assert set(texts) == set(release.files)
    for file, text in texts.items():
        if file.endswith(CSV):
            heads, rows = parse_rows(text, file)
            said = hash_of([heads, [list(r) for r in rows]])
        else:
            said = hash_of(parse_toml(text, file))
        assert said == release.files[file].hash, file


def test_content_that_names_a_released_version_is_that_release() -> None:
    content = load_content(ORDER_SETS)
    if content.version in VERSIONS:
        name = name_of(content.version)
        assert differences(read_release(parse_toml((ORDER_SETS / name).read_text(encoding="utf-8"), name), name), content.files) == ()
