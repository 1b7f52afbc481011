"""Content files from their texts: parsed exactly, hashed, each with who stands behind it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from ivig_fhir.content.governance import ContentFile
from ivig_fhir.content.hashing import hash_of
from ivig_fhir.content.load_governance import read_governance, without_governance
from ivig_fhir.content.reading import fault
from ivig_fhir.content.value_sets import Row, parse_rows

Texts = Mapping[str, str]
TOML, CSV = ".toml", ".csv"


class Files:
    """The files of one version of the content. Reading one ticks it off; `read` is every file that was read."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.read: dict[str, ContentFile] = {}

    def toml(self, name: str) -> dict[str, Any]:
        """One TOML file without its head."""
        data = parse_toml(self.text(name), name)
        self.read[name] = ContentFile(name, hash_of(data), read_governance(data, name))
        return without_governance(data)

    def rows(self, name: str) -> list[Row]:
        """One CSV file of codes."""
        heads, rows = parse_rows(self.text(name), name)
        self.read[name] = ContentFile(name, hash_of([heads, [list(r) for r in rows]]), read_governance(heads, name))
        return rows

    def names(self, folder: str, ending: str) -> list[str]:
        """The files of a folder, in alphabetical order."""
        return sorted(name for name in self._texts if name.startswith(f"{folder}/") and name.endswith(ending))

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return name in self._texts

    def end(self, also: str) -> None:
        """Refuses a file that nobody read, unless it stands below `also`. ContentError names the first."""
        for name in self._texts:
            if name not in self.read and not name.startswith(also):
                raise fault(name, "", "is not a file that is known here")

    def text(self, name: str) -> str:
        """A file as it is written. ContentError when it is missing."""
        if name not in self._texts:
            raise fault(name, "", "is missing")
        return self._texts[name]


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """A TOML text, exact: a bare decimal would become a float, so it is refused."""
    try:
        data = tomllib.loads(text, parse_float=_Bare)
    except tomllib.TOMLDecodeError as why:
        raise fault(name, "", f"is not TOML ({why})") from None
    _refuse_inexact(data, name, "")
    return data


class _Bare(str):
    """A number that was written as a bare decimal."""


def _refuse_inexact(value: Any, file: str, at: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_inexact(inner, file, f"{at}.{key}" if at else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value, start=1):
            name = inner.get("id", number) if isinstance(inner, dict) else number
            _refuse_inexact(inner, file, f"{at}[{name}]")
    elif isinstance(value, _Bare):
        raise fault(file, at, f'is the bare decimal {value}; write it as "{value}", so that it stays exact')
    elif not isinstance(value, str | int):
        raise fault(file, at, "is a date or a time; write it as text")
