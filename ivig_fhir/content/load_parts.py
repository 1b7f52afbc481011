"""References and panels, from parsed TOML."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Citation, Panel
from ivig_fhir.content.reading import Table, by_id

AGE_BANDS = ("adult", "0-18y", "0-1y", "1-5y", "5-12y", "12-18y", "any")


def read_citations(data: Mapping[str, Any], file: str) -> dict[str, Citation]:
    """Every source by its key."""
    book = Table(data, file)
    found = {}
    for key in book.names():
        row = book.table(key)
        found[key] = Citation(key, row.text("title"), row.text("publisher"), row.text("year"), row.text("url", empty=True))
    book.end()
    return found


def read_panels(data: Mapping[str, Any], file: str, citations: Collection[str]) -> dict[str, Panel]:
    """How each laboratory value and vital sign is found and read."""
    root = Table(data, file, citations)
    made = [_panel(row) for row in root.tables("panel")]
    root.end()
    return by_id(made, lambda p: p.id, file)


def _panel(row: Table) -> Panel:
    loinc = row.table("loinc")
    codes = {code: loinc.text(code) for code in loinc.names()}
    never = row.words("never")
    qualified = row.table("qualified") if row.has("qualified") else None
    says = {code: qualified.text(code) for code in qualified.names()} if qualified else {}
    for code in (*says, *never):
        if (code in codes) != (code in says):
            raise row.fault("qualified" if code in says else "never", f"names {code}, which does not fit the codes of the panel")
    unit, accepted = row.text("unit", empty=True), row.words("accepted")
    if unit and unit not in (*accepted, "code", "text"):
        raise row.fault("accepted", f"lacks the unit {unit} of the panel itself")
    soft = row.table("soft") if row.has("soft") else None
    return Panel(
        id=row.id(),
        title=row.text("title"),
        loinc=codes,
        never=never,
        qualified=says,
        unit=unit,
        accepted=accepted,
        hard=row.pair_or_none("hard"),
        soft=_soft(soft) if soft else {},
        exact=row.flag("exact", default=False),
        terms=row.words("terms"),
        source=row.basis(),
    )


def _soft(table: Table) -> dict[str, tuple[Decimal, Decimal]]:
    for band in table.names():
        if band not in AGE_BANDS:
            raise table.fault(band, f"is not one of {', '.join(AGE_BANDS)}")
    return {band: table.pair(band) for band in table.names()}
