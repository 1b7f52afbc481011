"""The site file, from parsed TOML: checked against the content, which it may narrow or answer and never widen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ivig_fhir.content.governance import Review
from ivig_fhir.content.load_ladders import check_steps
from ivig_fhir.content.model import Check, Content, Ladder, RateStep
from ivig_fhir.content.reading import Table
from ivig_fhir.content.site import AdoptedLadder, Site

_FILE = "site file"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def load_site(data: Mapping[str, Any], content: Content) -> Site:
    """One hospital's answers. ContentError for an unknown key or id, and for whatever would widen the content."""
    row = Table(data, _FILE)
    increments, tolerance = _rounding(row, content)
    site = Site(
        timezone=_timezone(row),
        infusion_start=_clock(row),
        glucose_meters_maltose_safe=row.flag("glucose_meters_maltose_safe") if row.has("glucose_meters_maltose_safe") else None,
        consent_required=row.flag("consent_required", default=True),
        formulary=_formulary(row, content),
        weight_policy=row.table("weight").one_of("policy", content.weight_policies) if row.has("weight") else None,
        rounding_increments_g=increments,
        rounding_tolerance=tolerance,
        stale_days=MappingProxyType(_stale_days(row, content)),
        ladders=MappingProxyType(_ladders(row, content)),
        reviews=MappingProxyType(_reviews(row, content)),
        risk_cap_mg_kg_min=_risk_cap(row),
        never_override=_never(row, content),
    )
    row.end()
    return site


def narrowed(content: Content, site: Site) -> Content:
    """The content with the site's shorter days, and with stops where the site allows no override; everything else as it was."""
    if not site.stale_days and not site.never_override:
        return content
    checks = {
        id_: _stopping(_shortened(check, site.stale_days.get(id_, {})), id_ in site.never_override) for id_, check in content.checks.items()
    }
    return replace(content, checks=MappingProxyType(checks))


def _shortened(check: Check, days: Mapping[str, int]) -> Check:
    return replace(check, thresholds={**check.thresholds, **days}) if days else check


def _stopping(check: Check, never: bool) -> Check:
    """A finding that asks for a reason becomes a hard stop, which no reason lifts."""
    if not never:
        return check
    return replace(check, severity={branch: "hard-stop" if s == "override" else s for branch, s in check.severity.items()})


def _timezone(row: Table) -> ZoneInfo:
    name = row.text("timezone") if row.has("timezone") else "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise row.fault("timezone", f"is {name!r}, which is not a time zone") from None


def _clock(row: Table) -> time:
    if not row.has("infusion_start"):
        return Site.infusion_start
    text = row.text("infusion_start")
    if not _CLOCK.fullmatch(text):
        raise row.fault("infusion_start", f"is {text!r}, which is not a time as in 10:00")
    return time.fromisoformat(text)


def _formulary(row: Table, content: Content) -> tuple[str, ...] | None:
    if not row.has("formulary"):
        return None
    ids = row.words("formulary", some=True)
    for id_ in ids:
        if id_ not in content.products:
            raise row.fault("formulary", f"names {id_!r}, which is no product here")
        if not content.products[id_].marketed:
            raise row.fault("formulary", f"names {id_!r}, which is no longer made")
    return ids


def _rounding(row: Table, content: Content) -> tuple[tuple[Decimal, ...] | None, Decimal | None]:
    if not row.has("rounding"):
        return None, None
    table = row.table("rounding")
    increments = table.numbers("increments_g") if table.has("increments_g") else None
    if increments and min(increments) <= 0:
        raise table.fault("increments_g", "has one that is not above 0")
    tolerance = table.number_or_none("tolerance")
    widest = min(p.tolerance for p in content.rounding_policies.values())
    if tolerance is not None and tolerance > widest:
        raise table.fault("tolerance", f"is {tolerance}, and a site may only narrow the policy's {widest}")
    return increments, tolerance


