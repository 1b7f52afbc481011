"""A page before it has a format: headings, sentences, lists and tables with their sources; as HTML that prints, or as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Cites:
    """On whose authority a line stands: keys of the sources, and the confidence mark."""

    keys: tuple[str, ...]
    mark: str


@dataclass(frozen=True, slots=True)
class Link:
    """A page beside this one."""

    text: str
    target: str


Cell = str | Cites | Link


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the title; level 2 to 4."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Sentence:
    """A paragraph; `loud` for what must not be overlooked."""

    text: str
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a head line. `anchors` name its rows, so that sources can be pointed to."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what stands above comes from."""

    cites: Cites


Block = Heading | Sentence | Items | Grid | Sources


@dataclass(frozen=True, slots=True)
class Document:
    """One page."""

    title: str
    blocks: tuple[Block, ...]


def as_html(documents: Sequence[Document], title: str) -> str:
    """One file that needs nothing else: each document begins a page of paper, and its sources are its own."""
    articles = (f"<article>\n<h1>{escape(d.title)}</h1>\n{_html(d.blocks, f'p{n}-')}\n</article>" for n, d in enumerate(documents, start=1))
    head = f'<meta charset="utf-8">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>'
    body = "\n".join(articles)
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'


def as_markdown(document: Document) -> str:
    """The same as Markdown, for a reader of the repository."""
    return f"# {document.title}\n\n" + "\n\n".join(_markdown(b) for b in document.blocks) + "\n"


def _html(blocks: Iterable[Block], page: str) -> str:
    return "\n".join(_html_block(b, page) for b in blocks)


def _html_block(block: Block, page: str) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Sentence):
        return f"<p class=loud>{escape(block.text)}</p>" if block.loud else f"<p>{escape(block.text)}</p>"
    if isinstance(block, Items):
        return "<ul>" + "".join(f"<li>{escape(i)}</li>" for i in block.items) + "</ul>"
    if isinstance(block, Sources):
        return f"<p class=src>Source: {_html_cell(block.cites, page)}</p>"
    heads = "".join(f"<th scope=col>{escape(h)}</th>" for h in block.heads)
    rows = "".join(_html_row(block, number, page) for number in range(len(block.rows)))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>" if any(block.heads) else f"<table class=kv>{rows}</table>"


def _html_row(grid: Grid, number: int, page: str) -> str:
    anchor = f' id="{page}{escape(grid.anchors[number])}"' if grid.anchors else ""
    first, *rest = (_html_cell(cell, page) for cell in grid.rows[number])
    return f"<tr{anchor}><th scope=row>{first}</th>" + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"


def _html_cell(cell: Cell, page: str) -> str:
    if isinstance(cell, str):
        return escape(cell)
    if isinstance(cell, Link):
        return f'<a href="{escape(cell.target)}">{escape(cell.text)}</a>'
    return " ".join(f'<a href="#{page}{escape(k)}">{escape(k)}</a>' for k in cell.keys) + f" ({escape(cell.mark)})"


def _markdown(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Sentence):
        return f"**{_inline(block.text)}**" if block.loud else _inline(block.text)
    if isinstance(block, Items):
        return "\n".join(f"- {_inline(i)}" for i in block.items)
    if isinstance(block, Sources):
        return f"Source: {_markdown_cell(block.cites)}"
    lines = [block.heads, tuple("---" for _ in block.heads), *(tuple(map(_markdown_cell, row)) for row in block.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown_cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return _inline(cell).replace("|", "\\|")
    if isinstance(cell, Link):
        return f"[{_markdown_cell(cell.text)}]({cell.target})"
    return f"{', '.join(cell.keys)} ({cell.mark})"


def _inline(text: str) -> str:
    """Words as words: what Markdown would read as its own signs is kept as it is written."""
    for sign in ("\\", "*", "_", "<", "`", "["):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


_STYLE = """
:root{color-scheme:light}
body{font:11pt/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#111}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:1.6rem;border-bottom:1px solid #999}h3{font-size:1rem}
table{border-collapse:collapse;width:100%;margin:.6rem 0}
th,td{border:1px solid #999;padding:.25rem .5rem;text-align:left;vertical-align:top}
thead th{background:#eee}tbody th{font-weight:400}
.kv th{width:14rem;font-weight:400}
.src{font-size:.85em;color:#444}.loud{border:2px solid #111;padding:.4rem .7rem;font-weight:700}
@media print{body{font-size:9.5pt;margin:0;max-width:none}article{break-before:page}article:first-child{break-before:auto}
tr,ul,.loud{break-inside:avoid}thead{display:table-header-group}a{color:inherit;text-decoration:none}}
"""
