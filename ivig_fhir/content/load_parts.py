"""References, panels and companions, from parsed TOML."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from ivig_fhir.content.model import Citation, Companion, Panel
from ivig_fhir.content.reading import Table, by_id

BUILT_IN_WORDS = ("always", "offered", "adult", "child")
KINDS = ("medication", "lab", "monitoring", "nursing", "education")
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
        terms=row.words("terms"),
        source=row.basis(),
    )


def _soft(table: Table) -> dict[str, tuple[Decimal, Decimal]]:
    for band in table.names():
        if band not in AGE_BANDS:
            raise table.fault(band, f"is not one of {', '.join(AGE_BANDS)}")
    return {band: table.pair(band) for band in table.names()}


def read_companions(
    data: Mapping[str, Any], file: str, citations: Collection[str]
) -> tuple[tuple[Companion, ...], dict[str, tuple[str, ...]]]:
    """The orders beside the infusion, and the rule words: each word with the check ids that make it true when they fire."""
    root = Table(data, file, citations)
    table = root.table("rules")
    rules = {word: table.words(word, some=True) for word in table.names()}
    made = [_companion(row, (*BUILT_IN_WORDS, *rules)) for row in root.tables("companion")]
    root.end()
    return tuple(by_id(made, lambda c: c.id, file).values()), rules


def _companion(row: Table, words: Collection[str]) -> Companion:
    return Companion(
        id=row.id(),
        kind=row.one_of("kind", KINDS),
        title=row.text("title"),
        required=row.flag("required"),
        when=_rule_words(row, "when", words),
        unless=_rule_words(row, "unless", words) if row.has("unless") else (),
        adult=row.text("adult"),
        child=row.text("child") if row.has("child") else row.text("adult"),
        codes=_codes(row),
        offset_minutes=_offset(row),
        source=row.basis(),
    )


def _rule_words(row: Table, key: str, words: Collection[str]) -> tuple[str, ...]:
    found = row.words(key, some=True)
    for word in found:
        if word not in words:
            raise row.fault(key, f"names the rule {word!r}, which [rules] does not have")
    return found


def _codes(row: Table) -> tuple[str, ...]:
    found = row.words("codes")
    for item in found:
        if len(item.split("|")) != 3 or not all(item.split("|")):
            raise row.fault("codes", f"has {item!r}, which is not system|code|display")
    return found


def _offset(row: Table) -> int | None:
    """Minutes from the start of the infusion; before it they are negative."""
    return int(row.number("offset_minutes", least=-10080)) if row.has("offset_minutes") else None
