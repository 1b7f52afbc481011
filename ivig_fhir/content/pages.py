"""Content files as pages: everything that a file says, in its own order, each part with its sources, and who has reviewed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ivig_fhir.content.document import Block, Cell, Cites, Document, Grid, Heading, Items, Sentence, Sources
from ivig_fhir.content.files import CSV, Texts, parse_toml
from ivig_fhir.content.governance import KEYS
from ivig_fhir.content.model import Content
from ivig_fhir.content.site import Site
from ivig_fhir.content.standing import Standing, all_parts, standings
from ivig_fhir.content.value_sets import table_of
from ivig_fhir.content.wording import labelled, shown

Table = Mapping[str, Any]
_SOURCE = ("citations", "confidence")
_TITLES = ("name", "brand", "title")
_NAMES = ("title", "body", "code", "id")
_WIDEST, _LONGEST = 6, 80  # a list of tables with more columns or longer values reads better one by one


@dataclass(frozen=True)
class Library:
    """What pages are made from: the files as they are written, what they mean, and whose reviews count on which day."""

    texts: Texts
    content: Content
    today: date
    site: Site = field(default_factory=Site)

    def data(self, name: str) -> dict[str, Any]:
        """A file, parsed, without its head. KeyError for an unknown one."""
        text = self.texts[name]
        found = table_of(text, name) if name.endswith(CSV) else parse_toml(text, name)
        return {k: v for k, v in found.items() if k not in KEYS}


def order_set_page(id_: str, library: Library, examples: Sequence[Block] = ()) -> Document:
    """An order set with its diagnosis codes; `examples` stand before the sources. KeyError for an unknown id."""
    codes = library.data(f"value_sets/indication-{id_}.csv")["code"]
    return _before_sources(file_page(f"indications/{id_}.toml", library), [Heading("Diagnosis codes"), *_list(codes), *examples])


def product_page(id_: str, library: Library, examples: Sequence[Block] = ()) -> Document:
    """A product; `examples` stand before the sources. KeyError for an unknown id."""
    return _before_sources(file_page(f"products/{id_}.toml", library), examples)


def check_page(id_: str, library: Library, examples: Sequence[Block] = ()) -> Document:
    """A check with what it asks, its thresholds and branches; `examples` stand before the sources. KeyError for an unknown id."""
    for name in sorted(n for n in library.texts if n.startswith("checks/")):
        found = next((c for c in library.data(name).get("check", ()) if c["id"] == id_), None)
        if found:
            found = {**found, **({"threshold": library.content.checks[id_].threshold} if "threshold" in found else {})}
            return _before_sources(_page(f"{found['ref']} {found['title']}", name, found, library), examples)
    raise KeyError(id_)


def file_page(name: str, library: Library) -> Document:
    """Any file of the content. KeyError for an unknown one."""
    data = library.data(name)
    return _page(next((str(data[k]) for k in _TITLES if k in data), name), name, data, library)


def _page(title: str, name: str, data: Table, library: Library) -> Document:
    body = _table({k: v for k, v in data.items() if k not in _TITLES}, 2)
    return Document(title, (*_governance(name, library), *body, *_sources(data, library.content)))


def _governance(name: str, library: Library) -> Iterator[Block]:
    head, said = library.content.files[name].governance, library.content.constants["words"]["unreviewed"]
    parts = {p.name: p for p in all_parts(library.content)}
    part = parts.get(name) or parts["value_sets/"]
    (standing,) = standings([part], library.site, library.today)
    yield Sentence(_review(standing) or said, loud=True)
    yield Sentence(f"{name}, version {head.version}, {head.status}. Written by {head.written_by}; checked by {head.checked_by}; "
                   f"to be read again by {head.review_by}. What a reviewer signs: {part.hash}")  # fmt: skip


def _review(standing: Standing) -> str:
    """The site's valid review in words; "" when there is none."""
    review = standing.review
    if review is None or standing.problem:
        return ""
    until = f", until {review.expires_on}" if review.expires_on else ""
    return f"Reviewed for this site by {review.reviewer} on {review.reviewed_on}{until}."


