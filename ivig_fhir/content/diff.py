"""What changed between two versions of the content: file, place, old and new, matched by id, in words that a pharmacist reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivig_fhir.content.files import CSV, Texts, parse_toml
from ivig_fhir.content.value_sets import table_of
from ivig_fhir.content.wording import labelled, shown

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
# By which key the tables of a list are known again; the first that each of them has, and none twice. Else their place is who they are.
_NAMES = (("id",), ("code",), ("system", "code"), ("body",), ("ref",), ("for", "concentration_mg_ml"), ("for",))


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs. kind: added, removed or changed; `where` is the place in the file ("": the file itself)."""

    file: str
    where: str
    kind: str
    old: str
    new: str


def compare(old: Texts, new: Texts) -> tuple[Change, ...]:
    """Every change from `old` to `new`, file by file. Comments, layout and order of keys are no change. ContentError for broken TOML.

    Only the form of a file is read, not its meaning, so a version of an older program can be compared too.
    """
    return tuple(change for name in sorted(old.keys() | new.keys()) for change in _file(name, old.get(name), new.get(name)))


def _file(name: str, old: str | None, new: str | None) -> Iterator[Change]:
    if old is None or new is None:
        data = _read(name, old or new or "")
        title = str(data.get("name") or data.get("brand") or data.get("title") or "")
        yield Change(name, "", ADDED if old is None else REMOVED, "" if old is None else title, title if old is None else "")
    else:
        for where, kind, before, after in _table(_read(name, old), _read(name, new), ""):
            yield Change(name, where, kind, before, after)


def _read(name: str, text: str) -> dict[str, Any]:
    return table_of(text, name) if name.endswith(CSV) else parse_toml(text, name)


_Found = Iterator[tuple[str, str, str, str]]


def _table(old: Mapping[str, Any], new: Mapping[str, Any], at: str) -> _Found:
    """Keys of two tables: first those of the new one in its order, then those that are gone."""
    for key in (*new, *(k for k in old if k not in new)):
        yield from _value(old.get(key), new.get(key), labelled(key, at), key)


def _value(old: Any, new: Any, at: str, key: str) -> _Found:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _table(old, new, at)
    elif _tables(old) and _tables(new) and (old or new):
        yield from _list(old, new, at)
    elif _words(old) and _words(new):
        yield from _set(old, new, at)
    elif old is None or new is None:
        yield at, ADDED if old is None else REMOVED, shown(old, key), shown(new, key)
    else:
        yield at, CHANGED, shown(old, key), shown(new, key)


def _list(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]], at: str) -> _Found:
    before, after = _named(old, new)
    for name in (*after, *(n for n in before if n not in after)):
        place = f"{at} {name}".strip()
        if name in before and name in after:
            yield from _table(before[name], after[name], place)
        else:
            kind = ADDED if name in after else REMOVED
            yield place, kind, shown(before.get(name)), shown(after.get(name))


def _named(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Both lists by what names their tables."""
    for keys in _NAMES:
        if all(k in item for item in (*old, *new) for k in keys):
            made = [{" ".join(shown(item[k]) for k in keys): item for item in side} for side in (old, new)]
            if len(made[0]) == len(old) and len(made[1]) == len(new):
                return made[0], made[1]
    return {str(n): item for n, item in enumerate(old, start=1)}, {str(n): item for n, item in enumerate(new, start=1)}


def _set(old: Sequence[str], new: Sequence[str], at: str) -> _Found:
    """Lists of words: what came, what went; only their order, if nothing did."""
    came, went = [x for x in new if x not in old], [x for x in old if x not in new]
    for word in went:
        yield at, REMOVED, word, ""
    for word in came:
        yield at, ADDED, "", word
    if not came and not went:
        yield at, CHANGED, shown(old), shown(new)


def _tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, dict) for x in value)


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, str) for x in value) and not any(x[:1].isdigit() for x in value)
