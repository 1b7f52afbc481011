"""Figures as content: the names, units and decimals under which people read what a published formula says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.reading import Table, by_id


@dataclass(frozen=True, slots=True)
class FigureWords:
    """How one figure is called and shown; `step` is the decimal place that is printed, `note` what it may be used for.

    `products` and `factor` are given where the formula is a label's and holds for those products alone.
    """

    id: str
    title: str
    unit: str
    step: Decimal
    note: str
    products: tuple[str, ...]
    factor: Decimal
    source: Basis


def read_figures(data: Mapping[str, Any], file: str, citations: Collection[str]) -> dict[str, FigureWords]:
    """The figures by id, in the order in which they are shown."""
    root = Table(data, file, citations)
    made = [_figure(row) for row in root.tables("figure")]
    root.end()
    return by_id(made, lambda f: f.id, file)


def _figure(row: Table) -> FigureWords:
    step = row.number("step", least=Decimal("0.01"))
    factor = row.number("factor") if row.has("factor") else Decimal(1)
    return FigureWords(
        row.id(), row.text("title"), row.text("unit"), step, row.optional("note"), row.words("products"), factor, row.basis()
    )
