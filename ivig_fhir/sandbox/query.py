"""A search as it was asked: filters, result parameters, and what of it this server does not know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ivig_fhir.sandbox import dates
from ivig_fhir.sandbox.matching import MODIFIERS
from ivig_fhir.sandbox.outcome import FhirError, invalid
from ivig_fhir.sandbox.parameters import Parameter, parameters
from ivig_fhir.sandbox.resource_types import RESOURCE_TYPES

PAGE_DEFAULT = 50
PAGE_MOST = 200
_IGNORED = frozenset({"_format", "_pretty", "_total", "_elements"})
_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition: any of the values will do."""

    parameter: Parameter
    modifier: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Include:
    """One `_include` or `_revinclude`: from which type, through which reference parameter, and to which type if it says so."""

    source: str
    parameter: Parameter
    target: str | None
    reverse: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A search of one type. `unknown` names the parameters that were left out; `asked` is the query string's pairs for the self link."""

    type: str
    filters: tuple[Filter, ...] = ()
    sort: tuple[tuple[Parameter, bool], ...] = ()
    includes: tuple[Include, ...] = ()
    count: int = PAGE_DEFAULT
    summary_count: bool = False
    total: bool = False
    unknown: tuple[str, ...] = ()
    asked: tuple[tuple[str, str], ...] = field(default=())


def parse(type_: str, pairs: Sequence[tuple[str, str]]) -> Query:
    """The search that `name=value` pairs ask for. FhirError 400 for a value that cannot be read; unknown names are only listed."""
    known = parameters(type_)
    filters: list[Filter] = []
    sort: list[tuple[Parameter, bool]] = []
    includes: list[Include] = []
    unknown: list[str] = []
    single = {name: value for name, value in pairs if name in ("_count", "_summary", "_total")}
    for name, value in pairs:
        plain, _, modifier = name.partition(":")
        if plain in ("_include", "_revinclude"):
            include = _include(value, reverse=plain == "_revinclude")
            includes.append(include) if include else unknown.append(f"{name}={value}")
        elif plain == "_sort":
            keys = [_sort_key(key, known) for key in value.split(",")]
            sort += [key for key in keys if key]
            unknown += [f"_sort={value}"] if None in keys else []
        elif plain in known:
            filters.append(_filter(known[plain], modifier, value))
        elif plain not in _IGNORED and plain not in single:
            unknown.append(name)
    count = _count(single.get("_count"))
    return Query(
        type_,
        tuple(filters),
        tuple(sort),
        tuple(includes),
        count or PAGE_DEFAULT,
        single.get("_summary") == "count" or count == 0,
        single.get("_total") == "accurate",
        tuple(unknown),
        tuple(pairs),
    )


def _filter(parameter: Parameter, modifier: str, value: str) -> Filter:
    allowed = MODIFIERS[parameter.kind]
    if modifier and modifier not in allowed and not (parameter.kind == "reference" and modifier in RESOURCE_TYPES):
        raise FhirError(400, "not-supported", f"The modifier :{modifier} is not supported on {parameter.name}.")
    split = tuple(one.replace("\\,", ",").replace("\\|", "|").replace("\\\\", "\\") for one in _COMMA.split(value) if one)
    if not split:
        raise invalid(f"The parameter {parameter.name} has no value.")
    if modifier == "missing" and split not in (("true",), ("false",)):
        raise invalid("The modifier :missing takes true or false.")
    if parameter.kind == "date" and modifier != "missing":
        for one in split:
            try:
                dates.parse(one)
            except ValueError:
                raise invalid(f"The parameter {parameter.name} has a value that is not a date.") from None
    return Filter(parameter, modifier, split)


def _include(value: str, reverse: bool) -> Include | None:
    source, _, rest = value.partition(":")
    name, _, target = rest.partition(":")
    parameter = parameters(source).get(name)
    known = source in RESOURCE_TYPES and parameter is not None and parameter.kind == "reference"
    return Include(source, parameter, target or None, reverse) if known and parameter else None


def _sort_key(key: str, known: dict[str, Parameter]) -> tuple[Parameter, bool] | None:
    parameter = known.get(key.lstrip("-"))
    return (parameter, key.startswith("-")) if parameter else None


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal():
        raise invalid("The parameter _count is a whole number.")
    return min(int(text), PAGE_MOST)