def _table(data: Table, level: int, key: str = "") -> Iterator[Block]:
    """A table's plain values and lists first, with their sources, then the tables inside it, each under its heading."""
    rows = [(labelled(k), shown(v, key or k)) for k, v in data.items() if k not in _SOURCE and not _structured(v)]
    if rows:
        yield Grid(("", ""), tuple(rows))
    structured = {k: v for k, v in data.items() if k not in _SOURCE and _structured(v)}
    lists = [k for k, v in structured.items() if isinstance(v, list) and not any(isinstance(x, Mapping) for x in v)]
    for name in lists:
        yield from _headed(structured[name], name, level)
    if cited := _cites(data):
        yield Sources(cited)
    for name, value in structured.items():
        if name not in lists:
            yield from _headed(value, name, level)


def _headed(value: Any, name: str, level: int) -> Iterator[Block]:
    words = labelled(name)
    yield Heading(words[:1].upper() + words[1:], level)
    yield from _structure(value, name, level + 1)


def _structure(value: Any, name: str, level: int) -> Iterator[Block]:
    if isinstance(value, Mapping):
        if value and all(isinstance(v, Mapping) for v in value.values()):
            yield from _list([{"": labelled(k), **v} for k, v in value.items()], level)
        else:
            yield from _table(value, level, name)
    elif all(isinstance(v, Mapping) for v in value):
        yield from _list(value, level)
    else:
        yield Items(tuple(shown(v) for v in value))


def _list(rows: Sequence[Table], level: int = 3) -> Iterator[Block]:
    """Tables of one kind: as one grid, or one by one where they say too much for that."""
    rows = _compact(rows)
    columns = list(dict.fromkeys(k for row in rows for k in row if k not in _SOURCE))
    if len(columns) > _WIDEST or any(isinstance(v, Mapping | list) and len(shown(v)) > _LONGEST for row in rows for v in row.values()):
        for row in rows:
            called = next((k for k in ("", *_NAMES) if row.get(k)), next(iter(row)))
            yield Heading(shown(row[called]), min(level, 4))
            yield from _table({k: v for k, v in row.items() if k != called}, min(level + 1, 4))
        return
    cited = any(_cites(row) for row in rows)
    heads = (*(labelled(c) for c in columns), *(("source",) if cited else ()))
    yield Grid(heads, tuple(_row(row, columns, cited) for row in rows))


def _compact(rows: Sequence[Table]) -> Sequence[Table]:
    """Where there are too many columns, what only few of the tables say goes into one of its own."""
    columns = list(dict.fromkeys(k for row in rows for k in row if k not in _SOURCE))
    common = [c for c in columns if 2 * sum(c in row for row in rows) >= len(rows)]
    if len(columns) <= _WIDEST or len(common) >= _WIDEST:
        return rows
    kept = (*common, *_SOURCE)
    return [{**{k: v for k, v in row.items() if k in kept}, "also": shown({k: v for k, v in row.items() if k not in kept})} for row in rows]


def _row(row: Table, columns: Sequence[str], cited: bool) -> tuple[Cell, ...]:
    cells: tuple[Cell, ...] = tuple(shown(row.get(c), c) for c in columns)
    return (*cells, _cites(row) or "") if cited else cells


def _structured(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(v, Mapping) for v in value) or len(shown(value)) > _LONGEST
    return isinstance(value, Mapping)


def _cites(data: Table) -> Cites | None:
    return Cites(tuple(data["citations"]), str(data.get("confidence", ""))) if data.get("citations") else None


def _keys(data: Any) -> Iterator[str]:
    if isinstance(data, Mapping):
        yield from data.get("citations", ())
        for value in data.values():
            yield from _keys(value)
    elif isinstance(data, list):
        for value in data:
            yield from _keys(value)


def _sources(data: Table, content: Content) -> tuple[Block, ...]:
    """Every source of the page once."""
    found = [content.citations[k] for k in sorted(set(_keys(data))) if k in content.citations]
    if not found:
        return ()
    rows = tuple((c.key, c.title, c.publisher, c.year, c.url) for c in found)
    marks = "V: read in that source. K: established knowledge, not looked up. ?: unsure, shown as evidence only."
    return (Heading("Sources"), Sentence(marks), Grid(("key", "title", "publisher", "year", "address"), rows, tuple(c.key for c in found)))


def _before_sources(page: Document, more: Sequence[Block]) -> Document:
    at = next((n for n, b in enumerate(page.blocks) if b == Heading("Sources")), len(page.blocks))
    return Document(page.title, (*page.blocks[:at], *more, *page.blocks[at:]))
