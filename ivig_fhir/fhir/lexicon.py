"""Lexicon: all value sets at once, so that a code or a text is looked up once, however many sets are asked about it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ivig_fhir.fhir.codes import Code, ValueSet
from ivig_fhir.fhir.terms import Term

_WORD = re.compile(r"\w+")
_KEY = 3  # letters by which a term is found; shorter ones, and those that may begin inside a word, are looked for everywhere


@dataclass(frozen=True, slots=True)
class Meaning:
    """The ids of the sets that a concept belongs to by its codes, and of those that only its words name. What is excluded is in neither."""

    by_code: frozenset[str]
    by_text: frozenset[str]


class Lexicon:
    """Value sets by code, by the beginning of a code, and by the first letters of their words."""

    def __init__(self, sets: Iterable[ValueSet]) -> None:
        self._exact: dict[Code, set[str]] = {}
        self._prefixes: dict[Code, set[str]] = {}
        self._words, self._excluded = _Terms(), _Terms()
        for found in sets:
            for code in found.exact:
                self._exact.setdefault(code, set()).add(found.id)
            for prefix in found.prefixes:
                self._prefixes.setdefault(prefix, set()).add(found.id)
            self._words.add(found.id, (Term.whole(t) for t in found.terms))
            self._excluded.add(found.id, (Term.beginning(t) for t in found.exclude_terms))
        self._lengths = tuple(sorted({len(p.code) for p in self._prefixes}))

    def meaning(self, codes: Iterable[Code], texts: Iterable[str]) -> Meaning:
        """Which sets a concept belongs to. An excluded word in any of its texts wins over codes and words of that set."""
        named: set[str] = set()
        worded: set[str] = set()
        excluded: set[str] = set()
        for code in codes:
            named |= self._exact.get(code, set())
            for length in self._lengths:
                named |= self._prefixes.get(Code(code.system, code.code[:length]), set())
        for text in texts:
            lowered = text.lower()
            worded |= self._words.ids_in(lowered)
            excluded |= self._excluded.ids_in(lowered)
        return Meaning(frozenset(named - excluded), frozenset(worded - excluded))


class _Terms:
    """Terms with the ids they stand for."""

    def __init__(self) -> None:
        self._by_letters: dict[str, list[tuple[Term, str]]] = {}
        self._anywhere: list[tuple[Term, str]] = []

    def add(self, id_: str, terms: Iterable[Term]) -> None:
        for term in terms:
            key = term.body[:_KEY]
            if term.left and len(key) == _KEY and _WORD.match(key):
                self._by_letters.setdefault(key, []).append((term, id_))
            else:
                self._anywhere.append((term, id_))

    def ids_in(self, lowered: str) -> set[str]:
        """The ids of all terms that stand in a text, which is in lower case."""
        found = {id_ for term, id_ in self._anywhere if term.stands_in(lowered)}
        for word in _WORD.finditer(lowered):
            at = word.start()
            found |= {id_ for term, id_ in self._by_letters.get(lowered[at : at + _KEY], ()) if term.stands_at(lowered, at)}
        return found
