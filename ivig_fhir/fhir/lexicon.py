"""Lexicon: all value sets at once, so that a code or a text is looked up once, however many sets are asked about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ivig_fhir.fhir.codes import Code, ValueSet
from ivig_fhir.fhir.terms import Term

_WORD = re.compile(r"\w+")
_Entry = tuple[Term, str, bool]  # what stands for a set, the set, and whether it excludes from it
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
        self._by_letters: dict[str, list[_Entry]] = {}
        self._anywhere: list[_Entry] = []
        for found in sets:
            for code in found.exact:
                self._exact.setdefault(code, set()).add(found.id)
            for prefix in found.prefixes:
                self._prefixes.setdefault(prefix, set()).add(found.id)
            self._add(found.id, (Term.whole(t) for t in found.terms), excludes=False)
            self._add(found.id, (Term.beginning(t) for t in found.exclude_terms), excludes=True)
        self._lengths: dict[str, set[int]] = {}
        for prefix in self._prefixes:
            self._lengths.setdefault(prefix.system, set()).add(len(prefix.code))

    def meaning(self, codes: Iterable[Code], texts: Iterable[str]) -> Meaning:
        """Which sets a concept belongs to. An excluded word in any of its texts wins over codes and words of that set."""
        named: set[str] = set()
        worded: set[str] = set()
        excluded: set[str] = set()
        for code in codes:
            named |= self._exact.get(code, set())
            for length in self._lengths.get(code.system, ()):
                named |= self._prefixes.get(Code(code.system, code.code[:length]), set())
        for text in texts:
            for _, id_, excludes in self._standing_in(text.lower()):
                (excluded if excludes else worded).add(id_)
        return Meaning(frozenset(named - excluded), frozenset(worded - excluded))

    def _add(self, id_: str, terms: Iterable[Term], excludes: bool) -> None:
        for term in terms:
            key = term.body[:_KEY]
            if term.left and len(key) == _KEY and _WORD.match(key):
                self._by_letters.setdefault(key, []).append((term, id_, excludes))
            else:
                self._anywhere.append((term, id_, excludes))

    def _standing_in(self, lowered: str) -> Iterator[_Entry]:
        """All terms that stand in a text, which is in lower case; those that begin a word are looked for where words begin."""
        for entry in self._anywhere:
            if entry[0].stands_in(lowered):
                yield entry
        for word in _WORD.finditer(lowered):
            at = word.start()
            for entry in self._by_letters.get(lowered[at : at + _KEY], ()):
                if entry[0].stands_at(lowered, at):
                    yield entry
