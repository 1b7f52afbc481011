"""Order sets, from parsed TOML: tier, codes, regimens, limits, evidence and documentation of one indication."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from ivig_fhir.content.authority import Basis
from ivig_fhir.content.governance import ContentFile
from ivig_fhir.content.order_set import Evidence, OrderSet, PayerCriterion, Regimen, Trough, Years
from ivig_fhir.content.reading import Table, by_id
from ivig_fhir.fhir.codes import ValueSet

TIERS = ("A", "B", "C", "D")
MAXIMA = ("course_g_kg", "per_day_g_kg", "per_infusion_g_kg", "per_week_g_kg", "per_month_g_kg", "course_g", "per_infusion_g")
_BASES = ("total_course", "single", "per_cycle", "per_infusion", "per_infusion_or_month", "per_week", "per_session", "per_month")
_PER_DAY = re.compile(r"per day x [1-9] days")
T = TypeVar("T")


def read_order_set(data: Mapping[str, Any], file: ContentFile, citations: Collection[str], codes: ValueSet) -> OrderSet:
    """One indication's order set; `codes` is its set of diagnosis codes."""
    row = Table(data, file.name, citations)
    tier = row.one_of("tier", TIERS)
    regimens = by_id([_regimen(r) for r in row.tables("regimen")], lambda r: r.id, file.name)
    _refuse_odd_regimens(row, tier, regimens)
    maximum, maximum_source = _maximum(row)
    made = OrderSet(
        id=row.id(),
        name=row.text("name"),
        governance=file.governance,
        tier=tier,
        label_code=row.text("label_code", empty=True),
        on_label=row.text("on_label"),
        codes=codes,
        regimens=tuple(regimens.values()),
        maximum=maximum,
        maximum_source=maximum_source,
        trough=_trough(row),
        evidence=tuple(_evidence(r) for r in row.tables("evidence", naming="body")),
        documentation=row.words("documentation", some=True),
        response=row.optional("response"),
        stop=row.optional("stop"),
        target=row.optional("target"),
        duration=row.optional("duration"),
        weight_note=row.optional("weight_note"),
        default_product=row.id("default_product"),
        age_years=_ages(row),
        guidance=row.text("guidance"),
        source=row.basis(),
        content_hash=file.hash,
    )
    row.end()
    return made


def read_payers(data: Mapping[str, Any], file: str, citations: Collection[str]) -> tuple[PayerCriterion, ...]:
    """What payers ask for."""
    root = Table(data, file, citations)
    made = [PayerCriterion(r.id(), r.text("says"), r.words("order_sets"), r.basis()) for r in root.tables("criterion")]
    root.end()
    return tuple(by_id(made, lambda c: c.id, file).values())


def _refuse_odd_regimens(row: Table, tier: str, regimens: Mapping[str, Regimen]) -> None:
    usual = [r for r in regimens.values() if not r.exception]
    if tier == "D" and usual:
        raise row.fault("regimen", "has a regimen that is no exception, although the tier is D")
    if tier != "D" and not usual:
        raise row.fault("regimen", "has none that can be the default")
    for item in regimens.values():
        if item.basis.startswith("as ") and item.basis.removeprefix("as ") not in regimens:
            raise row.fault(f"regimen[{item.id}].basis", "names a regimen that is not here")


def _regimen(row: Table) -> Regimen:
    days, usual = row.whole_pair("days"), row.whole("default_days", least=1)
    if not days[0] <= usual <= days[1]:
        raise row.fault("default_days", f"is not from {days[0]} to {days[1]}")
    interval, label_days = row.pair_or_none("interval_weeks"), _by_product(row, "label_days", Table.whole_pair)
    return Regimen(
        id=row.id(),
        title=row.text("title"),
        phase=row.text("phase"),
        dose_g_kg=row.pair("dose_g_kg"),
        usual_g_kg=_usual(row, "usual_g_kg", row.pair("dose_g_kg")),
        basis=_basis_word(row),
        days=days,
        default_days=usual,
        interval_weeks=interval,
        usual_interval_weeks=_usual(row, "usual_interval_weeks", interval),
        cycles=_of_series(row, "cycles", interval),
        review_months=_of_series(row, "review_months", interval),
        infusion_hours=row.pair_or_none("infusion_hours"),
        label_range_g_kg=row.pair_or_none("label_range_g_kg"),
        label_g_kg=_by_product(row, "label_g_kg", Table.pair),
        label_days=label_days,
        label_days_either=_either(row, label_days),
        exception=row.flag("exception", default=False),
        not_for=row.id("not_for") if row.has("not_for") else "",
        tier=row.one_of("tier", TIERS) if row.has("tier") else "",
        age_years=_ages(row),
        repeat=row.optional("repeat"),
        source=row.basis(),
    )


def _usual(row: Table, key: str, within: tuple[Decimal, Decimal] | None) -> Decimal | None:
    """What is proposed of a range; it lies inside."""
    value = row.number_or_none(key)
    if value is not None and (within is None or not within[0] <= value <= within[1]):
        raise row.fault(key, "is not within its range")
    return value


def _of_series(row: Table, key: str, interval: object) -> int | None:
    """A whole number that only a regimen with an interval has."""
    if not row.has(key):
        return None
    if interval is None:
        raise row.fault(key, "goes with interval_weeks only")
    return row.whole(key, least=1)


def _basis_word(row: Table) -> str:
    word = row.text("basis")
    if word in _BASES or _PER_DAY.fullmatch(word) or word.startswith("as "):
        return word
    raise row.fault("basis", f"is {word!r}, which is not a way in which a dose is given")


def _by_product(row: Table, key: str, pair: Callable[[Table, str], tuple[T, T]]) -> dict[str, tuple[T, T]]:
    """Low and high for each product that the table names."""
    if not row.has(key):
        return {}
    table = row.table(key)
    return {product: pair(table, product) for product in table.names()}


def _either(row: Table, label_days: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """Products of whose days the label prints the two ends only; each has two that differ."""
    named = row.words("label_days_either")
    odd = next((p for p in named if len(set(label_days.get(p, ()))) < 2), None)
    if odd is not None:
        raise row.fault("label_days_either", f"names {odd!r}, which has no two numbers in label_days")
    return named


def _maximum(row: Table) -> tuple[dict[str, Decimal], Basis | None]:
    if not row.has("maximum"):
        return {}, None
    table = row.table("maximum")
    return {key: table.number(key) for key in MAXIMA if table.has(key)}, table.basis()


def _trough(row: Table) -> Trough | None:
    if not row.has("trough"):
        return None
    table = row.table("trough")
    low, high = table.number_or_none("usual_from_mg_dl"), table.number_or_none("usual_to_mg_dl")
    if low is not None and high is not None and low > high:
        raise table.fault("usual_to_mg_dl", "is below usual_from_mg_dl")
    return Trough(table.number("minimum_mg_dl"), low, high, table.optional("recheck"), table.basis())


def _evidence(row: Table) -> Evidence:
    """What a body says; here alone something unsure may stand, and it is shown as unsure."""
    return Evidence(row.text("body"), row.text("says"), row.basis(unsure=True))


def _ages(row: Table) -> Years:
    """Completed years, both ends included; an absent limit is none."""
    if not row.has("age_years"):
        return None, None
    table = row.table("age_years")
    return (table.whole("from") if table.has("from") else None), (table.whole("to") if table.has("to") else None)
