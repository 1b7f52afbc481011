"""Pages as HTML that prints and as Markdown: whole, escaped, each source reachable from the line that it carries."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from ivig_fhir.content.document import Cites, Document, Grid, Heading, Items, Link, Sentence, Sources, as_html, as_markdown

DOCUMENT = Document(
    "A & B",
    (
        Sentence("Not <reviewed>.", loud=True),
        Heading("Doses"),
        Grid(("", ""), (("dose", "2 | 3 * 4"),)),
        Sources(Cites(("label-a",), "V")),
        Items(("one_two", "three")),
        Grid(("page",), ((Link("T [x]", "a/t.md"),),)),
        Heading("Sources"),
        Grid(("key", "title"), (("label-a", "A"),), ("label-a",)),
    ),
)


class Tags(HTMLParser):
    """Whether every tag that opens is closed, and which ids and links there are."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        self.ids += [has["id"] or ""] if "id" in has else []
        self.links += [(has["href"] or "").removeprefix("#")] if "href" in has else []
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_whole_escaped_and_needs_nothing_else() -> None:
    made = as_html((DOCUMENT, DOCUMENT), "Two < three")
    assert Tags(made).open == []
    assert "<title>Two &lt; three</title>" in made
    assert "Not &lt;reviewed&gt;." in made
    assert not re.search(r"src=|url\(|<script|<link", made.replace("class=src", ""))
    assert "@media print" in made


def test_each_source_is_reached_from_its_own_page_alone() -> None:
    tags = Tags(as_html((DOCUMENT, DOCUMENT), "x"))
    assert [x for x in tags.links if x != "a/t.md"] == tags.ids == ["p1-label-a", "p2-label-a"]


@pytest.mark.parametrize(
    "said",
    [
        "# A & B",
        "**Not \\<reviewed>.**",
        "## Doses",
        "| dose | 2 \\| 3 \\* 4 |",
        "- one\\_two",
        "| [T \\[x]](a/t.md) |",
        "Source: label-a (V)",
    ],
)
def test_markdown_keeps_words_as_words(said: str) -> None:
    assert said in as_markdown(DOCUMENT).splitlines()
