"""A TOML table read strictly: every key is either understood or refused, and every fault names its file and key in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from ivig_fhir.content.model import Basis
from ivig_fhir.errors import ContentError

CONFIDENCE = ("V", "K", "?")
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,9})?")
_ID = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")

T = TypeVar("T")


def fault(file: str, key: str, problem: str) -> ContentError:
    """The error for one key of one file."""
    sentence = f"{file}: {key} {problem}." if key else f"{file} {problem}."
    return ContentError(said=sentence, detail=sentence)


def exact(value: object) -> Decimal | None:
    """A number written as an integer or as text ("0.4"), exactly; None for everything else, also for a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    return None


class Table:
    """One TOML table. Reading a key ticks it off; `end` refuses what was not read, in this table and in those inside it."""

    def __init__(self, data: Any, file: str, citations: Collection[str] = (), at: str = "") -> None:
        if not isinstance(data, Mapping):
            raise fault(file, at, "is not a table")
        self._data, self._file, self._citations, self._at = data, file, citations, at
        self._read: set[str] = set()
        self._inside: list[Table] = []

    def fault(self, key: str, problem: str) -> ContentError:
        """The error for a key of this table."""
        return fault(self._file, self.path(key), problem)

    def path(self, key: str) -> str:
        """Where the key stands in the file."""
        return f"{self._at}.{key}" if self._at and key else self._at or key

    def end(self) -> None:
        """Refuse keys that nobody read. ContentError names the first."""
        for key in self._data:
            if key not in self._read:
                raise self.fault(key, "is not a key that is known here")
        for table in self._inside:
            table.end()

    def names(self) -> tuple[str, ...]:
        """The keys of a table whose keys are ids."""
        return tuple(self._data)

    def has(self, key: str) -> bool:
        """Whether the key is given."""
        return key in self._data

    def raw(self, key: str) -> Any:
        """The value as TOML gave it. ContentError when it is missing."""
        self._read.add(key)
        if key not in self._data:
            raise self.fault(key, "is missing")
        return self._data[key]

    def table(self, key: str) -> Table:
        """A table inside this one."""
        made = Table(self.raw(key), self._file, self._citations, self.path(key))
        self._inside.append(made)
        return made

    def tables(self, key: str, naming: str = "id") -> tuple[Table, ...]:
        """A list of tables; messages call each by its `naming` key where it has one. An absent list is empty."""
        items = self.raw(key) if key in self._data else []
        if not isinstance(items, list):
            raise self.fault(key, "is not a list of tables")
        made = []
        for number, item in enumerate(items, start=1):
            name = item.get(naming, number) if isinstance(item, Mapping) else number
            made.append(Table(item, self._file, self._citations, f"{self.path(key)}[{name}]"))
        self._inside.extend(made)
        return tuple(made)

    def text(self, key: str, empty: bool = False) -> str:
        """Words; `empty` allows that there are none."""
        value = self.raw(key)
        if not isinstance(value, str) or (not value.strip() and not empty) or value != value.strip():
            raise self.fault(key, "is not a text")
        return value

    def optional(self, key: str) -> str:
        """Words, or none when the key is absent."""
        return self.text(key) if key in self._data else ""

    def id(self, key: str = "id") -> str:
        """An id: lower-case words with hyphens."""
        value = self.text(key)
        if not _ID.fullmatch(value):
            raise self.fault(key, f"is {value!r}, which is not lower-case words joined by hyphens")
        return value

    def one_of(self, key: str, allowed: Collection[str]) -> str:
        """One of a closed list of words."""
        value = self.text(key)
        if value not in allowed:
            raise self.fault(key, f"is {value!r}, which is not one of {', '.join(allowed)}")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        if default is not None and key not in self._data:
            return default
        value = self.raw(key)
        if not isinstance(value, bool):
            raise self.fault(key, "is neither true nor false")
        return value

    def words(self, key: str, some: bool = False) -> tuple[str, ...]:
        """A list of texts, each once; absent means none, unless there must be `some`."""
        values = self.raw(key) if some or key in self._data else []
        if not isinstance(values, list) or not all(isinstance(v, str) and v.strip() for v in values) or (some and not values):
            raise self.fault(key, "is not a list of texts")
        if len(set(values)) != len(values):
            raise self.fault(key, "names something twice")
        return tuple(values)

    def number(self, key: str, least: Decimal | int = 0) -> Decimal:
        """An exact number, an integer or a number in quotes; a bare decimal is refused, because it would be a float."""
        return self._exact(key, self.raw(key), least)

    def number_or_none(self, key: str) -> Decimal | None:
        """An exact number, or None when the key is absent."""
        return self.number(key) if key in self._data else None

    def numbers(self, key: str) -> tuple[Decimal, ...]:
        """A list of exact numbers, at least one."""
        values = self.raw(key)
        if not isinstance(values, list) or not values:
            raise self.fault(key, "is not a list of numbers")
        return tuple(self._exact(key, v) for v in values)

    def pair(self, key: str) -> tuple[Decimal, Decimal]:
        """Low and high."""
        values = self.numbers(key)
        if len(values) != 2 or values[0] > values[1]:
            raise self.fault(key, "is not a low and a high number")
        return values[0], values[1]

    def pair_or_none(self, key: str) -> tuple[Decimal, Decimal] | None:
        """Low and high, or None when the key is absent."""
        return self.pair(key) if key in self._data else None

    def whole(self, key: str, least: int = 0) -> int:
        """A whole number."""
        value = self.raw(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.fault(key, f"is not a whole number from {least}")
        return value

    def whole_pair(self, key: str) -> tuple[int, int]:
        """Low and high, whole numbers from 1."""
        low, high = self.pair(key)
        if low != int(low) or high != int(high) or low < 1:
            raise self.fault(key, "is not a low and a high whole number")
        return int(low), int(high)

    def basis(self, unsure: bool = False) -> Basis:
        """Citation keys and confidence mark of this table; `?` only where `unsure` allows it, which no figure and no order does."""
        keys = self.words("citations", some=True)
        for key in keys:
            if key not in self._citations:
                raise self.fault("citations", f"names {key!r}, which references.toml does not have")
        mark = self.one_of("confidence", CONFIDENCE)
        if mark == "?" and not unsure:
            raise self.fault("confidence", "is '?', and what is unsure is not loaded as fact")
        return Basis(keys, mark)

    def _exact(self, key: str, value: object, least: Decimal | int = 0) -> Decimal:
        number = exact(value)
        if number is None:
            raise self.fault(key, 'is not an exact number (write 5 or "0.4", not 0.4)')
        if number < least:
            raise self.fault(key, f"is below {least}")
        return number


def by_id(items: Collection[T], id_of: Callable[[T], str], file: str) -> dict[str, T]:
    """Items by id, in their order. ContentError for an id given twice."""
    found: dict[str, T] = {}
    for item in items:
        if id_of(item) in found:
            raise fault(file, id_of(item), "is there twice")
        found[id_of(item)] = item
    return found
