"""`ivig-fhir content render`: one file that prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ivig_fhir.content.load import load_content

Ivig = Callable[..., Any]


def test_everything_is_rendered_into_one_file(ivig: Ivig, folder: Path, tmp_path: Path) -> None:
    said = ivig("content", "render", "-o", str(tmp_path / "all.html"))
    content = load_content(folder)
    made = (tmp_path / "all.html").read_text(encoding="utf-8")
    assert (said.code, said.out) == (0, "")
    assert made.count("<article>") == len(content.order_sets) + len(content.products) + len(content.checks) + 3
    assert made.count("<p class=loud>This content has not been clinically reviewed.") == made.count("<article>")


def test_what_is_asked_for_is_rendered_in_that_order(ivig: Ivig) -> None:
    made = ivig("content", "render", "privigen", "renal.reduced-function", "cidp").out
    assert [made.index(title) for title in ("<h1>Privigen", "<h1>B02 ", "<h1>Chronic inflammatory")] == sorted(
        made.index(title) for title in ("<h1>Privigen", "<h1>B02 ", "<h1>Chronic inflammatory")
    )


def test_an_id_that_is_not_there_is_refused(ivig: Ivig) -> None:
    refused = ivig("content", "render", "scurvy")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "ivig-fhir: E-42 scurvy is no order set, product or check.\n"


def test_a_file_that_cannot_be_written_is_named(ivig: Ivig, tmp_path: Path) -> None:
    refused = ivig("content", "render", "cidp", "-o", str(tmp_path / "no" / "cidp.html"))
    assert refused.code == 2
    assert re.fullmatch(r"ivig-fhir: E-41 The file .*cidp.html cannot be written.\n", refused.err)