def _stale_days(row: Table, content: Content) -> dict[str, Mapping[str, int]]:
    """By check id: one number that no limit in days of the check may exceed, or a table of its thresholds."""
    if not row.has("stale_days"):
        return {}
    table = row.table("stale_days")
    found: dict[str, Mapping[str, int]] = {}
    for id_ in table.names():
        if id_ not in content.constants["stale_days_checks"] or id_ not in content.checks:
            raise table.fault(id_, "is not a check whose days a site may shorten")
        limits = _limits_in_days(content.checks[id_])
        if isinstance(table.raw(id_), int):
            ceiling = table.whole(id_, least=1)
            shorter = {name: ceiling for name, days in limits.items() if ceiling < days}
            if not shorter:
                raise table.fault(id_, f"is {ceiling}, and a site may only shorten what the content has: {limits}")
        else:
            shorter = _named_days(table.table(id_), limits)
        found[id_] = MappingProxyType(shorter)
    return found


def _limits_in_days(check: Check) -> dict[str, int]:
    return {name: int(days) for name, days in check.thresholds.items() if name.endswith("days") and isinstance(days, int | Decimal)}


def _named_days(table: Table, limits: Mapping[str, int]) -> dict[str, int]:
    shorter = {}
    for name in table.names():
        if name not in limits:
            raise table.fault(name, f"is not a limit in days of this check, which has {', '.join(limits)}")
        shorter[name] = table.whole(name, least=1)
        if shorter[name] > limits[name]:
            raise table.fault(name, f"is {shorter[name]}, and a site may only shorten the {limits[name]} days of the content")
    return shorter


def _ladders(row: Table, content: Content) -> dict[tuple[str, str], AdoptedLadder]:
    """Rate steps that the site adopts, by product and label indication; never faster than the label's maximum."""
    if not row.has("ladders"):
        return {}
    table, found = row.table("ladders"), {}
    for product in table.names():
        if product not in content.products:
            raise table.fault(product, "is no product here")
        inner = table.table(product)
        for name in inner.names():
            ladders = [x for x in content.products[product].ladders if name in x.for_]
            if not ladders:
                raise inner.fault(name, f"is not an indication for which {product} has a rate table")
            found[product, name] = _adopted(inner.table(name), ladders)
    return found


def _adopted(row: Table, ladders: Sequence[Ladder]) -> AdoptedLadder:
    """Steps of one table; where a product comes in several concentrations, the site says for which."""
    several = len(ladders) > 1
    concentration = row.number("concentration_mg_ml") if several or row.has("concentration_mg_ml") else None
    ladder = next((x for x in ladders if concentration in (None, x.concentration_mg_ml)), None)
    if ladder is None:
        raise row.fault("concentration_mg_ml", "is not a concentration of this rate table")
    highest = ladder.max_ml_kg_h
    steps = tuple(RateStep(r.number("ml_kg_h"), r.number_or_none("minutes"), False) for r in row.tables("steps"))
    if not steps:
        raise row.fault("steps", "is missing")
    check_steps(row, steps)
    if steps[-1].ml_kg_h > highest:
        raise row.fault("steps", f"go to {steps[-1].ml_kg_h} mL/kg/h, above the label's maximum of {highest}")
    return AdoptedLadder(steps, row.text("adopted_by"), _day(row, "adopted_on"), concentration)


def _reviews(row: Table, content: Content) -> dict[str, Review]:
    """Signatures by content hash. One over content that is not here is kept: it was given for another version."""
    if not row.has("review"):
        return {}
    table, found = row.table("review"), {}
    for signed in table.names():
        if not _HASH.fullmatch(signed):
            raise table.fault(signed, "is not a content hash")
        inner = table.table(signed)
        expires = _day(inner, "expires_on") if inner.has("expires_on") else ""
        found[signed] = Review(inner.text("reviewed_by"), _day(inner, "reviewed_on"), expires)
    return found


def _never(row: Table, content: Content) -> tuple[str, ...]:
    if not row.has("override"):
        return ()
    table = row.table("override")
    checks = table.words("never", some=True)
    for id_ in checks:
        if id_ not in content.checks or "override" not in content.checks[id_].severity.values():
            raise table.fault("never", f"names {id_!r}, which is not a check that asks for a reason")
    return checks


def _day(row: Table, key: str) -> str:
    text = row.text(key)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise row.fault(key, f"is {text!r}, which is not a date as in 2026-03-02") from None


def _risk_cap(row: Table) -> Decimal | None:
    if not row.has("risk_cap"):
        return None
    cap = row.table("risk_cap").number("mg_kg_min")
    if cap <= 0:
        raise row.fault("risk_cap.mg_kg_min", "is not above 0")
    return cap
