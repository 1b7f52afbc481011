"""Every page says what the content is worth: its version, and that nobody has reviewed it, until a site has signed all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ivig_fhir.app import content_and_site, create_app
from ivig_fhir.content.standing import all_parts
from ivig_fhir.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
UNREVIEWED, IN_PART = "This content has not been clinically reviewed.", "Part of this content has not been clinically reviewed."


def settings(tmp_path: Path, signed: int = 0) -> Settings:
    """The demo, with a site file that signed so many parts of the content."""
    plain = Settings.from_env({})
    content, _ = content_and_site(plain)
    blocks = [f'[review."{p.hash}"]\nreviewed_by = "x"\nreviewed_on = "2026-01-02"\n' for p in all_parts(content)[:signed]]
    (tmp_path / "site.toml").write_text("\n".join(blocks), encoding="utf-8")
    key = "test:" + "A" * 43 + "="
    env = {"IVIG_SITE": str(tmp_path / "site.toml"), "IVIG_SECRET_KEYS": key, "IVIG_DATABASE_URL": f"sqlite:///{tmp_path / 'a.sqlite'}"}
    return Settings.from_env(env)


@pytest.mark.parametrize("path", ["/", "/launch", "/no/such/page", "/s/unknown/orders/"])
def test_pages_and_error_pages_say_that_content_is_unreviewed(tmp_path: Path, path: str) -> None:
    said = create_app(settings(tmp_path)).test_client().get(path).get_data(as_text=True)
    assert re.search(rf"Content [\d.]+\. <b>{UNREVIEWED}</b>", said)


@pytest.mark.parametrize(("signed", "said"), [(1, IN_PART), (10_000, "")])
def test_the_words_follow_what_the_site_has_signed(tmp_path: Path, signed: int, said: str) -> None:
    page = create_app(settings(tmp_path, signed)).test_client().get("/").get_data(as_text=True)
    assert (said in page) if said else ("clinically reviewed.</b>" not in page)


def test_every_template_stands_in_the_layout_that_says_it_and_print_keeps_it() -> None:
    folder = ROOT / "ivig_fhir" / "web"
    bare = [t.name for t in (folder / "templates").glob("*.html") if '{% extends "layout.html" %}' not in t.read_text(encoding="utf-8")]
    assert sorted(bare) == ["claim.html", "layout.html", "paper.html", "parts.html"]  # the others are parts of pages
    assert not any("block strip" in t.read_text(encoding="utf-8") for t in (folder / "templates").glob("*.html") if t.name != "layout.html")
    printed = (folder / "static" / "style.css").read_text(encoding="utf-8").partition("@media print{")[2].splitlines()[0]
    assert ".strip" not in printed.partition("{display:none}")[0].rpartition("}")[2]


def test_a_printed_sheet_without_the_strip_says_it_beside_the_patient() -> None:
    folder = ROOT / "ivig_fhir" / "web" / "templates"
    printed = {t.name: t.read_text(encoding="utf-8") for t in folder.glob("*.html") if "paper.css" in t.read_text(encoding="utf-8")}
    assert sorted(printed) == ["by_hand.html", "sheet.html", "verification_sheet.html"]
    assert "{{ unreviewed }}" in (folder / "paper.html").read_text(encoding="utf-8")
    assert all("{{ unreviewed }}" in text or "{{ identity(" in text for text in printed.values())
